"""What the services need from the outside, as small protocols; adapters implement them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from meetctl.domain.pricing import Price
    from meetctl.domain.recording import Recording, SpeechSpan
    from meetctl.domain.vision_tokens import ImageRule


class Clock(Protocol):
    """The time, so that nothing else asks the machine for it."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards, for measuring durations."""


class PriceBook(Protocol):
    """Dated prices and image-token rules."""

    @property
    def version(self) -> str:
        """The date of the bundled catalogue, such as "2026-11-22"."""

    def image_rule(self, model: str, at: datetime) -> ImageRule:
        """Return the rule that turned image sizes into tokens for `model` at `at`.

        Raises:
            UnknownModelError: No rule covers the model; the message names close matches.
        """

    def price(self, model: str, unit: str, at: datetime) -> Price | None:
        """Return the price of `unit` for `model` in force at `at`; None when unpriced."""


class Picture(Protocol):
    """One decoded frame, whose pixels are converted only when somebody asks for them."""

    @property
    def index(self) -> int:
        """The frame's place among its track's frames in presentation order."""

    @property
    def t_us(self) -> int:
        """The frame's time on the media clock, in microseconds."""

    def luma(self) -> npt.NDArray[np.uint8]:
        """Return a small picture of the brightness, the same shape for every frame of a track."""

    def jpeg(self, side: int | None = None) -> bytes:
        """Return the frame as JPEG, its longest side at most `side` pixels, never enlarged."""


class Progress(Protocol):
    """Told how far a step has come; free to ignore it."""

    def __call__(self, step: str, done: float, total: float, unit: str) -> None:
        """Report `done` of `total` ("bytes", "frames", "s" …; total 0 when unknown) for the named step."""


class FrameSink(Protocol):
    """Where kept frames go that a user wants to look at."""

    def save(self, recording: str, track: int, index: int, t_us: int, jpeg: bytes) -> None:
        """Keep one frame of the named recording's track.

        Raises:
            OutputError: It cannot be written.
        """

    def label(self, recording: str, track: int, request_us: int, labels: Sequence[tuple[int, str]]) -> None:
        """Note which frames one request took, each by its index and with its label."""


class FrameSource(Protocol):
    """Recordings: their frames' times and sizes, and their pixels when something needs them."""

    def read(self, path: Path, progress: Progress) -> Recording:
        """Read every video track's frames from packets alone; nothing is decoded but a few keyframes.

        Raises:
            MediaError: The file is no media, has no video, or does not exist.
        """

    def pictures(
        self, recording: Recording, track: int, progress: Progress, *, coarse: bool = False
    ) -> Iterator[Picture]:
        """Decode one track once, in presentation order.

        Frames that cannot be decoded, or only with parts made up, are left out. `coarse` pictures may
        have visible block edges: good enough for comparing small ones, and faster to make.

        Raises:
            MediaError: The file is gone, or is no longer what was read.
        """

    def speech(self, recording: Recording, progress: Progress) -> list[SpeechSpan]:
        """Find speech in the audio track; empty when there is no audio."""
