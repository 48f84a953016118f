"""Drawing with Pillow, and pictures as the three planes of 4:2:0 video."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    import numpy.typing as npt

Colour: TypeAlias = tuple[int, int, int]
Plane: TypeAlias = "npt.NDArray[np.uint8]"

BOLD_STROKE = 0.03
"""Extra stroke of bold text, as a share of the font size: Pillow's own font has one weight."""


class Planes(NamedTuple):
    """A picture as I420: `y` of shape (height, width), `u` and `v` of half of both; limited range."""

    y: Plane
    u: Plane
    v: Plane

    @classmethod
    def blank(cls, width: int, height: int) -> Planes:
        """Return a black picture of even size."""
        half = (height // 2, width // 2)
        chroma = np.full(half, 128, np.uint8)
        return cls(np.full((height, width), 16, np.uint8), chroma, chroma.copy())

    def copy(self) -> Planes:
        """Return planes that may be written into."""
        return Planes(self.y.copy(), self.u.copy(), self.v.copy())

    def crop(self, x: int, y: int, width: int, height: int) -> Planes:
        """Return a view of a part; all four numbers must be even."""
        cx, cy, cw, ch = x // 2, y // 2, width // 2, height // 2
        return Planes(
            self.y[y : y + height, x : x + width],
            self.u[cy : cy + ch, cx : cx + cw],
            self.v[cy : cy + ch, cx : cx + cw],
        )

    def paste(self, part: Planes, x: int, y: int) -> None:
        """Copy `part` to an even position in place."""
        height, width = part.y.shape
        target = self.crop(x, y, width, height)
        target.y[:], target.u[:], target.v[:] = part

    def tobytes(self) -> bytes:
        """Return the planes one after the other, as raw I420 video has them."""
        return self.y.tobytes() + self.u.tobytes() + self.v.tobytes()


def to_planes(image: Image.Image) -> Planes:
    """Convert an RGB image of even size with BT.709's matrix, in integers so that it never varies.

    Source of the coefficients: Recommendation ITU-R BT.709-6, items 3.2 to 3.4, scaled by 2**16.
    """
    rgb = np.asarray(image.convert("RGB"), dtype=np.int32)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    luma = (11966 * red + 40254 * green + 4064 * blue + (16 << 16) + 32768) >> 16
    half = (rgb[0::2, 0::2] + rgb[0::2, 1::2] + rgb[1::2, 0::2] + rgb[1::2, 1::2] + 2) >> 2
    red, green, blue = half[..., 0], half[..., 1], half[..., 2]
    u = (-6596 * red - 22189 * green + 28784 * blue + (128 << 16) + 32768) >> 16
    v = (28784 * red - 26145 * green - 2639 * blue + (128 << 16) + 32768) >> 16
    return Planes(luma.astype(np.uint8), u.astype(np.uint8), v.astype(np.uint8))


class Sprite(NamedTuple):
    """A small picture with its opacity (0 to 255) at the size of luma and of chroma."""

    planes: Planes
    alpha: npt.NDArray[np.int32]
    chroma_alpha: npt.NDArray[np.int32]

    def blend(self, target: Planes, x: int, y: int) -> None:
        """Blend onto `target` in place at an even position, cut off at the edges."""
        height = min(self.planes.y.shape[0], target.y.shape[0] - y)
        width = min(self.planes.y.shape[1], target.y.shape[1] - x)
        area = target.crop(x, y, width, height)
        own = self.planes.crop(0, 0, width, height)
        _mix(area.y, own.y, self.alpha[:height, :width])
        chroma_alpha = self.chroma_alpha[: height // 2, : width // 2]
        _mix(area.u, own.u, chroma_alpha)
        _mix(area.v, own.v, chroma_alpha)


def to_sprite(image: Image.Image) -> Sprite:
    """Convert an RGBA image of even size."""
    alpha = np.asarray(image.getchannel("A"), dtype=np.int32)
    quarter = (alpha[0::2, 0::2] + alpha[0::2, 1::2] + alpha[1::2, 0::2] + alpha[1::2, 1::2] + 2) >> 2
    return Sprite(to_planes(image.convert("RGB")), alpha, quarter)


def _mix(below: Plane, above: Plane, alpha: npt.NDArray[np.int32]) -> None:
    below[:] = (below * (255 - alpha) + above * alpha + 127) // 255


@lru_cache(maxsize=64)
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return Pillow's built-in scalable font, laid out the same way on every machine."""
    loaded = ImageFont.load_default(size=size)
    if not isinstance(loaded, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType, so text cannot be drawn")
    return loaded.font_variant(layout_engine=ImageFont.Layout.BASIC)


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws on one image; every position is in pixels from its top left."""

    image: Image.Image

    @property
    def draw(self) -> ImageDraw.ImageDraw:
        """Pillow's drawing context for the image."""
        return ImageDraw.Draw(self.image)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: int,
        colour: Colour,
        bold: bool = False,
        anchor: str = "la",
    ) -> None:
        """Write one line; `anchor` as in Pillow ("la": from the left, the top of the ascenders)."""
        if not bold:
            self.draw.text((x, y), text, font=font(size), fill=colour, anchor=anchor)
            return
        stroke = size * BOLD_STROKE
        width = text_width(text, size) + stroke * (len(text) - 1)
        x -= {"l": 0.0, "m": width / 2, "r": width}[anchor[0]]
        for place, letter in enumerate(text):
            at = x + text_width(text[: place + 1], size) - text_width(letter, size) + stroke * place
            self.draw.text(
                (at, y), letter, font=font(size), fill=colour, anchor=f"l{anchor[1]}", stroke_width=stroke
            )

    def box(self, x: float, y: float, width: float, height: float, colour: Colour, radius: int = 0) -> None:
        """Fill a rectangle; rounded corners are drawn four times as large and scaled down."""
        if radius == 0:
            self.draw.rectangle((x, y, x + width - 1, y + height - 1), fill=colour)
            return
        mask = rounded_mask(int(width), int(height), radius)
        self.image.paste(colour, (int(x), int(y)), mask)

    def frame(
        self, x: int, y: int, width: int, height: int, fill: Colour, edge: Colour, radius: int, line: int = 1
    ) -> None:
        """Fill a rounded rectangle with an edge of `line` pixels."""
        self.box(x, y, width, height, edge, radius)
        self.box(x + line, y + line, width - 2 * line, height - 2 * line, fill, max(radius - line, 0))

    def dot(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fill a circle around a point, antialiased."""
        side = int(2 * radius) + 4
        mask = Image.new("L", (side * 4, side * 4), 0)
        middle = side * 2
        reach = radius * 4
        ImageDraw.Draw(mask).ellipse(
            (middle - reach, middle - reach, middle + reach, middle + reach), fill=255
        )
        mask = mask.resize((side, side), Image.Resampling.BOX)
        self.image.paste(colour, (round(x - side / 2), round(y - side / 2)), mask)


@lru_cache(maxsize=128)
def rounded_mask(width: int, height: int, radius: int) -> Image.Image:
    """Return the opacity of a rectangle with rounded corners, antialiased; do not write into it."""
    mask = Image.new("L", (width * 4, height * 4), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, width * 4 - 1, height * 4 - 1), radius * 4, fill=255)
    return mask.resize((width, height), Image.Resampling.BOX)


def text_width(text: str, size: int) -> float:
    """Return how wide a line is, in pixels."""
    return font(size).getlength(text)
