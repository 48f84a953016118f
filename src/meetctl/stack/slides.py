"""Slides to share in a meeting, drawn with Pillow at any size in the font that Pillow carries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from meetctl.errors import MeetctlError

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

Colour: TypeAlias = tuple[int, int, int]

PAPER: Colour = (250, 250, 247)
INK: Colour = (32, 36, 44)
FAINT: Colour = (120, 126, 138)
LINE: Colour = (214, 217, 222)
ACCENT: Colour = (24, 96, 168)
WARM: Colour = (196, 98, 16)
NIGHT: Colour = (30, 33, 40)
CODE: Colour = (222, 226, 233)

UNITS = 720
"""A slide is laid out as if it were this high."""


@dataclass(frozen=True, slots=True)
class TitleSlide:
    """A meeting's name, and what it is about."""

    title: str
    subtitle: str


@dataclass(frozen=True, slots=True)
class BarsSlide:
    """A bar for each name, as high as its value."""

    title: str
    bars: tuple[tuple[str, float], ...]
    highlighted: str = ""
    """Name of the bar in another colour."""


@dataclass(frozen=True, slots=True)
class TableSlide:
    """A table; the first row is its head."""

    title: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class CodeSlide:
    """Lines of code, light on dark."""

    title: str
    lines: tuple[str, ...]


Slide: TypeAlias = TitleSlide | BarsSlide | TableSlide | CodeSlide


def demo_slides() -> tuple[Slide, ...]:
    """Return five slides that look different enough for anybody to tell them apart."""
    return (
        TitleSlide("Third quarter in review", "Orders, refunds, and what comes next"),
        BarsSlide(
            "Orders by month, in thousands", (("July", 42), ("August", 38), ("September", 57)), "September"
        ),
        TableSlide(
            "Refunds by reason",
            (
                ("Reason", "Orders", "Share"),
                ("Arrived late", "412", "46 %"),
                ("Wrong size", "268", "30 %"),
                ("Damaged", "131", "15 %"),
                ("Other", "81", "9 %"),
            ),
        ),
        CodeSlide(
            "The rule that decides a refund",
            (
                "def is_refundable(order, today):",
                "    age_days = (today - order.delivered).days",
                "    if order.is_damaged:",
                "        return True",
                "    return age_days <= 30 and not order.is_opened",
            ),
        ),
        TitleSlide("Next: fewer late parcels", "A second carrier from the first of November"),
    )


def draw_slide(slide: Slide, width: int, height: int, *, footer: str = "") -> Image.Image:
    """Draw a slide as an RGB picture of `width` x `height` pixels, with `footer` at its lower right.

    Raises:
        MeetctlError: Pillow was built without FreeType, so that it cannot draw text.
    """
    from PIL import Image, ImageDraw

    is_dark = isinstance(slide, CodeSlide)
    image = Image.new("RGB", (width, height), NIGHT if is_dark else PAPER)
    page = _Page(ImageDraw.Draw(image), width, height)
    match slide:
        case TitleSlide():
            _draw_title(page, slide)
        case BarsSlide():
            _draw_bars(page, slide)
        case TableSlide():
            _draw_table(page, slide)
        case CodeSlide():
            _draw_code(page, slide)
    page.text(page.right - 40, UNITS - 40, footer, 22, FAINT, anchor="rs")
    return image


@dataclass(frozen=True, slots=True)
class _Page:
    """Draws in units of a 720th of the picture's height, or less where it is narrower than 4:3."""

    draw: ImageDraw.ImageDraw
    width: int
    height: int

    @property
    def scale(self) -> float:
        return min(self.height / UNITS, self.width / (UNITS * 4 / 3))

    @property
    def right(self) -> float:
        return self.width / self.scale

    def text(self, x: float, y: float, text: str, size: int, colour: Colour, anchor: str = "ls") -> None:
        font = _font(max(6, round(size * self.scale)))
        self.draw.text((x * self.scale, y * self.scale), text, font=font, fill=colour, anchor=anchor)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        left, top = round(x * self.scale), round(y * self.scale)
        right, bottom = round((x + width) * self.scale), round((y + height) * self.scale)
        self.draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), fill=colour)


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.load_default(size=size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise MeetctlError(
            "slides cannot be drawn: Pillow was built without FreeType",
            hint="share a recording instead, or install Pillow's own wheel",
        )
    return font


def _draw_title(page: _Page, slide: TitleSlide) -> None:
    page.box(0, 0, 24, UNITS, ACCENT)
    page.text(90, 330, slide.title, 58, INK)
    page.box(90, 362, 180, 6, WARM)
    page.text(90, 430, slide.subtitle, 32, FAINT)


def _draw_bars(page: _Page, slide: BarsSlide) -> None:
    page.text(60, 92, slide.title, 42, INK)
    floor, full = 580, 380
    highest = max(value for _, value in slide.bars) or 1
    room = (page.right - 120) / len(slide.bars)
    for place, (name, value) in enumerate(slide.bars):
        height = full * value / highest
        x = 60 + room * place + room * 0.2
        colour = WARM if name == slide.highlighted else ACCENT
        page.box(x, floor - height, room * 0.6, height, colour)
        page.text(x + room * 0.3, floor - height - 16, f"{value:g}", 34, INK, anchor="ms")
        page.text(x + room * 0.3, floor + 46, name, 30, INK, anchor="ms")
    page.box(60, floor, page.right - 120, 3, INK)


def _draw_table(page: _Page, slide: TableSlide) -> None:
    page.text(60, 92, slide.title, 42, INK)
    row_height = min(90.0, 500 / len(slide.rows))
    column = (page.right - 120) / max(len(row) for row in slide.rows)
    for place, row in enumerate(slide.rows):
        top = 140 + row_height * place
        if place == 0:
            page.box(60, top, page.right - 120, row_height, ACCENT)
        page.box(60, top + row_height - 2, page.right - 120, 2, LINE)
        for across, cell in enumerate(row):
            page.text(84 + column * across, top + row_height * 0.64, cell, 32, PAPER if place == 0 else INK)


def _draw_code(page: _Page, slide: CodeSlide) -> None:
    page.text(60, 92, slide.title, 38, CODE)
    page.box(60, 120, page.right - 120, 2, FAINT)
    step = min(64.0, 480 / max(1, len(slide.lines)))
    for place, line in enumerate(slide.lines):
        y = 190 + step * place
        indent = len(line) - len(line.lstrip(" "))
        page.text(70, y, str(place + 1), 26, FAINT)
        page.text(130 + 18 * indent, y, line.lstrip(" "), 30, CODE)
