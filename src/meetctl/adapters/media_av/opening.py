"""Opening containers, and the one place where FFmpeg's errors become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from meetctl.errors import MediaError


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open a media file for reading.

    Raises:
        MediaError: It does not exist, may not be read, or is no media.
    """
    with translate_errors(path), av.open(str(path), "r", metadata_errors="replace") as container:
        yield container


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn what PyAV raises into one line that names the file."""
    try:
        yield
    except FileNotFoundError:
        raise MediaError(f"{path} does not exist") from None
    except PermissionError:
        raise MediaError(f"{path} may not be read", hint="check the file's permissions") from None
    except av.error.InvalidDataError:
        raise MediaError(
            f"{path} is no media file, or not enough of one",
            hint="an MP4 that is still being written, or was cut off, has no index yet; Matroska needs none",
        ) from None
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"{path} cannot be read: {error.strerror or error}") from error


def video_streams(container: InputContainer) -> list[VideoStream]:
    """Return the video tracks, without cover pictures."""
    still = av.stream.Disposition.attached_pic
    return [stream for stream in container.streams.video if not stream.disposition & still]


def discard_others(container: InputContainer, wanted: list[VideoStream]) -> None:
    """Have the demuxer skip every other stream, so that their packets cost nothing."""
    indexes = {stream.index for stream in wanted}
    for stream in container.streams:
        stream.discard = av.stream.Discard.default if stream.index in indexes else av.stream.Discard.all


def origin_us(container: InputContainer, *, on_media_clock: bool) -> int:
    """Return what the media clock's zero is on the container's own clock, in microseconds.

    A bundle is written on the media clock. A plain file's zero is its first media; a negative start is
    an audio codec's lead-in and no reason to move the video.
    """
    return 0 if on_media_clock else max(0, container.start_time or 0)
