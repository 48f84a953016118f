"""When frames came in a meeting, by its journal, whether they were recorded or not."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

from meetctl.domain.events import Event
from meetctl.domain.recording import SizeRun


@dataclass(slots=True, kw_only=True)
class FrameTimes:
    """Every frame of one track that came, whether it was recorded or not."""

    t_us: array[int] = field(default_factory=lambda: array("q"))
    runs: list[SizeRun] = field(default_factory=list)
    """Picture sizes; empty where the journal does not say them."""


def find_frame_times(events: Iterable[Event | None]) -> dict[str, FrameTimes]:
    """Return the times and sizes of all frames that came, by track (`video.frames`).

    Times that do not follow the track's last one are left out: they belong to a track that started anew.
    """
    tracks: dict[str, FrameTimes] = {}
    for event in events:
        if event is None or event.type != "video.frames":
            continue
        times = tracks.setdefault(str(event.fields.get("track", "")), FrameTimes())
        first = len(times.t_us)
        for t_us in event.fields.get("t_us", ()):
            if isinstance(t_us, int) and (not times.t_us or t_us > times.t_us[-1]):
                times.t_us.append(t_us)
        width, height = event.fields.get("width"), event.fields.get("height")
        if len(times.t_us) == first or not isinstance(width, int) or not isinstance(height, int):
            continue
        if not times.runs or (times.runs[-1].width, times.runs[-1].height) != (width, height):
            times.runs.append(SizeRun(first=first, width=width, height=height))
    return tracks
