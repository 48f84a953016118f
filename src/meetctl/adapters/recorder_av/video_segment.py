"""One stretch of one video track in one size, as H.264 in a file of its own."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from av.codec.context import CodecContext, Flags
from av.video.frame import PictureType, VideoFrame

from meetctl.adapters.recorder_av.i420 import COLORSPACE, LIMITED, copy_frame
from meetctl.adapters.recorder_av.live_matroska import LiveMatroska, VideoHeader

if TYPE_CHECKING:
    from pathlib import Path

    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

    from meetctl.domain.live_media import LiveFrame, VideoTrack

TRACK_TAG, SOURCE_TAG = "MEETCTL_TRACK", "MEETCTL_SOURCE"

_MILLISECOND = Fraction(1, 1000)
_KEYFRAME_EVERY_MS = 9_000
"""The first frame after this is a keyframe, so that at one frame a second they are 10 s apart at most."""

_OPTIONS = {
    "preset": "ultrafast",
    "tune": "zerolatency",
    "crf": "27",
    "forced-idr": "1",
    "g": "100000",  # keyframes come by time, not by count
    "x264-params": "annexb=0",  # packets as Matroska holds them, and their header beside them
}


class VideoSegment:
    """Takes the frames of one track as long as they have the size of the first.

    H.264 keeps colour in half the rows and columns only where both sides are even (ITU-T H.264, 7.4.2.1.1:
    cropping is in units of two samples then). A picture with an odd side is therefore kept in 4:4:4, its
    colour enlarged, so that a reader gets the size that it had.
    """

    def __init__(self, path: Path, track: VideoTrack, frame: LiveFrame) -> None:
        self.width, self.height = frame.width, frame.height
        self._keyframe_ms: int | None = None
        self._format = "yuv444p" if frame.width % 2 or frame.height % 2 else "yuv420p"
        self._encoder = _open_encoder(frame.width, frame.height, self._format)
        self._file = LiveMatroska(
            path,
            VideoHeader(
                codec_id="V_MPEG4/ISO/AVC",
                codec_private=self._encoder.extradata or b"",
                width=frame.width,
                height=frame.height,
                name=track.name,
                tags={TRACK_TAG: track.id, SOURCE_TAG: track.source},
            ),
        )

    def write(self, frame: LiveFrame) -> None:
        """Encode a frame and write it; it is later than the one before and has the segment's size.

        Raises:
            OSError: It could not be written.
        """
        t_ms = frame.t_us // 1000
        picture = self._to_picture(frame)
        picture.pts, picture.time_base = t_ms, _MILLISECOND
        if self._keyframe_ms is None or t_ms - self._keyframe_ms >= _KEYFRAME_EVERY_MS:
            self._keyframe_ms = t_ms
            picture.pict_type = PictureType.I
        self._write(self._encoder.encode(picture))

    def close(self) -> None:
        """Finish the file; a second call does nothing harmful.

        Raises:
            OSError: The file's length could not be noted in it; it is still readable.
        """
        self._file.close()

    def _to_picture(self, frame: LiveFrame) -> VideoFrame:
        picture = copy_frame(frame)
        return picture if self._format == "yuv420p" else picture.reformat(format=self._format)

    def _write(self, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            if packet.pts is not None:
                self._file.write(packet.pts, memoryview(packet), is_keyframe=packet.is_keyframe)


def _open_encoder(width: int, height: int, pix_fmt: str) -> VideoCodecContext:
    encoder = CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pix_fmt
    encoder.time_base = _MILLISECOND
    encoder.framerate = Fraction(30)  # for the stream's level only; times are the frames' own
    encoder.thread_count = 1
    encoder.color_range, encoder.colorspace = LIMITED, COLORSPACE
    encoder.flags |= Flags.global_header
    encoder.options = dict(_OPTIONS)
    encoder.open()
    return encoder
