"""One pass over a track's decoded frames that serves everything which needs pixels."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meetctl.domain.audit import Thumbnail
from meetctl.services.changes import SAMPLE_US, ChangeDetector, Gate

if TYPE_CHECKING:
    from meetctl.domain.policy import Policy
    from meetctl.domain.recording import Track
    from meetctl.ports import FrameSink, Picture

THUMBNAIL_SIDE = 320
MOST_LEADING = 16
"""So many frames may be missing at the start: a recording that begins between keyframes shows nothing of
them, and no decoder keeps more frames back (ITU-T H.264, annex A: max_dec_frame_buffering)."""

MOST_THUMBNAILS = 60
"""Pictures of one kind in a report: enough to see what was kept, small enough to send by mail."""


@dataclass(slots=True, kw_only=True)
class Look:
    """What to look for in a track's pictures, and, afterwards, what was found."""

    track: Track
    number: int
    """The track's place in the recording."""
    gates: Mapping[str, Gate] = field(default_factory=dict)
    """Gates by policy name."""
    detector: ChangeDetector | None = None
    """Finds visible changes; None where nobody asked for them."""
    known_changes: frozenset[int] = frozenset()
    """Frames that are already known to bring a change, to take a small picture of."""
    kept_wanted: frozenset[int] = frozenset()
    """Frames to take a small picture of."""
    with_thumbnails: bool = False
    kept_thumbnails: list[Thumbnail] = field(default_factory=list)
    change_thumbnails: list[Thumbnail] = field(default_factory=list)
    decoded: int = 0
    """Of how many frames there was a picture."""
    first: int | None = None
    """The index of the first of them."""
    last: int | None = None
    """The index of the last of them."""

    @property
    def undecoded(self) -> int:
        """How many frames gave no picture though they should have.

        Not those before the first keyframe, and not a last one that was written only in part.
        """
        count = self.track.recorded_count
        if self.first is None or self.last is None:
            return count
        before, until = self._place(self.first), self._place(self.last)
        leading = before if before <= MOST_LEADING else 0
        torn = 1 if until == count - 2 else 0
        return max(0, count - self.decoded - leading - torn)

    def _place(self, index: int) -> int:
        """Return a frame's place among the recorded ones."""
        return index if self.track.recorded is None else bisect_left(self.track.recorded, index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Kept frames to be written out as the agent would have sent them."""

    policy: Policy
    sink: FrameSink
    recording: str
    indexes: frozenset[int]
    """The frames that the policy's rate keeps; its gate, if any, decides among them."""


def look_at_pictures(pictures: Iterable[Picture], look: Look, export: Export | None) -> None:
    """Go through the pictures once and fill in `look`."""
    next_sample_us: int | None = None
    for picture in pictures:
        look.decoded += 1
        look.first = picture.index if look.first is None else look.first
        look.last = picture.index
        if look.detector and (next_sample_us is None or picture.t_us >= next_sample_us):
            next_sample_us = picture.t_us + SAMPLE_US - look.track.frame_us // 2
            cells = look.detector.add(picture.t_us, picture.luma())
            if look.detector.is_change(cells):
                _take(picture, look, look.change_thumbnails)
        passed = {
            name for name, gate in look.gates.items()
            if gate.wants(picture.index) and gate.offer(picture.index, picture.luma())
        }  # fmt: skip
        if picture.index in look.kept_wanted:
            _take(picture, look, look.kept_thumbnails)
        if picture.index in look.known_changes:
            _take(picture, look, look.change_thumbnails)
        if export and picture.index in export.indexes:
            gated = export.policy.gate is not None
            if not gated or export.policy.name in passed:
                jpeg = picture.jpeg(export.policy.side)
                export.sink.save(export.recording, look.number, picture.index, picture.t_us, jpeg)


def _take(picture: Picture, look: Look, into: list[Thumbnail]) -> None:
    if look.with_thumbnails and len(into) < 4 * MOST_THUMBNAILS:
        into.append(Thumbnail(track=look.number, t_us=picture.t_us, jpeg=picture.jpeg(THUMBNAIL_SIDE)))


def spread(indexes: Sequence[int], most: int) -> frozenset[int]:
    """Choose at most so many, evenly over all."""
    count = len(indexes)
    if count <= most:
        return frozenset(indexes)
    return frozenset(indexes[place * (count - 1) // (most - 1)] for place in range(most))
