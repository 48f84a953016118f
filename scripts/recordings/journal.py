"""The scripted session of a meeting: its events, its session file, its truth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from recordings.meeting import FPS, HEIGHT, WIDTH, frame_time_us

if TYPE_CHECKING:
    from recordings.meeting import Meeting, Turn

Fields: TypeAlias = dict[str, Any]
Timed: TypeAlias = tuple[float, str, Fields]

MODEL = "gpt-4.1"
PROVIDER = "offline"
SAMPLE_FPS = 1
WINDOW = 5
DETAIL = "high"
AGENT = "meetctl-agent"
SCREEN_TRACK = "TR_screen"
FIRST_MEDIA_DELAY_S = 2.4
IMAGE_TOKENS = 1105
"""Tokens of one 1280x720 picture at high detail for gpt-4.1: 85 + 6 tiles x 170 (OpenAI's tile rule,
https://developers.openai.com/api/docs/guides/images-vision)."""
INSTRUCTION_TOKENS = 212
LABEL_TOKENS = 14
CHARACTERS_PER_TOKEN = 4
FINAL_TRANSCRIPT_S = 0.12
REQUEST_S = 0.2
SPEECH_REQUEST_S = 0.18
PRICE_BOOK = "2026-11-22"


def events(meeting: Meeting) -> list[Fields]:
    """Return the session's journal, one `meetctl.event/1` object each, `seq` from 0 without gaps."""
    media_start = meeting.started_at + timedelta(seconds=FIRST_MEDIA_DELAY_S)
    timed = [*_arrival(meeting), *_video(meeting), *_conversation(meeting), *_departure(meeting)]
    timed.sort(key=lambda event: event[0])
    lines = []
    for seq, (t_s, kind, fields) in enumerate(timed):
        # Before the first media the media clock stands at 0 while the wall clock already runs.
        at = media_start + timedelta(seconds=t_s)
        lines.append(
            {
                "v": 1,
                "seq": seq,
                "ts": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "t": round(max(t_s, 0.0), 6),
                "type": kind,
                "session_id": meeting.session_id,
                "tenant_id": meeting.tenant_id,
                "room": meeting.room,
                **fields,
            }
        )
    return lines


def session(meeting: Meeting, versions: Fields, frames_sha256: str) -> Fields:
    """Return session.json: who, when, with which versions and settings; it never holds a secret."""
    media_start = meeting.started_at + timedelta(seconds=FIRST_MEDIA_DELAY_S)
    ended = media_start + timedelta(seconds=meeting.duration_s)
    return {
        "schema": "meetctl.session/1",
        "session_id": meeting.session_id,
        "tenant_id": meeting.tenant_id,
        "room": meeting.room,
        "title": meeting.title,
        "recording": "drawn",
        "recording_note": "Drawn and spoken by scripts/draw_recordings.py; no real meeting was recorded.",
        "started_at": meeting.started_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "first_media_at": media_start.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "ended_at": ended.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "duration_s": meeting.duration_s,
        "participants": [
            {"identity": meeting.person.identity, "name": meeting.person.name, "kind": "standard"},
            {"identity": AGENT, "name": "Assistant", "kind": "agent"},
        ],
        "config": {
            "fps": SAMPLE_FPS,
            "window": WINDOW,
            "detail": DETAIL,
            "side": None,
            "model": MODEL,
            "llm_provider": PROVIDER,
            "stt_provider": PROVIDER,
            "tts_provider": PROVIDER,
        },
        "price_book": {"version": PRICE_BOOK},
        "versions": versions,
        "frames_sha256": frames_sha256,
    }


def truth(meeting: Meeting, frames_sha256: str) -> Fields:
    """Return truth.json (`meetctl.truth/1`): when the screen changed, and who spoke when."""
    speech = []
    for turn in meeting.turns:
        for who, part in ((meeting.person.identity, turn.question), (AGENT, turn.answer)):
            speech.append({"start": part.start_s, "end": part.end_s, "who": who, "text": part.text})
    return {
        "schema": "meetctl.truth/1",
        "duration_s": meeting.duration_s,
        "frames": meeting.frame_count,
        "fps": FPS,
        "changes": [
            {"t": change.t_s, "kind": change.kind, "what": change.what} for change in meeting.changes
        ],
        "speech": speech,
        "frames_sha256": frames_sha256,
    }


def _arrival(meeting: Meeting) -> Iterator[Timed]:
    person = meeting.person.identity
    policy = {"fps": SAMPLE_FPS, "window": WINDOW, "detail": DETAIL, "side": None, "model": MODEL}
    yield -2.4, "session.started", {"agent": AGENT, "policy": policy, "recording": "drawn"}
    yield -2.2, "participant.joined", {"participant": AGENT, "name": "Assistant", "kind": "agent"}
    yield -1.1, "participant.joined", {"participant": person, "name": meeting.person.name, "kind": "standard"}
    yield -0.4, "agent.state", {"old": "initializing", "new": "listening"}
    microphone = {"track": "TR_microphone", "participant": person, "source": "microphone", "kind": "audio"}
    yield -0.2, "track.started", microphone
    screen = {"track": SCREEN_TRACK, "participant": person, "source": "screen_share", "kind": "video"}
    yield 0.0, "track.started", {**screen, "width": WIDTH, "height": HEIGHT}


def _video(meeting: Meeting) -> Iterator[Timed]:
    """A frame a second is kept; every second the timestamps of its frames are told."""
    for second in range(meeting.duration_s):
        first = second * FPS
        times = [frame_time_us(index) for index in range(first, first + FPS)]
        kept = {"frame": _frame_id(second), "track": SCREEN_TRACK, "t_us": times[0]}
        yield times[0] / 1_000_000, "frame.kept", {**kept, "width": WIDTH, "height": HEIGHT}
        told = {"track": SCREEN_TRACK, "t_us": times, "kept": 1}
        yield times[-1] / 1_000_000, "video.frames", told


def _conversation(meeting: Meeting) -> Iterator[Timed]:
    history = 0
    for number, turn in enumerate(meeting.turns, start=1):
        yield from _hearing(meeting, turn, number)
        history += _tokens(turn.question.text)
        yield from _answering(turn, number, history)
        history += _tokens(turn.answer.text)


def _hearing(meeting: Meeting, turn: Turn, number: int) -> Iterator[Timed]:
    person, question = meeting.person.identity, turn.question
    heard_s = round(question.end_s - question.start_s, 3)
    yield question.start_s, "user.state", {"participant": person, "old": "listening", "new": "speaking"}
    yield question.start_s, "turn.started", {"turn": number, "participant": person}
    yield question.end_s, "user.state", {"participant": person, "old": "speaking", "new": "listening"}
    said = {"turn": number, "role": "user", "participant": person, "text": question.text, "final": True}
    yield question.end_s + FINAL_TRANSCRIPT_S, "transcript", said
    usage = {"turn": number, "provider": PROVIDER, "model": PROVIDER, "audio_s": heard_s}
    yield question.end_s + FINAL_TRANSCRIPT_S, "stt.usage", usage


def _answering(turn: Turn, number: int, history: int) -> Iterator[Timed]:
    question, answer = turn.question, turn.answer
    request_s = question.end_s + REQUEST_S
    yield request_s, "agent.state", {"old": "listening", "new": "thinking"}
    yield request_s, "llm.request", _request(turn, number, history, request_s)
    speech_s = answer.start_s - SPEECH_REQUEST_S
    characters = {"characters": len(answer.text), "audio_s": round(answer.end_s - answer.start_s, 3)}
    yield speech_s, "tts.usage", {"turn": number, "provider": PROVIDER, "model": PROVIDER, **characters}
    yield answer.start_s, "agent.state", {"old": "thinking", "new": "speaking"}
    said = {"turn": number, "role": "assistant", "participant": AGENT, "text": answer.text, "final": True}
    yield answer.end_s, "transcript", said
    yield answer.end_s, "agent.state", {"old": "speaking", "new": "listening"}
    latency = {
        "transcript_s": FINAL_TRANSCRIPT_S,
        "llm_s": round(speech_s - request_s, 3),
        "tts_s": SPEECH_REQUEST_S,
        "total_s": round(answer.start_s - question.end_s, 3),
    }
    yield answer.end_s, "turn.ended", {"turn": number, "outcome": "done", "requests": 1, "latency": latency}


def _request(turn: Turn, number: int, history: int, request_s: float) -> Fields:
    """One request with the last kept frames; its tokens are estimated, for no provider counted them."""
    latest = int(request_s) // SAMPLE_FPS
    images = [_frame_id(second) for second in range(max(0, latest - WINDOW + 1), latest + 1)]
    text = INSTRUCTION_TOKENS + history + LABEL_TOKENS * len(images)
    return {
        "turn": number,
        "request": f"request-{number:03d}",
        "provider": PROVIDER,
        "model": MODEL,
        "images": images,
        "width": WIDTH,
        "height": HEIGHT,
        "detail": DETAIL,
        "image_tokens": IMAGE_TOKENS * len(images),
        "input_tokens": text + IMAGE_TOKENS * len(images),
        "cached_input_tokens": 0,
        "output_tokens": _tokens(turn.answer.text),
        "basis": "estimated",
        "outcome": "done",
    }


def _departure(meeting: Meeting) -> Iterator[Timed]:
    end_s, person = float(meeting.duration_s), meeting.person.identity
    yield end_s, "track.ended", {"track": SCREEN_TRACK, "participant": person, "frames": meeting.frame_count}
    yield end_s, "track.ended", {"track": "TR_microphone", "participant": person}
    yield end_s, "participant.left", {"participant": person}
    yield end_s, "session.ended", {"reason": "room_closed", "turns": len(meeting.turns)}


def _frame_id(second: int) -> str:
    return f"frame-{second:06d}"


def _tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)
