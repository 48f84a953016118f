"""What an archive is like: its names, and what may be one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from meetctl.errors import OutputError

SCHEMA = "meetctl.session-archive/1"
MANIFEST = "manifest.json"
BUNDLE = "bundle"
"""The folder in the archive that is the bundle, which replay takes as it is."""

_PIECE = 1 << 20


def is_directory_name(name: str) -> bool:
    """Tell whether a name can be a session's directory, and nothing that leads elsewhere or hides."""
    return (
        0 < len(name.encode()) <= 200
        and name.isprintable()
        and name[0] != "."
        and not set("/\\:") & set(name)
    )


def read_pieces(file: IO[bytes], size: int) -> Iterator[bytes]:
    """Yield at most `size` bytes of a file, a piece at a time."""
    while size > 0 and (piece := file.read(min(size, _PIECE))):
        yield piece
        size -= len(piece)


@contextmanager
def writing_to(target: Path) -> Iterator[None]:
    """Say of what the disk refuses which file or session it was for.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}") from error
