"""Recordings and live frames: read, encoded and written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from meetctl.domain.live_media import LiveFrame, RecordingEnd, VideoTrack
    from meetctl.domain.recording import Recording, SpeechSpan
    from meetctl.ports.progress import Progress


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


class FrameSink(Protocol):
    """Where kept frames go that a user wants to look at."""

    def save(self, recording: str, track: int, index: int, t_us: int, jpeg: bytes) -> None:
        """Keep one frame of the named recording's track.

        Raises:
            OutputError: It cannot be written.
        """

    def label(self, recording: str, request_us: int, labels: Sequence[tuple[int, int, str]]) -> None:
        """Note which frames one request took, oldest first: track, index and label of each."""


class FrameEncoder(Protocol):
    """Turns a live frame into what a model is sent."""

    def jpeg(self, frame: LiveFrame, width: int, height: int) -> bytes:
        """Return the frame as JPEG in this size; safe to call from any thread."""


class MeetingRecorder(Protocol):
    """Writes what an agent saw and heard; no call but `finish` blocks, and a full disk fails none."""

    def write_video(self, track: VideoTrack, frame: LiveFrame) -> bool:
        """Take one frame; False when it could not be taken because writing is behind or has stopped."""

    def end_video(self, track: str) -> None:
        """Finish a track's segment; frames of the same track may still come later."""

    def write_audio(self, voice: str, t_us: int, sample_rate: int, samples: bytes) -> None:
        """Take a piece of one voice (mono, signed 16 bit, this machine's byte order) that began at `t_us`.

        Pieces of different voices overlap and are mixed; silence need not be written.
        """

    def finish(self) -> RecordingEnd:
        """Write what is still waiting, join the segments, and say what was recorded. Blocks; call it once."""
