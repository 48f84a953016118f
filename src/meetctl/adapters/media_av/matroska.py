"""What a Matroska file says of its own length, which FFmpeg reads and does not tell."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

_EBML_HEADER = 0x1A45DFA3
_SEGMENT = 0x18538067


def segment_end(path: Path) -> int | None:
    """Return at which byte the file should end; None if it is no Matroska, or does not know yet.

    While a file is being written its Segment has an unknown size (RFC 9559, section 5.1; RFC 8794,
    section 6.2). The ids and sizes are those of RFC 8794, sections 5 and 6.
    """
    try:
        with path.open("rb") as file:
            if _read_id(file) != _EBML_HEADER:
                return None
            header = _read_size(file)
            if header is None:
                return None
            file.seek(header, 1)
            if _read_id(file) != _SEGMENT:
                return None
            size = _read_size(file)
            return None if size is None else file.tell() + size
    except (OSError, ValueError):
        return None


def _read_id(file: BinaryIO) -> int:
    first = _read_byte(file)
    rest = file.read(8 - first.bit_length())
    return int.from_bytes(bytes([first]) + rest, "big")


def _read_size(file: BinaryIO) -> int | None:
    """Read a size; all ones mean that it is unknown."""
    first = _read_byte(file)
    length = 9 - first.bit_length()
    value = int.from_bytes(bytes([first]) + file.read(length - 1), "big") & ((1 << 7 * length) - 1)
    return None if value == (1 << 7 * length) - 1 else value


def _read_byte(file: BinaryIO) -> int:
    byte = file.read(1)
    if not byte or not byte[0]:
        raise ValueError("no EBML here")
    return byte[0]
