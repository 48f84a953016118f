"""How the vision panel is laid out in any size: counts, marks, a picture, its facts, and a film strip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.align import Align
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from meetctl.domain.frame_picture import FramePicture
from meetctl.reports.panel_vision import mark_frame, mark_frames, tell_counts, tell_frame
from meetctl.reports.plain_text import show_plain
from meetctl.tui.widgets.half_blocks import HalfBlocks, fit_picture

if TYPE_CHECKING:
    from meetctl.domain.state.looks import KeptFrame
    from meetctl.domain.view.vision import Vision
    from meetctl.tui.widgets.picture_loader import Wanted

Find = Callable[["Wanted"], "FramePicture | str | None"]

_HEAD_ROWS = 2
_FEWEST_ROWS = 4
"""In fewer lines nothing can be made out in a picture."""
_WIDE_FROM_COLUMNS = 50
_MOST_FACTS_COLUMNS = 44
_FACTS_ROWS = 6
_STRIP_FROM_ROWS = 22
_THUMB_COLUMNS, _THUMB_ROWS = 20, 7
_ASPECT = (16, 9)
_LOADING = "reading the recording …"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionDrawing:
    """The panel in one size, with one frame chosen."""

    vision: Vision
    place: int
    width: int
    height: int
    has_colours: bool
    is_following: bool

    def wanted(self) -> list[Wanted]:
        """Return the pictures that it shows, the chosen frame's first."""
        if not self.vision.frames:
            return []
        wanted = []
        columns, rows = self._picture_cells()
        if rows:
            wanted.append(self._want(self.place, columns, rows))
        wanted += [self._want(place, _THUMB_COLUMNS, _THUMB_ROWS - 1) for place in self._strip()]
        return wanted

    def draw(self, find: Find) -> RenderableType:
        """Draw it with the pictures that there are; `find` says of the others why there is none."""
        head = Text(tell_counts(self.vision), no_wrap=True, overflow="ellipsis")
        if not self.vision.frames:
            return Group(head, Text("no frame was kept yet", style="dim"))
        parts: list[RenderableType] = [head, self._marks(), self._body(find)]
        strip = self._strip()
        if strip:
            parts += [Text(), self._film(strip, find)]
        return Group(*parts)

    def _is_wide(self) -> bool:
        return self.width >= _WIDE_FROM_COLUMNS

    def _picture_cells(self) -> tuple[int, int]:
        """Return how many columns and rows the chosen frame's picture may take."""
        rows = self.height - _HEAD_ROWS - (_THUMB_ROWS + 1 if self._strip() else 0)
        if self._is_wide():
            columns = self.width - min(_MOST_FACTS_COLUMNS, self.width // 2) - 2
        else:
            rows, columns = rows - _FACTS_ROWS, self.width
        return (columns, rows) if rows >= _FEWEST_ROWS else (0, 0)

    def _strip(self) -> range:
        """Return the places of the frames that the film strip shows, the chosen one in the middle."""
        if self.height < _STRIP_FROM_ROWS or len(self.vision.frames) < 2:
            return range(0)
        count = min(len(self.vision.frames), self.width // (_THUMB_COLUMNS + 1))
        first = min(max(0, self.place - count // 2), len(self.vision.frames) - count)
        return range(first, first + count)

    def _want(self, place: int, columns: int, rows: int) -> Wanted:
        frame = self.vision.frames[place].frame
        return frame, max(fit_picture(*_size_of(frame), columns, rows))

    def _marks(self) -> Text:
        follow = " following" if self.is_following else ""
        marks = mark_frames(self.vision, self.place, self.width - len(follow))
        return Text.assemble(marks, (follow, "dim"), no_wrap=True, overflow="crop")

    def _body(self, find: Find) -> RenderableType:
        facts = self._facts()
        columns, rows = self._picture_cells()
        if not rows:
            return facts
        picture = self._picture(find, self.place, columns, rows)
        if not self._is_wide():
            return Group(picture, facts)
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=columns)
        grid.add_column(width=self.width - columns - 2)
        grid.add_row(picture, facts)
        return grid

    def _facts(self) -> Text:
        first, *rest = tell_frame(self.vision, self.place)
        return Text("\n").join([Text(first, style="bold"), *(Text(line) for line in rest)])

    def _picture(self, find: Find, place: int, columns: int, rows: int) -> RenderableType:
        found = find(self._want(place, columns, rows))
        if isinstance(found, FramePicture):
            return HalfBlocks(found, columns, self.has_colours)
        text = Text(_LOADING if found is None else show_plain(found), style="dim", justify="center")
        return Align.center(text, vertical="middle", width=columns, height=rows)

    def _film(self, places: range, find: Find) -> RenderableType:
        grid = Table.grid(padding=(0, 1, 0, 0))
        for _ in places:
            grid.add_column(width=_THUMB_COLUMNS, no_wrap=True)
        grid.add_row(*(self._caption(place) for place in places))
        grid.add_row(*(self._picture(find, place, _THUMB_COLUMNS, _THUMB_ROWS - 1) for place in places))
        return grid

    def _caption(self, place: int) -> Text:
        seen = self.vision.frames[place]
        text = f"{mark_frame(seen)} {seen.frame.t_us / 1_000_000:.1f} s"
        return Text(f"[{text}]", style="bold reverse") if place == self.place else Text(f" {text}")


def _size_of(frame: KeptFrame) -> tuple[int, int]:
    return (frame.width, frame.height) if frame.width and frame.height else _ASPECT
