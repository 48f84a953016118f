"""Noticing where a track changes its picture size, by looking at keyframes' headers only."""

from __future__ import annotations

from collections.abc import Iterator

import av
from av.packet import Packet
from av.video.stream import VideoStream

_H264_SPS = 7
_HEVC_SPS = 33
_AV1_SEQUENCE_HEADER = 1
_NO_FRAME_HEADER = (0xC4, 0xC8, 0xCC)
"""JPEG markers in between those of frame headers: tables and an extension."""


def codec_name(stream: VideoStream) -> str:
    """Return the codec's own name, not that of the library that decodes it."""
    return stream.codec_context.codec.canonical_name


def is_hidden(packet: Packet[VideoStream]) -> bool:
    """Tell whether a VP8 frame is only there to be referred to: show_frame, RFC 6386, section 9.1."""
    return packet.size > 0 and not memoryview(packet)[0] & 0x10


class SizeWatch:
    """Decode a keyframe when its header differs from the one before, and note the picture's size.

    A size change needs new parameter sets (H.264, H.265), a new sequence header (AV1) or a keyframe with
    other size fields (VP8, VP9, JPEG). Their bytes are compared, not understood; the decoder then tells
    the size and the rotation, so a difference that means nothing costs one decoded frame and no more.
    """

    def __init__(self, stream: VideoStream) -> None:
        self.changes: list[tuple[int, int, int]] = []
        """For each new size: the time of its first frame in the stream's units, displayed width, height."""
        self._stream = stream
        self._codec = codec_name(stream)
        self._seen: bytes | None = None

    def look(self, packet: Packet[VideoStream], pts: int) -> None:
        """Take the keyframe that is shown at `pts`."""
        header = _header(self._codec, packet)
        if self._seen is not None and (header == self._seen or not header):
            return
        self._seen = header
        size = self._decode_size(packet)
        if size and (not self.changes or size != self.changes[-1][1:]):
            self.changes.append((pts, *size))

    def _decode_size(self, packet: Packet[VideoStream]) -> tuple[int, int] | None:
        context = self._stream.codec_context
        try:
            frames = packet.decode() or context.decode(None)
            context.flush_buffers()
        except av.error.FFmpegError:
            return None  # a damaged keyframe says nothing; the next one is asked again
        if not frames:
            return None
        frame = frames[0]
        turned = frame.rotation % 180 != 0
        return (frame.height, frame.width) if turned else (frame.width, frame.height)


def _header(codec: str, packet: Packet[VideoStream]) -> bytes:
    """Return the bytes of a keyframe that a change of size must change; empty when it has none."""
    match codec:
        case "vp8":
            return bytes(packet)[6:10]  # RFC 6386, section 9.1: width and height after the start code
        case "vp9":
            return bytes(packet)[:9]  # VP9 bitstream specification, section 6.2: ends with the frame size
        case "h264":
            return b"".join(unit for unit in _nal_units(bytes(packet)) if unit[0] & 0x1F == _H264_SPS)
        case "hevc":
            return b"".join(unit for unit in _nal_units(bytes(packet)) if unit[0] >> 1 & 0x3F == _HEVC_SPS)
        case "av1":
            return _sequence_header(bytes(packet))
        case "mjpeg":
            return _frame_header(bytes(packet))
    return b""


def _nal_units(data: bytes) -> Iterator[bytes]:
    """Split a packet into NAL units, by start codes (ITU-T H.264, annex B) or lengths (ISO 14496-15)."""
    if data.startswith((b"\0\0\0\1", b"\0\0\1")):
        yield from (unit.rstrip(b"\0") for unit in data.split(b"\0\0\1") if unit.rstrip(b"\0"))
        return
    position = 0
    while position + 4 < len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        if length:
            yield data[position + 4 : position + 4 + length]
        position += 4 + length


def _sequence_header(data: bytes) -> bytes:
    """Find the sequence header among a packet's units (AV1 bitstream specification, section 5.3)."""
    position = 0
    while position < len(data):
        first = data[position]
        position += 2 if first & 0x04 else 1
        if not first & 0x02:
            return b""  # a unit without a size is the packet's last one
        length, shift = 0, 0
        while position < len(data):
            byte = data[position]
            position += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        if first >> 3 & 0x0F == _AV1_SEQUENCE_HEADER:
            return data[position : position + length]
        position += length
    return b""


def _frame_header(data: bytes) -> bytes:
    """Find the frame header among a JPEG's segments (ITU-T T.81, annex B): it holds the size."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME_HEADER:
            return data[position : position + 2 + length]
        position += 2 + length
    return b""
