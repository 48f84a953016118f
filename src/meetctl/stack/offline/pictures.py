"""What can be said of an image without understanding it: its size, and whether it differs from another."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

if TYPE_CHECKING:
    import numpy.typing as npt

GRID = (64, 36)
"""Columns and rows of the small pictures that are compared."""
VISIBLE = 12
"""Least difference in brightness, of 255, that counts; JPEG's own errors stay below it at this size."""
LEAST_CELLS = 12
"""Fewer cells of the grid than this, half a percent, are no visible change: a pointer moves over ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An encoded image and its size in pixels."""

    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureChange:
    """How two pictures differ."""

    share: float
    """Which part of the picture differs visibly, 0 to 1."""
    place: str
    """Where the middle of the difference lies, such as "upper left"; "" when nothing differs."""


def open_picture(data: bytes) -> Picture:
    """Read an image's size.

    Raises:
        ValueError: It is no image that Pillow knows.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            return Picture(data=data, width=image.width, height=image.height)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError) as error:
        raise ValueError("no image") from error


def compare(before: Picture, after: Picture) -> PictureChange:
    """Tell how visibly two pictures differ, whatever their sizes.

    Raises:
        ValueError: One of them is cut off.
    """
    changed = np.abs(_brightness(after) - _brightness(before)) >= VISIBLE
    cells = np.argwhere(changed)
    if len(cells) < LEAST_CELLS:
        return PictureChange(share=0.0, place="")
    row, column = cells.mean(axis=0)
    vertical = ("upper", "", "lower")[_third(row, GRID[1])]
    horizontal = ("left", "", "right")[_third(column, GRID[0])]
    return PictureChange(
        share=float(changed.mean()), place=" ".join(filter(None, (vertical, horizontal))) or "middle"
    )


def _third(position: float, length: int) -> int:
    return min(2, int(3 * (position + 0.5) / length))


def _brightness(picture: Picture) -> npt.NDArray[np.int16]:
    try:
        with Image.open(io.BytesIO(picture.data)) as image:
            small = image.convert("L").resize(GRID, Image.Resampling.BOX)
            return np.asarray(small, dtype=np.int16)
    except OSError as error:
        raise ValueError("an image is cut off") from error
