"""People with their tracks as lines, and as a document for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meetctl.domain.view.media_time import format_time
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meetctl.domain.view.participants import ParticipantRow, ParticipantsView, TrackRow

SCHEMA = "meetctl.panel.participants/1"

SIGNS = {"person": ">", "agent": "*", "recorder": "o", "other": "."}
"""What stands before each kind, so that it is told apart without colours."""


def document(view: ParticipantsView) -> dict[str, Any]:
    """Return everybody as an object for JSON."""
    return {
        "schema": SCHEMA,
        "present": view.present,
        "participants": [
            {
                "identity": row.identity,
                "name": row.name,
                "kind": row.kind,
                "state": row.state,
                "joined_t": row.joined_t,
                "left_t": row.left_t,
                "muted": list(row.muted),
                "tracks": [_describe(track) for track in row.tracks],
            }
            for row in view.rows
        ],
        "tracks_of_nobody": [_describe(track) for track in view.unowned],
    }


def list_lines(view: ParticipantsView) -> Iterator[str]:
    """Return a line for everybody, each with the tracks below."""
    for row in view.rows:
        yield tell_row(row)
        yield from (f"    {tell_track(track)}" for track in row.tracks)
    if view.unowned:
        yield "? tracks of nobody known"
        yield from (f"    {tell_track(track)}" for track in view.unowned)


def tell_row(row: ParticipantRow) -> str:
    """Return who somebody is and what they do."""
    name = row.name if row.name == row.identity else f"{row.name} ({row.identity})"
    told = [name, "" if row.kind == "person" else row.kind, row.state or ""]
    if row.left_t is not None:
        told.append(f"left at {format_time(row.left_t)}")
    elif row.joined_t is not None:
        told.append(f"since {format_time(row.joined_t)}")
    if row.muted:
        told.append(f"MUTED: {', '.join(row.muted)}")
    sign = SIGNS[row.kind] if row.left_t is None else "-"
    return show_plain(f"{sign} {', '.join(part for part in told if part)}")


def tell_track(track: TrackRow) -> str:
    """Return what a track is, how large, and how much of it is seen and kept."""
    told = [track.source.replace("_", " ")]
    if track.source == "unknown" and track.kind:
        told = [track.kind]
    if track.width and track.height:
        told.append(f"{track.width}x{track.height}")
    if track.seen or track.kept:
        told.append(f"seen {_rate(track.seen_fps, track.seen)}")
        told.append(f"kept {_rate(track.kept_fps, track.kept)}")
    if track.is_muted:
        told.append("MUTED")
    return show_plain(", ".join(told))


def _rate(fps: float | None, frames: int) -> str:
    return f"{frames:,}" if fps is None else f"{fps:.2g} fps ({frames:,})"


def _describe(track: TrackRow) -> dict[str, Any]:
    return {
        "track": track.id,
        "source": track.source,
        "kind": track.kind,
        "width": track.width,
        "height": track.height,
        "seen": track.seen,
        "kept": track.kept,
        "seen_fps": None if track.seen_fps is None else round(track.seen_fps, 3),
        "kept_fps": None if track.kept_fps is None else round(track.kept_fps, 3),
        "muted": track.is_muted,
    }
