"""The FrameEncoder port: a live frame as the JPEG that a model is sent."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from av.codec.context import CodecContext, Flags
from av.video.reformatter import ColorRange, Interpolation

from meetctl.adapters.recorder_av.i420 import LIMITED, copy_frame

if TYPE_CHECKING:
    from meetctl.domain.live_media import LiveFrame

_QUALITY = 3
"""FFmpeg's scale, 2 the best; measured on a drawn screen as large and as faithful as Pillow's quality 80."""


class AvFrameEncoder:
    """Encodes without a detour over RGB; it holds no state, and no lock while FFmpeg works."""

    def jpeg(self, frame: LiveFrame, width: int, height: int) -> bytes:
        """Return the frame as JFIF in this size, its luma stretched to the full range that JPEG has.

        Raises:
            ValueError: The frame's bytes do not fit its size.
        """
        picture = copy_frame(frame).reformat(
            width,
            height,
            "yuvj420p",
            src_color_range=LIMITED,
            dst_color_range=ColorRange.JPEG,
            interpolation=Interpolation.AREA,
        )
        encoder = CodecContext.create("mjpeg", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
        encoder.time_base = Fraction(1, 1000)
        encoder.thread_count = 1
        encoder.color_range = ColorRange.JPEG
        encoder.qmin = encoder.qmax = _QUALITY
        # With an aspect ratio the encoder writes JFIF's own header; bitexact leaves its signature out.
        encoder.sample_aspect_ratio = Fraction(1)
        encoder.flags |= Flags.bitexact
        picture.pts, picture.time_base = 0, encoder.time_base
        return b"".join(bytes(packet) for packet in (*encoder.encode(picture), *encoder.encode(None)))
