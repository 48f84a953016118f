"""What a scripted person has on its screen, as pictures over time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from meetctl.errors import UsageError
from meetctl.stack.slides import demo_slides, draw_slide

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt
    from PIL import Image

    from meetctl.stack.slides import Slide

_POINTER = (
    "#...........",
    "##..........",
    "#o#.........",
    "#oo#........",
    "#ooo#.......",
    "#oooo#......",
    "#ooooo#.....",
    "#oooooo#....",
    "#ooooooo#...",
    "#oooooooo#..",
    "#ooooo#####.",
    "#oo#oo#.....",
    "#o#.#oo#....",
    "##..#oo#....",
    "#....#oo#...",
    ".....#oo#...",
    "......##....",
)
"""An arrow: # its dark edge, o its light inside."""

_EDGE_LUMA, _INSIDE_LUMA = 16, 235


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScreenPicture:
    """A picture in I420: a plane of luma, then two of chroma with each side halved; sides are even."""

    width: int
    height: int
    data: bytes | bytearray
    """width*height*3/2 bytes, valid until the source is asked for its next picture."""


class PictureSource(Protocol):
    """What is on a screen; asked from worker threads, one call at a time."""

    def picture(self, t_s: float) -> ScreenPicture | None:
        """Return what is on the screen `t_s` seconds after sharing began; None when there is no more.

        Its size may differ from one picture to the next: the shared window was resized.

        Raises:
            MeetctlError: There is nothing to show.
        """

    def close(self) -> None:
        """Let go of files; asking for a picture afterwards starts again."""


class SlidePictures:
    """Drawn slides under a pointer that never rests, so that no two pictures are the same.

    A slide is drawn and converted once; a picture then costs only the few pixels of the pointer.
    """

    def __init__(self, width: int = 1280, height: int = 720, slides: Sequence[Slide] | None = None) -> None:
        self._slides = tuple(demo_slides() if slides is None else slides)
        if not self._slides:
            raise UsageError("there is no slide to share")
        self._number = 1
        self._size = _even_size(width, height)
        self._shown: tuple[int, tuple[int, int]] | None = None
        self._picture = ScreenPicture(width=0, height=0, data=b"")
        self._luma: npt.NDArray[np.uint8] | None = None
        self._under: tuple[tuple[slice, slice], npt.NDArray[np.uint8]] | None = None

    @property
    def number(self) -> int:
        """The slide that is shown, from 1."""
        return self._number

    def show(self, number: int) -> None:
        """Show a slide by its number.

        Raises:
            UsageError: There is none of this number.
        """
        if not 1 <= number <= len(self._slides):
            raise UsageError(f"there is no slide {number}", hint=f"there are {len(self._slides)}, from 1")
        self._number = number

    def show_next(self) -> None:
        """Show the next slide, or the first after the last."""
        self._number = self._number % len(self._slides) + 1

    def resize(self, width: int, height: int) -> None:
        """Give the screen another size, both sides even, from the next picture on.

        Raises:
            UsageError: It is no size of a picture.
        """
        self._size = _even_size(width, height)

    def picture(self, t_s: float) -> ScreenPicture:
        """Return the slide with the pointer where it is `t_s` seconds after sharing began."""
        wanted = (self._number, self._size)
        if wanted != self._shown:
            self._draw(*wanted)
            self._shown = wanted
        self._point(t_s)
        return self._picture

    def close(self) -> None:
        """Do nothing: slides hold no files."""

    def _draw(self, number: int, size: tuple[int, int]) -> None:
        import numpy as np

        width, height = size
        footer = f"{number} / {len(self._slides)}"
        data = bytearray(to_i420(draw_slide(self._slides[number - 1], width, height, footer=footer)))
        self._picture = ScreenPicture(width=width, height=height, data=data)
        self._luma = np.frombuffer(data, np.uint8, count=width * height).reshape(height, width)
        self._under = None

    def _point(self, t_s: float) -> None:
        import numpy as np

        luma = self._luma
        if luma is None:
            return
        if self._under is not None:
            place, covered = self._under
            luma[place] = covered
        height, width = luma.shape
        arrow = _pointer(max(1, height // 480))
        rows, columns = arrow.shape
        x = round((width - columns) * (0.5 + 0.35 * math.sin(0.9 * t_s)))
        y = round((height - rows) * (0.55 + 0.3 * math.sin(1.3 * t_s)))
        place = (slice(y, y + rows), slice(x, x + columns))
        target = luma[place]
        self._under = (place, target.copy())
        np.copyto(target, arrow, where=arrow > 0)


def to_i420(image: Image.Image) -> bytes:
    """Convert a picture with even sides; BT.601 in limited range, which is what WebRTC takes I420 for."""
    import av

    frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
    return frame.reformat(format="yuv420p").to_ndarray().tobytes()


def _even_size(width: int, height: int) -> tuple[int, int]:
    # Below this no encoder of LiveKit's makes anything of a picture, and the pointer does not fit in.
    if width < 64 or height < 64 or width % 2 or height % 2:
        raise UsageError(
            f"a screen cannot be {width}x{height} pixels", hint="both sides must be even, and at least 64"
        )
    return width, height


def _pointer(scale: int) -> npt.NDArray[np.uint8]:
    """Return the arrow's luma, 0 where it is transparent."""
    import numpy as np

    levels = {".": 0, "#": _EDGE_LUMA, "o": _INSIDE_LUMA}
    small = np.array([[levels[mark] for mark in row] for row in _POINTER], np.uint8)
    return small.repeat(scale, axis=0).repeat(scale, axis=1)
