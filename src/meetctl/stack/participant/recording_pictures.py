"""A recording played on a scripted person's screen, in real time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av

from meetctl.adapters.media_av.opening import discard_others, has_decoder, open_media, video_streams
from meetctl.errors import MediaError
from meetctl.stack.participant.pictures import ScreenPicture

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from av.container import InputContainer


class RecordingPictures:
    """The first video track of a file, or of a bundle's recording, from its first frame on.

    Pictures that fall between two calls are skipped, so that playing keeps up with the time asked for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path / "meeting.mkv" if path.is_dir() else path
        self._frames: Generator[tuple[float, av.VideoFrame]] | None = None
        self._next: tuple[float, av.VideoFrame] | None = None
        self._shown: ScreenPicture | None = None

    def picture(self, t_s: float) -> ScreenPicture | None:
        """Return the frame on the screen at `t_s`; None after the last one.

        Raises:
            MediaError: The file does not exist, is no media, or has no video that can be decoded.
        """
        if self._frames is None:
            self._frames = _decode(self._path)
            self._next = next(self._frames, None)
            if self._next is None:
                raise MediaError(f"{self._path} has no picture that can be decoded")
        due: av.VideoFrame | None = None
        while self._next is not None and self._next[0] <= t_s:
            due = self._next[1]
            self._next = next(self._frames, None)
        if due is not None:
            self._shown = _to_picture(due)
            return self._shown
        return None if self._next is None else self._shown

    def close(self) -> None:
        """Close the file; the next picture that is asked for opens it again, from its beginning."""
        if self._frames is not None:
            self._frames.close()
        self._frames = self._next = self._shown = None


def _decode(path: Path) -> Generator[tuple[float, av.VideoFrame]]:
    """Yield frames with their seconds since the first one; what cannot be decoded is left out."""
    with open_media(path) as container:
        streams = [stream for stream in video_streams(container) if has_decoder(stream)]
        if not streams:
            raise MediaError(f"{path} has no video that can be shared")
        discard_others(container, streams[:1])
        start_s: float | None = None
        for frame in _frames(container, streams[0]):
            if frame.pts is None or frame.is_corrupt:
                continue
            start_s = frame.time if start_s is None else start_s
            yield frame.time - start_s, frame


def _frames(container: InputContainer, stream: av.VideoStream) -> Iterator[av.VideoFrame]:
    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                # One damaged packet does not end the recording.
                continue
    except av.error.FFmpegError:
        # A recording that breaks off is shared up to there.
        return


def _to_picture(frame: av.VideoFrame) -> ScreenPicture:
    width, height = frame.width - frame.width % 2, frame.height - frame.height % 2
    planes = frame.reformat(width=width, height=height, format="yuv420p").to_ndarray()
    return ScreenPicture(width=width, height=height, data=planes.tobytes())
