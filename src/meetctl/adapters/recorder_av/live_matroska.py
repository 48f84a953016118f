"""Writing one track as Matroska such that every block is on its way to the disk when it has been written.

FFmpeg's muxer keeps the cluster that it is filling in memory until a later packet closes it, so a screen
that stands still would lose its last picture if the process died. Here a cluster's size stays unknown,
which Matroska allows for what is still being written (RFC 9559, section 5.1.3; RFC 8794, section 6.2), and
every block is one write of its own.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# The elements' ids are those of RFC 8794, section 11, and RFC 9559, section 5.
_EBML = 0x1A45DFA3
_EBML_VERSION, _EBML_READ_VERSION = 0x4286, 0x42F7
_EBML_MAX_ID_LENGTH, _EBML_MAX_SIZE_LENGTH = 0x42F2, 0x42F3
_DOC_TYPE, _DOC_TYPE_VERSION, _DOC_TYPE_READ_VERSION = 0x4282, 0x4287, 0x4285
_VOID = 0xEC
_SEGMENT = 0x18538067
_INFO, _TIMESTAMP_SCALE, _DURATION = 0x1549A966, 0x2AD7B1, 0x4489
_MUXING_APP, _WRITING_APP = 0x4D80, 0x5741
_TRACKS, _TRACK_ENTRY, _TRACK_NUMBER, _TRACK_UID, _TRACK_TYPE = 0x1654AE6B, 0xAE, 0xD7, 0x73C5, 0x83
_FLAG_LACING, _NAME, _LANGUAGE, _CODEC_ID, _CODEC_PRIVATE = 0x9C, 0x536E, 0x22B59C, 0x86, 0x63A2
_CODEC_DELAY, _SEEK_PRE_ROLL = 0x56AA, 0x56BB
_VIDEO, _PIXEL_WIDTH, _PIXEL_HEIGHT = 0xE0, 0xB0, 0xBA
_AUDIO, _SAMPLING_FREQUENCY, _CHANNELS = 0xE1, 0xB5, 0x9F
_TAGS, _TAG, _TARGETS, _TAG_TRACK_UID = 0x1254C367, 0x7373, 0x63C0, 0x63C5
_SIMPLE_TAG, _TAG_NAME, _TAG_STRING = 0x67C8, 0x45A3, 0x4487
_CLUSTER, _TIMESTAMP, _SIMPLE_BLOCK = 0x1F43B675, 0xE7, 0xA3

_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
_KEYFRAME_FLAG = 0x80
_ONLY_TRACK = 1
_CLUSTER_MS = 1_000
"""How long a cluster lasts; a block's time within it must fit into 16 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoHeader:
    """What the file says of its video before the first frame."""

    codec_id: str
    """Matroska's name of the codec, such as "V_MPEG4/ISO/AVC" (RFC 9559's codec mappings)."""
    codec_private: bytes
    width: int
    height: int
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioHeader:
    """What the file says of its audio before the first packet."""

    codec_id: str
    codec_private: bytes
    sample_rate: int
    delay_ns: int
    """Nanoseconds of sound that the codec puts before the first sample; readers subtract them."""
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)


class LiveMatroska:
    """One Matroska file with one track, readable up to the last block at any moment.

    The file appears with its first block, so that there is never one without any.
    """

    def __init__(self, path: Path, header: VideoHeader | AudioHeader) -> None:
        self.path = path
        self._header, self._duration_at = _file_header(header)
        self._file = path.open("xb", buffering=0)
        self._whole_bytes = 0
        """How much of the file is whole blocks."""
        self._cluster_ms: int | None = None
        self._end_ms = 0

    def write(self, t_ms: int, data: bytes | memoryview, *, is_keyframe: bool, duration_ms: int = 0) -> None:
        """Write one packet, its time in milliseconds not before that of the packet before.

        Raises:
            OSError: It could not be written; the file ends after the packet before.
        """
        parts: list[bytes | memoryview] = [] if self._whole_bytes else [self._header]
        cluster_ms = self._cluster_ms
        if cluster_ms is None or t_ms - cluster_ms > _CLUSTER_MS:
            parts += [_id(_CLUSTER), _UNKNOWN_SIZE, _uint(_TIMESTAMP, t_ms)]
            cluster_ms = t_ms
        flags = _KEYFRAME_FLAG if is_keyframe else 0
        block = struct.pack(">BhB", 0x80 | _ONLY_TRACK, t_ms - cluster_ms, flags)
        parts += [_id(_SIMPLE_BLOCK), _size(len(block) + len(data)), block, data]
        self._append(b"".join(parts))
        self._cluster_ms = cluster_ms
        self._end_ms = t_ms + duration_ms

    def close(self) -> None:
        """Say in the header how long the file is, and close it; without this it is merely unfinished.

        Raises:
            OSError: That could not be written; what is in the file stays readable.
        """
        with self._file:
            if self._whole_bytes == 0:
                self.path.unlink()
                return
            duration = _id(_DURATION) + _size(8) + struct.pack(">d", max(1, self._end_ms))
            self._overwrite(self._duration_at, duration)
            size_at = self._header.index(_id(_SEGMENT)) + 4
            size = self._whole_bytes - size_at - len(_UNKNOWN_SIZE)
            self._overwrite(size_at, (size | 1 << 56).to_bytes(8, "big"))

    def _append(self, data: bytes) -> None:
        """Write all or nothing: what a full disk took of a block is taken back."""
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) or 0 :]
        except OSError:
            self._file.truncate(self._whole_bytes)
            raise
        self._whole_bytes += len(data)

    def _overwrite(self, at: int, data: bytes) -> None:
        self._file.seek(at)
        self._file.write(data)


def _file_header(header: VideoHeader | AudioHeader) -> tuple[bytes, int]:
    """Return everything before the first cluster, and at which byte there is room for the duration."""
    document = _element(
        _EBML,
        _uint(_EBML_VERSION, 1),
        _uint(_EBML_READ_VERSION, 1),
        _uint(_EBML_MAX_ID_LENGTH, 4),
        _uint(_EBML_MAX_SIZE_LENGTH, 8),
        _text(_DOC_TYPE, "matroska"),
        _uint(_DOC_TYPE_VERSION, 4),
        _uint(_DOC_TYPE_READ_VERSION, 2),
    )
    room = _element(_VOID, bytes(9))  # as long as a Duration element with its float
    info = _element(
        _INFO,
        _uint(_TIMESTAMP_SCALE, 1_000_000),
        _text(_MUXING_APP, "meetctl"),
        _text(_WRITING_APP, "meetctl"),
        room,
    )
    before = document + _id(_SEGMENT) + _UNKNOWN_SIZE + info
    whole = before + _element(_TRACKS, _track_entry(header)) + _tags(header.tags)
    return whole, len(before) - len(room)


def _track_entry(header: VideoHeader | AudioHeader) -> bytes:
    parts = [
        _uint(_TRACK_NUMBER, _ONLY_TRACK),
        _uint(_TRACK_UID, _ONLY_TRACK),
        _uint(_TRACK_TYPE, 1 if isinstance(header, VideoHeader) else 2),
        _uint(_FLAG_LACING, 0),
        _text(_NAME, header.name),
        _text(_LANGUAGE, "und"),
        _text(_CODEC_ID, header.codec_id),
        _element(_CODEC_PRIVATE, header.codec_private),
    ]
    if isinstance(header, VideoHeader):
        size = (_uint(_PIXEL_WIDTH, header.width), _uint(_PIXEL_HEIGHT, header.height))
        return _element(_TRACK_ENTRY, *parts, _element(_VIDEO, *size))
    rate = _element(_SAMPLING_FREQUENCY, struct.pack(">d", header.sample_rate))
    return _element(
        _TRACK_ENTRY,
        *parts,
        _uint(_CODEC_DELAY, header.delay_ns),
        _uint(_SEEK_PRE_ROLL, 80_000_000),  # what Opus needs: RFC 7845, section 4.6
        _element(_AUDIO, rate, _uint(_CHANNELS, 1)),
    )


def _tags(tags: Mapping[str, str]) -> bytes:
    if not tags:
        return b""
    target = _element(_TARGETS, _uint(_TAG_TRACK_UID, _ONLY_TRACK))
    simple = [
        _element(_SIMPLE_TAG, _text(_TAG_NAME, name), _text(_TAG_STRING, value))
        for name, value in tags.items()
    ]
    return _element(_TAGS, _element(_TAG, target, *simple))


def _element(number: int, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return _id(number) + _size(len(data)) + data


def _uint(number: int, value: int) -> bytes:
    return _element(number, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _text(number: int, value: str) -> bytes:
    return _element(number, value.encode())


def _id(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _size(length: int) -> bytes:
    """Return an element's size in as few bytes as hold it; all ones would mean unknown (RFC 8794, 6.2)."""
    count = next(n for n in range(1, 9) if length < (1 << 7 * n) - 1)
    return (length | 1 << 7 * count).to_bytes(count, "big")
