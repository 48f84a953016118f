"""Journals as tests want them, written line by line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

STT: dict[str, Any] = {"provider": "deepgram", "model": "nova-3", "basis": "reported", "audio_s": 5.05}
TTS: dict[str, Any] = {"provider": "cartesia", "model": "sonic-3", "basis": "reported", "characters": 116}
LLM: dict[str, Any] = {
    "provider": "openai",
    "model": "gpt-4.1",
    "basis": "reported",
    "outcome": "done",
    "detail": "high",
}

STT_USE: dict[str, Any] = {**STT, "usd": "0.000404", "usd_by_unit": {"minutes": "0.000404"}}
TTS_USE: dict[str, Any] = {**TTS, "usd": "0.0058", "usd_by_unit": {"characters": "0.0058"}}


def make_event(kind: str, seq: int, *, session: str = "s1", **fields: Any) -> dict[str, Any]:
    """Return one event; a second after the one before it, on 2026-11-16."""
    return {
        "v": 1,
        "seq": seq,
        "ts": f"2026-11-16T09:{seq // 60 % 60:02}:{seq % 60:02}.000000Z",
        "t": float(seq),
        "type": kind,
        "session_id": session,
        "tenant_id": None,
        "room": "review",
        **fields,
    }


def make_request(
    seq: int, images: list[str], *, tokens: int = 1105, text: int = 174, output: int = 29, **fields: Any
) -> dict[str, Any]:
    """Return a billed request to gpt-4.1 at its price of 2026, each image so many tokens."""
    image_tokens = tokens * len(images)
    usd = {
        "input_tokens": f"{(image_tokens + text) * 2 / 1e6:.6f}",
        "output_tokens": f"{output * 8 / 1e6:.6f}",
    }
    return make_event(
        "llm.request",
        seq,
        **{
            **LLM,
            "turn": 1,
            "request": f"request-{seq:03}",
            "images": images,
            "image_tokens": image_tokens,
            "image_tokens_reconciled": image_tokens,
            "input_tokens": image_tokens + text,
            "cached_input_tokens": 0,
            "output_tokens": output,
            "usd_by_unit": usd,
            "image_usd": f"{image_tokens * 2 / 1e6:.6f}",
            **fields,
        },
    )


def meeting_events(
    session: str = "s1", tenant: str | None = "northwind", requests: int = 3
) -> list[dict[str, Any]]:
    """Return a small meeting: a screen at a frame a second, speech, requests with two frames each."""
    policy = {"fps": "1", "window": 2, "detail": "high", "side": None, "model": "gpt-4.1"}
    providers = {"llm": {"provider": "openai", "model": "gpt-4.1"}}
    events = [
        make_event("session.started", 0, agent="meetctl", version="0.1.0", policy=policy, providers=providers)
    ]

    def add(kind: str, **fields: Any) -> None:
        events.append(make_event(kind, len(events), **fields))

    for number in range(2 * requests):
        t_us = number * 1_000_000
        size = {"width": 1280, "height": 720}
        add("video.frames", track="TR_1", t_us=[t_us + 33_000 * frame for frame in range(30)], kept=1, **size)
        add("frame.kept", frame=f"frame-{number:06}", track="TR_1", t_us=t_us, **size)
        if number % 2:
            turn = number // 2 + 1
            add("turn.started", turn=turn, participant="maya")
            add("stt.usage", turn=turn, **STT_USE)
            add(
                "transcript",
                turn=turn,
                role="user",
                participant="maya",
                text="Words nobody should keep",
                final=True,
            )
            images = [f"frame-{number - 1:06}", f"frame-{number:06}"]
            events.append(make_request(len(events), images, turn=turn))
            add("tts.usage", turn=turn, **TTS_USE)
            add("turn.ended", turn=turn, outcome="done", requests=1, latency={"llm_s": 0.25, "total_s": 0.9})
    add("session.ended", reason="everyone left", duration_s=float(2 * requests), frames_kept=2 * requests)
    return [{**event, "session_id": session, "tenant_id": tenant} for event in events]


def format_lines(events: Iterable[Mapping[str, Any]]) -> bytes:
    """Return events as the lines that the agent writes."""
    return b"".join(json.dumps(event, separators=(",", ":")).encode() + b"\n" for event in events)


def write_journal(sessions: Path, session: str, lines: bytes) -> Path:
    """Write a session's journal anew, and return its path."""
    path = sessions / session / "events.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines)
    return path


def write_meeting(sessions: Path, session: str = "s1", **options: Any) -> Path:
    """Write a small meeting."""
    return write_journal(sessions, session, format_lines(meeting_events(session, **options)))
