"""Bundles as the live agent leaves them, written through PyAV with the agent's own decisions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from tests.media_files import Video, write_media

from meetctl.domain.attachment import choose_attached
from meetctl.domain.events import Event
from meetctl.domain.sampler import Sampler
from meetctl.domain.session_cost import document_line, fold_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from meetctl.domain.session_cost import CostLine

    Fields = dict[str, Any]

SMALL, LARGE = (320, 180), (640, 360)
TOKENS = {SMALL: 85 + 170, LARGE: 85 + 2 * 170}
"""What a frame of each size is with gpt-4.1: one tile of 512 pixels, or two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Frames of one size, without a pause."""

    times_ms: Sequence[int]
    size: tuple[int, int] = SMALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A track that somebody published."""

    id: str
    stretches: Sequence[Stretch]
    source: str = "screen_share"
    participant: str = "maya"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFrame:
    """A frame in the agent's buffer."""

    id: str
    track: str
    t_us: int
    size: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """What happened, and how it was recorded."""

    tracks: Sequence[Shared]
    asked_ms: Sequence[int] = ()
    fps: str = "1"
    window: int = 5
    record: Literal["full", "sampled"] = "full"
    has_ended: bool = True
    is_joined: bool = True
    """Whether there is a meeting.mkv, or still segments."""
    lost_ms: frozenset[int] = field(default_factory=frozenset)
    """Frames that the recorder could not take."""
    provider: str = "offline"
    image_usd: Callable[[int], str | None] = lambda _: "0"


def write_bundle(directory: Path, meeting: Meeting) -> Path:
    """Write the bundle."""
    directory.mkdir(parents=True)
    (directory / "session.json").write_text(
        json.dumps({"schema": "meetctl.session/1", "started_at": "2026-11-16T09:00:00Z"})
    )
    kept = list(_keep(meeting))
    _write_journal(directory, meeting, kept)
    videos = [video for track in meeting.tracks for video in _videos(meeting, track, kept)]
    if meeting.is_joined:
        write_media(directory / "meeting.mkv", *videos, tone=(0, 500))
        return directory
    (directory / "segments").mkdir()
    write_media(directory / "segments" / "audio.mkv", tone=(0, 500))
    for number, video in enumerate(videos, 1):
        name = f"{number:04d}-{video.tags['MEETCTL_TRACK']}.mkv"
        write_media(directory / "segments" / name, video)
    return directory


def rewrite_journal(bundle: Path, edit: Callable[[list[Fields]], None]) -> None:
    """Change a bundle's journal, and number its events anew."""
    path = bundle / "events.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    edit(events)
    path.write_text("".join(json.dumps({**e, "seq": seq}) + "\n" for seq, e in enumerate(events)))


def find_events(events: list[Fields], kind: str) -> list[Fields]:
    """The events of one type."""
    return [event for event in events if event["type"] == kind]


def _frames(meeting: Meeting) -> list[tuple[int, Shared, tuple[int, int]]]:
    frames = [
        (t_ms, track, stretch.size)
        for track in meeting.tracks
        for stretch in track.stretches
        for t_ms in stretch.times_ms
    ]
    return sorted(frames, key=lambda frame: (frame[0], frame[1].id))


def _keep(meeting: Meeting) -> Iterator[KeptFrame]:
    fps = None if meeting.fps == "every-frame" else Fraction(meeting.fps)
    samplers = {track.id: Sampler(fps) for track in meeting.tracks}
    names = (f"frame-{number:06d}" for number in count())
    for t_ms, track, size in _frames(meeting):
        if samplers[track.id].offer(1000 * t_ms):
            yield KeptFrame(id=next(names), track=track.id, t_us=1000 * t_ms, size=size)


def _videos(meeting: Meeting, track: Shared, kept: Sequence[KeptFrame]) -> Iterator[Video]:
    kept_ms = {frame.t_us // 1000 for frame in kept if frame.track == track.id}
    for stretch in track.stretches:
        times_ms = [t_ms for t_ms in stretch.times_ms if t_ms not in meeting.lost_ms]
        if meeting.record == "sampled":
            times_ms = [t_ms for t_ms in times_ms if t_ms in kept_ms]
        if times_ms:
            yield Video(
                times_ms=times_ms,
                width=stretch.size[0],
                height=stretch.size[1],
                options={"preset": "ultrafast", "tune": "zerolatency", "bf": "0"},
                title=f"{track.source.partition('_')[0]} of {track.participant}",
                tags={"MEETCTL_TRACK": track.id, "MEETCTL_SOURCE": track.source},
            )


def _write_journal(directory: Path, meeting: Meeting, kept: Sequence[KeptFrame]) -> None:
    policy = {
        "fps": meeting.fps,
        "window": meeting.window,
        "detail": "high",
        "side": None,
        "model": "gpt-4.1",
    }
    events: list[tuple[float, str, Fields]] = []
    for track in meeting.tracks:
        for stretch in track.stretches:
            events += _batches(track, stretch, kept)
    for frame in kept:
        width, height = frame.size
        fields = {"frame": frame.id, "track": frame.track, "t_us": frame.t_us}
        events.append((frame.t_us / 1e6, "frame.kept", {**fields, "width": width, "height": height}))
    for number, asked_ms in enumerate(meeting.asked_ms, 1):
        events.append(_request(meeting, number, asked_ms, kept))
    events.sort(key=lambda event: event[0])
    events.insert(0, (0.0, "session.started", {"policy": policy, "record": meeting.record}))
    if meeting.has_ended:
        cost = [document_line(line) for line in _sum_usage(events)]
        events.append((events[-1][0], "session.ended", {"reason": "everybody left", "cost": cost}))
    with (directory / "events.jsonl").open("w") as file:
        for seq, (t_s, kind, fields) in enumerate(events):
            line = {"v": 1, "seq": seq, "ts": "2026-11-16T09:00:00.000000Z", "t": t_s, "type": kind}
            file.write(
                json.dumps({**line, "session_id": "s", "tenant_id": None, "room": "r", **fields}) + "\n"
            )


def _sum_usage(events: Sequence[tuple[float, str, Fields]]) -> tuple[CostLine, ...]:
    return fold_usage(
        Event(seq=0, ts="", t=t_s, type=kind, session_id="s", tenant_id=None, room="r", fields=fields)
        for t_s, kind, fields in events
    )


def _batches(
    track: Shared, stretch: Stretch, kept: Sequence[KeptFrame]
) -> Iterator[tuple[float, str, Fields]]:
    kept_us = {frame.t_us for frame in kept if frame.track == track.id}
    width, height = stretch.size
    for start in range(0, len(stretch.times_ms), 30):
        t_us = [1000 * t_ms for t_ms in stretch.times_ms[start : start + 30]]
        fields = {"track": track.id, "t_us": t_us, "kept": len(kept_us.intersection(t_us))}
        yield t_us[-1] / 1e6, "video.frames", {**fields, "width": width, "height": height}


def _request(
    meeting: Meeting, number: int, asked_ms: int, kept: Sequence[KeptFrame]
) -> tuple[float, str, Fields]:
    taken = choose_attached(kept, 1000 * asked_ms, meeting.window)
    tokens = sum(TOKENS[frame.size] for frame in taken)
    fields = {
        "turn": number,
        "request": f"request-{number:03d}",
        "provider": meeting.provider,
        "model": "gpt-4.1",
        "images": [frame.id for frame in taken],
        "as_of_us": 1000 * asked_ms,
        "detail": "high",
        "image_tokens": tokens,
        "input_tokens": tokens + 300,
        "cached_input_tokens": 0,
        "output_tokens": 20,
        "basis": "reported",
        "outcome": "done",
        "usd": "0",
        "image_usd": meeting.image_usd(tokens),
    }
    # The request itself is made a little after the time that its frames are taken at.
    return asked_ms / 1000 + 0.15, "llm.request", fields
