"""Opening containers, and the one place where FFmpeg's errors become ours."""

from __future__ import annotations

import errno
import stat
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from meetctl.errors import MediaError

_END_TIME_FORMATS = frozenset({"matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2"})
"""Demuxers whose duration is the time of the end; the others' is counted from the first packet."""
_ZIP = b"PK\x03\x04"


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open a media file for reading.

    The name is never taken for a URL, and a playlist in the file cannot make FFmpeg use the network.

    Raises:
        MediaError: It does not exist, may not be read, is no media, or is a pipe, a device or an archive.
    """
    with translate_errors(path):
        _refuse_special(path)
        _refuse_archive(path)
        with av.open(
            f"file:{path}", "r", metadata_errors="replace", options={"protocol_whitelist": "file"}
        ) as container:
            yield container


def _refuse_special(path: Path) -> None:
    """Refuse what could keep us waiting for ever, and what can be read only once."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise MediaError(
            f"{path} is a pipe or a device, not a file", hint="save the recording to a file first"
        )


def _refuse_archive(path: Path) -> None:
    """Refuse an archive before FFmpeg takes some bytes of what is packed in it for media."""
    with path.open("rb") as file:
        is_archive = file.read(len(_ZIP)) == _ZIP
    if is_archive:
        raise MediaError(f"{path} is a ZIP archive; `meetctl sessions import` unpacks a session's for replay")


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn what PyAV and the file system raise into one line that names the file."""
    try:
        yield
    except FileNotFoundError:
        raise MediaError(f"{path} does not exist") from None
    except PermissionError:
        raise MediaError(f"{path} may not be read", hint="check the file's permissions") from None
    except (av.error.FFmpegError, OSError) as error:
        # Matroska that ends within its header is an input/output error to FFmpeg.
        if isinstance(error, av.error.InvalidDataError | EOFError) or error.errno == errno.EIO:
            raise no_media(path) from None
        raise MediaError(f"{path} cannot be read: {error.strerror or error}") from error


def no_media(path: Path) -> MediaError:
    """Return the error for a file in which there is nothing to read."""
    try:
        with path.open("rb") as file:
            is_mp4 = file.read(8)[4:] == b"ftyp"
    except OSError:
        is_mp4 = False
    return MediaError(
        f"{path} is no media file, or not enough of one",
        hint="an MP4 that is still being written, or was cut off, has no index yet; Matroska needs none"
        if is_mp4
        else "Matroska, WebM and MP4 are read, and what else FFmpeg knows",
    )


def video_streams(container: InputContainer) -> list[VideoStream]:
    """Return the video tracks, without cover pictures."""
    still = av.stream.Disposition.attached_pic
    return [stream for stream in container.streams.video if not stream.disposition & still]


def has_decoder(stream: VideoStream) -> bool:
    """Tell whether the stream can be decoded: PyAV gives it no context otherwise, whatever its types say."""
    context: VideoCodecContext | None = stream.codec_context
    return context is not None


def discard_others(container: InputContainer, wanted: list[VideoStream]) -> None:
    """Have the demuxer skip every other stream, so that their packets cost nothing."""
    indexes = {stream.index for stream in wanted}
    for stream in container.streams:
        stream.discard = av.stream.Discard.default if stream.index in indexes else av.stream.Discard.all


def to_us(pts: int, time_base: Fraction) -> int:
    """Return a time in microseconds, to the nearest one, as FFmpeg rounds the container's own start."""
    return column_us([pts], time_base)[0]


def column_us(column: Sequence[int], time_base: Fraction, origin: int = 0) -> array[int]:
    """Return times in microseconds after `origin`, each to the nearest one."""
    numerator, denominator = time_base.numerator * 1_000_000, time_base.denominator
    half = denominator // 2
    return array("q", ((pts * numerator + half) // denominator - origin for pts in column))


def origin_us(container: InputContainer, *, on_media_clock: bool) -> int:
    """Return what the media clock's zero is on the container's own clock, in microseconds.

    A bundle is written on the media clock. A plain file's zero is its first media; a negative start is
    an audio codec's lead-in and no reason to move the video.
    """
    return 0 if on_media_clock else max(0, container.start_time or 0)


def announced_end_us(container: InputContainer) -> int | None:
    """Return when the container says it ends, on its own clock, in microseconds; None where it doesn't."""
    if container.duration is None:
        return None
    if container.format.name in _END_TIME_FORMATS:
        return container.duration
    return container.duration + (container.start_time or 0)
