"""Recordings in memory: written-out tracks, and pictures as arrays of brightness."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from meetctl.errors import MediaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from meetctl.domain.recording import Recording, SpeechSpan
    from meetctl.ports import Picture, Progress

    Luma = npt.NDArray[np.uint8]

ROWS, COLUMNS = 45, 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A recording and what is seen and heard in it."""

    recording: Recording
    draw: Callable[[int, int], Luma]
    """The full-size picture of a track's frame: (track, index) -> brightness."""
    undecodable: Mapping[int, frozenset[int]] = field(default_factory=dict)
    """For each track, frames that no decoder makes a picture of."""
    speech: tuple[SpeechSpan, ...] = ()


class InMemoryFrameSource:
    """The FrameSource port over films in memory."""

    def __init__(self, films: Mapping[Path, Film]) -> None:
        self._films = films
        self.decoded: list[tuple[str, int]] = []
        """Which tracks were decoded, in order, by recording and number."""

    def read(self, path: Path, progress: Progress) -> Recording:
        film = self._find(path)
        if not film.recording.tracks:
            raise MediaError(f"{path} has no video", hint="vision is priced by its frames; audio has none")
        progress(f"reading {path.name}", 1, 1, "bytes")
        return film.recording

    def pictures(
        self,
        recording: Recording,
        track: int,
        progress: Progress,
        *,
        coarse: bool = False,  # noqa: ARG002  an array is as exact as it is
    ) -> Iterator[Picture]:
        film = self._find(recording.path)
        self.decoded.append((recording.path.name, track))
        missing = film.undecodable.get(track, frozenset())
        times_us = recording.tracks[track].t_us
        for index, t_us in enumerate(times_us):
            progress(f"looking at {recording.path.name}", index, len(times_us), "frames")
            if index not in missing:
                yield ArrayPicture(index, t_us, film.draw(track, index))

    def speech(self, recording: Recording, progress: Progress) -> list[SpeechSpan]:
        progress(f"listening to {recording.path.name}", 0, recording.duration_us / 1_000_000, "s")
        return list(self._find(recording.path).speech)

    def _find(self, path: Path) -> Film:
        if path not in self._films:
            raise MediaError(f"{path} does not exist")
        return self._films[path]


class ArrayPicture:
    """The Picture port over an array."""

    def __init__(self, index: int, t_us: int, pixels: Luma) -> None:
        self.index = index
        self.t_us = t_us
        self._pixels = pixels

    def luma(self) -> Luma:
        return shrink(self._pixels)

    def jpeg(self, side: int | None = None) -> bytes:
        image = Image.fromarray(self._pixels)
        if side is not None:
            image.thumbnail((side, side))
        buffer = BytesIO()
        image.save(buffer, "JPEG")
        return buffer.getvalue()


def shrink(pixels: Luma) -> Luma:
    """The mean brightness of each cell of a grid; a picture of the grid's own size is its own grid."""
    height, width = pixels.shape
    if (height, width) == (ROWS, COLUMNS):
        return pixels
    down, across = (
        np.linspace(0, height, ROWS + 1).astype(int),
        np.linspace(0, width, COLUMNS + 1).astype(int),
    )
    sums = np.add.reduceat(np.add.reduceat(pixels.astype(np.int64), down[:-1], axis=0), across[:-1], axis=1)
    areas = np.outer(np.diff(down), np.diff(across))
    means: Luma = (sums // areas).astype(np.uint8)
    return means
