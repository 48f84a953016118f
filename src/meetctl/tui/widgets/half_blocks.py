"""Pictures made of characters: two pixels a cell in colour, or shades where a terminal has few colours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

    from meetctl.domain.frame_picture import FramePicture

_SHADES = " ░▒▓█"
_UPPER_HALF = "▀"
_FEW_COLOURS = ("standard", "windows", None)
"""Rich's names of terminals in which sixteen colours at most can be told apart."""


def fit_picture(width: int, height: int, columns: int, rows: int) -> tuple[int, int]:
    """Return the size in pixels in which a picture fills so many cells, two pixels a cell, and no more.

    >>> fit_picture(1280, 720, 40, 20), fit_picture(1280, 720, 40, 5)
    ((40, 22), (17, 10))
    """
    if min(width, height, columns, rows) < 1:
        return 0, 0
    scale = min(columns / width, 2 * rows / height)
    return max(1, int(width * scale)), max(1, int(height * scale))


@dataclass(frozen=True, slots=True)
class HalfBlocks:
    """A picture as it is drawn, centred in `columns` cells; its height is half its pixels, rounded up."""

    picture: FramePicture
    columns: int
    has_colours: bool
    """Whether it is drawn in colours; without, it is made of five shades."""

    @property
    def rows(self) -> int:
        """How many lines it takes."""
        return -(-self.picture.height // 2)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        margin = Segment(" " * max(0, (self.columns - self.picture.width) // 2))
        for row in range(self.rows):
            yield margin
            yield from self._coloured(row) if self.has_colours else (Segment(self._shaded(row)),)
            yield Segment.line()

    def _coloured(self, row: int) -> list[Segment]:
        """Draw two rows of pixels: the upper in the foreground, the lower in the background."""
        upper = self._pixels(2 * row)
        lower = self._pixels(2 * row + 1) if 2 * row + 1 < self.picture.height else [None] * len(upper)
        segments: list[Segment] = []
        run, last = 0, (upper[0], lower[0])
        for pair in [*zip(upper, lower, strict=True), None]:
            if pair == last:
                run += 1
                continue
            segments.append(Segment(_UPPER_HALF * run, _style(*last)))
            if pair is not None:
                run, last = 1, pair
        return segments

    def _shaded(self, row: int) -> str:
        rows = [self._pixels(2 * row)]
        if 2 * row + 1 < self.picture.height:
            rows.append(self._pixels(2 * row + 1))
        return "".join(
            _shade(sum(_brightness(pixel) for pixel in column) / len(column))
            for column in zip(*rows, strict=True)
        )

    def _pixels(self, y: int) -> list[bytes | None]:
        width = self.picture.width * 3
        line = self.picture.rgb[y * width : (y + 1) * width]
        return [line[x : x + 3] for x in range(0, width, 3)]


def has_colours(color_system: str | None) -> bool:
    """Tell whether a terminal shows colours in which a picture can be made out.

    >>> has_colours("truecolor"), has_colours("256"), has_colours("standard"), has_colours(None)
    (True, True, False, False)
    """
    return color_system not in _FEW_COLOURS


@lru_cache(maxsize=4096)
def _style(upper: bytes | None, lower: bytes | None) -> Style:
    return Style(color=_color(upper), bgcolor=_color(lower))


def _color(pixel: bytes | None) -> Color | None:
    return None if pixel is None else Color.from_rgb(*pixel)


def _brightness(pixel: bytes | None) -> float:
    """Return the brightness from 0 to 1 (ITU-R BT.601's weights)."""
    if pixel is None:
        return 0.0
    red, green, blue = pixel
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


def _shade(brightness: float) -> str:
    return _SHADES[min(len(_SHADES) - 1, int(brightness * len(_SHADES)))]
