"""Reading a bundle: its media on the session's media clock, its journal, and who and when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meetctl.adapters.media_av.opening import open_media
from meetctl.adapters.media_av.packets import FileFrames, read_frames
from meetctl.domain.events import Event, find_request_times, parse_journal
from meetctl.domain.frame_times import find_frame_times
from meetctl.domain.journal import SessionJournal, read_journal
from meetctl.domain.recording import Recording, Track
from meetctl.domain.track_joining import add_told_times, join_segments
from meetctl.errors import MediaError

if TYPE_CHECKING:
    from meetctl.ports import Progress


_MEETING = "meeting.mkv"
"""All that was recorded, once the meeting is over."""

_AUDIO = "audio.mkv"
"""The segment that holds the sound, and no video."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Journal:
    """What could be read of events.jsonl."""

    session: SessionJournal | None = None
    """None where there is no journal."""
    events: tuple[Event, ...] = ()
    warnings: tuple[str, ...] = ()


def read_bundle(path: Path, progress: Progress) -> Recording:
    """Read a bundle's directory.

    Raises:
        MediaError: It holds neither meeting.mkv nor segments, or none of them has video.
    """
    session, session_warnings = _read_session(path / "session.json")
    journal = _read_events(path / "events.jsonl")
    found, sound = _find_media(path, session.get("pruned"))
    media, parts, media_warnings = _read_media(found, progress)
    started = _parse_time(session.get("started_at"))
    modified = datetime.fromtimestamp(media[0].stat().st_mtime, UTC)
    warnings = [warning for part in parts for warning in part.finding.warnings]
    is_damaged = any(part.finding.damaged for part in parts) or bool(media_warnings)
    tracks = _tell_all_frames(join_segments(_name_tracks(media, parts)), journal.events)
    return Recording(
        path=path,
        media=(*media, *sound),
        kind="bundle",
        tracks=tracks,
        duration_us=_duration_us(parts, tracks, journal, is_joined=found[0].name == _MEETING),
        recorded_at=started or parts[0].created_at or modified,
        recorded_at_source="session.json" if started else "container" if parts[0].created_at else "file time",
        has_audio=bool(sound) or any(part.has_audio for part in parts),
        request_times_us=_find_request_times(journal),
        journal=journal.session,
        damaged=is_damaged or bool(journal.warnings),
        warnings=(*warnings, *media_warnings, *session_warnings, *journal.warnings),
    )


def _find_request_times(journal: _Journal) -> tuple[int, ...] | None:
    """Return when the agent asked its model; None where that is not known, or there was no agent to ask."""
    if journal.session is None or not journal.session.has_agent:
        return None
    return find_request_times(journal.events)


def _tell_all_frames(tracks: Sequence[Track], events: Sequence[Event]) -> tuple[Track, ...]:
    """Add the frames that came in the meeting but are not in the recording, by their times."""
    if not any(track.id for track in tracks):
        return tuple(tracks)
    told = find_frame_times(events)
    return tuple(add_told_times(track, told[track.id]) if track.id in told else track for track in tracks)


def _duration_us(
    parts: Sequence[FileFrames], tracks: Sequence[Track], journal: _Journal, *, is_joined: bool
) -> int:
    """Return how long the recording is; segments do not tell how long the meeting went on after the last."""
    ends_us = [part.duration_us for part in parts]
    ends_us += [track.t_us[-1] + track.frame_us for track in tracks if track.recorded is not None]
    if not is_joined and journal.session is not None:
        ends_us.append(journal.session.end_us)
    return max(ends_us)


def _read_media(
    media: tuple[Path, ...], progress: Progress
) -> tuple[tuple[Path, ...], list[FileFrames], list[str]]:
    """Read every file; one that cannot be read is left out, with a warning, unless none is left."""
    parts: dict[Path, FileFrames] = {}
    failures: list[MediaError] = []
    for file in media:
        try:
            parts[file] = read_frames(file, progress, on_media_clock=True)
        except MediaError as error:
            failures.append(error)
    if not parts:
        raise failures[0]
    return tuple(parts), list(parts.values()), [f"{error.message}; it is left out" for error in failures]


def _find_media(path: Path, pruned: object) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the files that hold video, and those that hold nothing but sound.

    `pruned` is what session.json says of their having been removed on purpose.
    """
    meeting = path / _MEETING
    if meeting.is_file():
        return (meeting,), ()
    segments = sorted((path / "segments").glob("*.mkv"))
    video = tuple(segment for segment in segments if segment.name != _AUDIO)
    if not video and isinstance(pruned, dict):
        raise MediaError(
            f"the recording of {path} was pruned ({str(pruned.get('at'))[:10]}); only what it cost was kept",
            hint=f"meetctl sessions show {path} shows that",
        )
    if not video:
        raise MediaError(
            f"{path} is a directory without {_MEETING} or segments/*.mkv that hold video",
            hint="name a media file, or a session's bundle; with recording off a bundle has no media",
        )
    return video, tuple(segment for segment in segments if segment.name == _AUDIO and _has_sound(segment))


def find_video(path: Path) -> tuple[Path, ...]:
    """Return the files of a bundle that may hold video: all of it, or a segment each.

    Raises:
        MediaError: There are none.
    """
    return _find_media(path, _read_session(path / "session.json")[0].get("pruned"))[0]


def _has_sound(path: Path) -> bool:
    """Tell whether there is an audio stream: a file that was only just begun has none yet."""
    try:
        with open_media(path) as container:
            return bool(container.streams.audio)
    except MediaError:
        return False


def _name_tracks(media: tuple[Path, ...], parts: list[FileFrames]) -> tuple[Track, ...]:
    """Name a segment's tracks after the segment, unless they have names of their own."""
    tracks: list[Track] = []
    for file, part in zip(media, parts, strict=True):
        for track in part.tracks:
            named = len(media) == 1 or not track.name.startswith("video")
            tracks.append(track if named else replace(track, name=f"{file.stem} {track.name}"))
    return tuple(tracks)


def _read_session(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Read session.json; without a usable one the audit goes on, and says so."""
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}, [f"{path} is missing; the time of the recording is taken from the file"]
    except (OSError, ValueError):
        return {}, [f"{path} cannot be read; the time of the recording is taken from the file"]
    return (data, []) if isinstance(data, dict) else ({}, [f"{path} is not a JSON object"])


def _read_events(path: Path) -> _Journal:
    """Read the journal, and say what of it is missing."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return _Journal()
    except OSError as error:
        return _Journal(warnings=(f"{path} cannot be read: {error.strerror}",))
    lines = list(parse_journal(text))
    session = read_journal(lines)
    warnings: list[str] = []
    if session.unreadable:
        warnings.append(f"{path} has {session.unreadable} unreadable lines; the rest is used")
    if session.lost:
        warnings.append(f"{path} lacks {session.lost} events: their sequence numbers are missing")
    whole = tuple(event for event in lines if event is not None)
    return _Journal(session=session, events=whole, warnings=tuple(warnings))


def _parse_time(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None
