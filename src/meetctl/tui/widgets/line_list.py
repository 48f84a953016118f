"""A list of entries of one or more lines that stays cheap with thousands: only what is seen is drawn."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text
    from textual import events
    from textual.binding import BindingType
    from textual.selection import Selection

T = TypeVar("T")

_CURSOR = Style(reverse=True)
_STRIPS_KEPT = 500


class LineList(ScrollView, Generic[T], can_focus=True):
    """Entries below each other, with a cursor; it follows the end unless somebody went elsewhere.

    Entries are told apart by identity: one that has changed has to be another object.
    """

    DEFAULT_CSS = (
        "LineList { height: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }"
    )
    ALLOW_MAXIMIZE = False
    FOLLOWS_END: ClassVar[bool] = True
    """Whether what comes last is shown, until somebody goes elsewhere."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "move_page(-1)", "Page up", show=False),
        Binding("pagedown", "move_page(1)", "Page down", show=False),
        Binding("home", "go_first", "First", show=False),
        Binding("end", "follow", "Follow"),
    ]

    class Moved(Message):
        """The cursor is somewhere else, or there is more below than is seen."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[T] = []
        self.cursor: int | None = None
        """The place of the entry that somebody went to; None where the end is followed."""
        self._ends: list[int] = []
        self._strips: LRUCache[tuple[int, int], list[Strip]] = LRUCache(_STRIPS_KEPT)
        self._drawn_width = 0
        self._first_number = 0
        self._is_at_end = self.FOLLOWS_END

    LINES_EACH: ClassVar[int | None] = None
    """How many lines every entry takes; None where they have to be drawn to be counted."""

    @abstractmethod
    def draw(self, entry: T, width: int) -> Sequence[Text]:
        """Return an entry's lines, at least one, each at most `width` wide."""

    @property
    def current(self) -> T | None:
        """The entry at the cursor; the last one where the end is followed."""
        if not self.entries:
            return None
        return self.entries[-1 if self.cursor is None else self.cursor]

    @property
    def below(self) -> int:
        """How many lines there are below what is seen."""
        return max(0, self.virtual_size.height - round(self.scroll_y) - self._height)

    def show_entries(self, entries: Sequence[T]) -> None:
        """Show other entries; what has not changed is not drawn again, and stays where it is."""
        old = self.entries
        if len(old) == len(entries) and all(a is b for a, b in zip(old, entries, strict=True)):
            return
        gone = _count_gone(old, entries)
        same = 0
        for known, newer in zip(old[gone:], entries, strict=False):
            if known is not newer:
                break
            same += 1
        lines_gone = self._ends[gone - 1] if gone else 0
        if not same:
            # Nothing of it was shown before, so no place in it means anything.
            gone = lines_gone = 0
            self._strips.clear()
        self._first_number += gone
        for place in range(same, len(old) - gone):
            self._strips.discard((self._first_number + place, 0))
            self._strips.discard((self._first_number + place, 1))
        self.entries = list(entries)
        self._ends = [end - lines_gone for end in self._ends[gone : gone + same]]
        self._measure(same)
        if self.cursor is not None:
            self.cursor = min(max(0, self.cursor - gone), len(self.entries) - 1) if self.entries else None
        self._settle(lines_gone)

    def redraw(self) -> None:
        """Draw everything again, as it looks different now."""
        self._strips.clear()
        self._ends = []
        self._measure(0)
        self._settle(0)

    def go_to(self, place: int) -> None:
        """Put the cursor on an entry, and bring it to where it is seen."""
        if not self.entries:
            return
        self._is_at_end = False
        self.cursor = min(max(0, place), len(self.entries) - 1)
        top = self._ends[self.cursor - 1] if self.cursor else 0
        bottom = self._ends[self.cursor]
        height = self._height
        if top < self.scroll_y or bottom - top >= height:
            self.scroll_to(y=top, animate=False)
        elif bottom > self.scroll_y + height:
            self.scroll_to(y=bottom - height, animate=False)
        self._tell()

    def action_move(self, steps: int) -> None:
        """Go up or down; beyond the last entry the end is followed."""
        place = len(self.entries) - 1 if self.cursor is None else self.cursor + steps
        if place >= len(self.entries):
            self.action_follow()
        else:
            self.go_to(place)

    def action_move_page(self, pages: int) -> None:
        """Go up or down by what is seen."""
        height = max(1, self._height - 1)
        top = round(self.scroll_y) if self.cursor is None else self._ends[self.cursor] - 1
        place = bisect_right(self._ends, max(0, top + pages * height))
        if place >= len(self.entries):
            self.action_follow()
        else:
            self.go_to(place)

    def action_go_first(self) -> None:
        """Go to the first entry."""
        self.go_to(0)

    def action_follow(self) -> None:
        """Follow the end, whatever comes."""
        self.cursor = None
        self._is_at_end = True
        self.scroll_to(y=self.max_scroll_y, animate=False)
        self._tell()

    def on_resize(self) -> None:
        """Wrap lines anew where they have another width."""
        if self._width != self._drawn_width:
            self.redraw()
        elif self._is_at_end:
            self.scroll_to(y=self.max_scroll_y, animate=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end only as long as it is seen."""
        super().watch_scroll_y(old_value, new_value)
        has_left = new_value < old_value
        if self.cursor is None and (has_left or round(new_value) >= self.max_scroll_y):
            self._is_at_end = self.FOLLOWS_END and round(new_value) >= self.max_scroll_y
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on what was clicked."""
        place = bisect_right(self._ends, event.y + round(self.scroll_y))
        if place < len(self.entries):
            self.go_to(place)

    def render_line(self, y: int) -> Strip:
        """Return one line of what is seen."""
        width = self._width
        line = y + round(self.scroll_y)
        style = self.rich_style
        place = bisect_right(self._ends, line)
        if place >= len(self.entries):
            return Strip.blank(width, style)
        strips = self._draw_strips(place, width)
        top = self._ends[place - 1] if place else 0
        strip = strips[line - top] if line - top < len(strips) else Strip.blank(width)
        strip = strip.adjust_cell_length(width).apply_style(style)
        return strip.apply_offsets(0, line)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text that was selected with the mouse."""
        width = max(1, self._width)
        lines = [line.plain for entry in self.entries for line in self.draw(entry, width)]
        return selection.extract("\n".join(lines)), "\n"

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Show it no longer."""
        self.refresh()

    def _draw_strips(self, place: int, width: int) -> list[Strip]:
        is_cursor = self.has_focus and place == self.cursor
        key = (self._first_number + place, int(is_cursor))
        known = self._strips.get(key)
        if known is not None:
            return known
        strips = []
        for line in self.draw(self.entries[place], width):
            segments = [segment for segment in line.render(self.app.console) if segment.text]
            strip = Strip(segments).adjust_cell_length(width)
            strips.append(Strip(Segment.apply_style(strip, post_style=_CURSOR)) if is_cursor else strip)
        self._strips[key] = strips
        return strips

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    @property
    def _height(self) -> int:
        return self.scrollable_content_region.height

    def _measure(self, first: int) -> None:
        """Work out where the entries from a place on end."""
        self._drawn_width = width = self._width
        end = self._ends[first - 1] if first else 0
        each = self.LINES_EACH
        newer = self.entries[first:]
        heights = [each] * len(newer) if each else [len(self.draw(entry, max(1, width))) for entry in newer]
        self._ends += list(accumulate(heights, initial=end))[1:]

    def _settle(self, lines_gone: int) -> None:
        """Scroll to where one was, or to the end."""
        was_at_end = self._is_at_end and self.cursor is None
        top = self.scroll_y
        self.virtual_size = Size(self._width, self._ends[-1] if self._ends else 0)
        if was_at_end:
            self.scroll_to(y=self.max_scroll_y, animate=False)
            self._is_at_end = True
        elif lines_gone:
            self.scroll_to(y=max(0, top - lines_gone), animate=False)
        self.refresh()
        self._tell()

    def _tell(self) -> None:
        self.refresh()
        self.post_message(self.Moved())


def _count_gone(old: Sequence[object], new: Sequence[object]) -> int:
    """Return how many entries at the beginning are not there any more."""
    if not old or not new:
        return 0
    first = new[0]
    return next((place for place, entry in enumerate(old) if entry is first), 0)
