"""Reading a bundle: its media on the session's media clock, its journal, and who and when."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meetctl.adapters.media_av.packets import FileFrames, read_frames
from meetctl.domain.events import find_request_times, parse_journal
from meetctl.domain.recording import Recording, Track
from meetctl.errors import MediaError

if TYPE_CHECKING:
    from meetctl.ports import Progress


def read_bundle(path: Path, progress: Progress) -> Recording:
    """Read a bundle's directory.

    Raises:
        MediaError: It holds neither meeting.mkv nor segments, or none of them has video.
    """
    media, parts, media_warnings = _read_media(_find_media(path), progress)
    session, session_warnings = _read_session(path / "session.json")
    requests, journal_warnings = _read_requests(path / "events.jsonl")
    started = _parse_time(session.get("started_at"))
    modified = datetime.fromtimestamp(media[0].stat().st_mtime, UTC)
    found = [warning for part in parts for warning in part.finding.warnings]
    return Recording(
        path=path,
        media=media,
        kind="bundle",
        tracks=_name_tracks(media, parts),
        duration_us=max(part.duration_us for part in parts),
        recorded_at=started or parts[0].created_at or modified,
        recorded_at_source="session.json" if started else "container" if parts[0].created_at else "file time",
        has_audio=any(part.has_audio for part in parts),
        request_times_us=requests,
        damaged=any(part.finding.damaged for part in parts) or bool(media_warnings or journal_warnings),
        warnings=(*found, *media_warnings, *session_warnings, *journal_warnings),
    )


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


def _find_media(path: Path) -> tuple[Path, ...]:
    meeting = path / "meeting.mkv"
    if meeting.is_file():
        return (meeting,)
    segments = tuple(sorted((path / "segments").glob("*.mkv")))
    if not segments:
        raise MediaError(
            f"{path} is a directory without meeting.mkv or segments/*.mkv",
            hint="name a media file, or the directory of one session's bundle",
        )
    return segments


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


def _read_requests(path: Path) -> tuple[tuple[int, ...] | None, list[str]]:
    """Read when the model was asked; None where there is no journal."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None, []
    except OSError as error:
        return None, [f"{path} cannot be read: {error.strerror}"]
    events = list(parse_journal(text))
    broken = sum(1 for event in events if event is None)
    whole = [event for event in events if event is not None]
    warnings = [f"{path} has {broken} unreadable lines; the rest is used"] if broken else []
    lost = _count_lost([event.seq for event in whole])
    if lost:
        warnings.append(f"{path} lacks {lost} events: their sequence numbers are missing")
    return find_request_times(whole), warnings


def _count_lost(seqs: list[int]) -> int:
    """Count missing sequence numbers; they start at 0 and have no gaps."""
    return max(seqs) + 1 - len(set(seqs)) if seqs else 0


def _parse_time(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None
