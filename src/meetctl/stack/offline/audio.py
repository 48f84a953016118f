"""Sound in the shapes that the protocols carry: resampled, unpacked from files, packed into messages."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import av
import av.error
import numpy as np

from meetctl.errors import MediaError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    Samples = npt.NDArray[np.int16]


class StreamResampler:
    """Changes the rate of a mono stream that comes in pieces, without a seam between them."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._from_hz = from_hz
        self._resampler = (
            None if from_hz == to_hz else av.AudioResampler(format="s16", layout="mono", rate=to_hz)
        )

    def push(self, samples: Samples) -> Samples:
        """Return what is ready after this piece; the last milliseconds stay inside."""
        if self._resampler is None or samples.size == 0:
            return samples
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate = self._from_hz
        return _join(self._resampler.resample(frame))

    def finish(self) -> Samples:
        """Return the rest."""
        return np.empty(0, np.int16) if self._resampler is None else _join(self._resampler.resample(None))


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Return a whole mono recording at another rate."""
    stream = StreamResampler(from_hz, to_hz)
    return np.concatenate([stream.push(samples), stream.finish()])


def decode_sound(data: bytes, rate_hz: int) -> Samples:
    """Return the first audio track of a file (WAV, or anything that FFmpeg reads), mono and at `rate_hz`.

    Raises:
        MediaError: The bytes are no audio file.
    """
    try:
        with av.open(io.BytesIO(data), "r") as container:
            if not container.streams.audio:
                raise MediaError("the audio file has no audio track")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=rate_hz)
            frames = [
                resampled for frame in container.decode(audio=0) for resampled in resampler.resample(frame)
            ]
            return _join([*frames, *resampler.resample(None)])
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaError("the audio file cannot be read", hint="send a 16-bit WAV file") from error


def _join(frames: Iterable[av.AudioFrame]) -> Samples:
    pieces = [frame.to_ndarray().reshape(-1).astype(np.int16, copy=False) for frame in frames]
    return np.concatenate(pieces) if pieces else np.empty(0, np.int16)
