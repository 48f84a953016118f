"""Where the names of points go on a chart, so that none covers another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

LINE_PX = 15
"""Height of a line of text."""

_POINT_PX = 7
"""Half the side of the square that a point's mark takes."""

_DIRECTIONS = ((1, 1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1), (-1, 1), (1, -1))
"""Right and left, down and up, in the order they are tried: a rising curve leaves the first two free."""

_NEAR_PX = 11
"""From this distance on, a line leads from the point to its name."""

_RADII_PX = (_NEAR_PX, 22, 34, 48, 64, 82, 102, 125, 150, 180, 215)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in pixels, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Tell whether both have a part of the plane in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def is_inside(self, other: Box) -> bool:
        """Tell whether this lies in the other one."""
        across = other.left <= self.left and self.right <= other.right
        return across and other.top <= self.top and self.bottom <= other.bottom


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Where a name goes, and the line that leads to it where it is far from its point."""

    box: Box
    leader: tuple[tuple[float, float], tuple[float, float]] | None = None


def place_labels(
    points: Sequence[tuple[float, float]], widths: Sequence[float], plot: Box, lines: Sequence[Box]
) -> list[Label]:
    """Place a name of the given width by each point, inside `plot`, clear of marks and each other.

    Where there is room, names are clear of `lines` too; where there is none at all, a name goes
    next to its point all the same.
    """
    marks = [box_of_mark(x, y) for x, y in points]
    labels: list[Label] = []
    for (x, y), width in zip(points, widths, strict=True):
        names = [label.box for label in labels]
        leaders = [box for label in labels for box in cover_path(label.leader or ())]
        inside = [label for label in _candidates(x, y, width) if label.box.is_inside(plot)]
        readable = [label for label in inside if not _hits([label.box], [*marks, *names, *leaders])]
        choices = [label for label in readable if not _hits(cover_path(label.leader or ()), names)]
        clear = (label for label in choices if not _hits([label.box], lines))
        label = next(clear, None) or next(iter([*choices, *readable]), None)
        labels.append(label or Label(box=_push_inside(x, y, width, plot)))
    return labels


def box_of_mark(x: float, y: float) -> Box:
    """Return the square that a point's mark takes."""
    return Box(left=x - _POINT_PX, top=y - _POINT_PX, right=x + _POINT_PX, bottom=y + _POINT_PX)


def cover_path(path: Sequence[tuple[float, float]]) -> list[Box]:
    """Cover a line with small squares, for names to keep clear of."""
    boxes = []
    for (x1, y1), (x2, y2) in pairwise(path):
        steps = max(1, round(max(abs(x2 - x1), abs(y2 - y1)) / 4))
        for step in range(steps + 1):
            x, y = x1 + (x2 - x1) * step / steps, y1 + (y2 - y1) * step / steps
            boxes.append(Box(left=x - 1, top=y - 1, right=x + 1, bottom=y + 1))
    return boxes


def _hits(boxes: Sequence[Box], others: Sequence[Box]) -> bool:
    return any(box.overlaps(other) for box in boxes for other in others)


def _candidates(x: float, y: float, width: float) -> Iterator[Label]:
    for radius in _RADII_PX:
        for across, down in _DIRECTIONS:
            middle_y = y + down * (radius - _NEAR_PX + _POINT_PX + 1 + LINE_PX / 2)
            left = x + radius if across > 0 else x - radius - width if across < 0 else x - width / 2
            box = _box_at(left, middle_y, width)
            end = (max(box.left, min(x, box.right)), max(box.top, min(y, box.bottom)))
            yield Label(box=box, leader=((x, y), end) if radius > _NEAR_PX else None)


def _push_inside(x: float, y: float, width: float, plot: Box) -> Box:
    left = max(plot.left, min(x + _NEAR_PX, plot.right - width))
    return _box_at(left, y - LINE_PX, width)


def _box_at(left: float, middle_y: float, width: float) -> Box:
    return Box(left=left, top=middle_y - LINE_PX / 2, right=left + width, bottom=middle_y + LINE_PX / 2)
