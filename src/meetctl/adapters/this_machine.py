"""What this machine has: room on its disk, and codecs."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Literal

from meetctl.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

_WRITERS = ("libx264", "libopus", "mjpeg")
"""What recordings, and pictures for models, are written with."""
_READERS = ("h264", "vp8", "vp9", "av1", "hevc", "opus", "aac")
"""What recordings of meetings are usually in."""


class ThisMachine:
    """The Machine port."""

    def free_bytes(self, directory: Path) -> int:
        """Return what the file system of the directory, or of the nearest one that exists, has free."""
        nearest = next(path for path in (directory, *directory.parents) if path.exists())
        if not os.access(nearest, os.W_OK | os.X_OK) or not nearest.is_dir():
            raise OutputError(
                f"sessions cannot be kept in {directory}: {nearest} may not be written to",
                hint="--sessions DIRECTORY (MEETCTL_SESSIONS) chooses another place",
            )
        return shutil.disk_usage(nearest).free

    def missing_codecs(self) -> tuple[str, ...]:
        """Return the encoders and decoders that PyAV was built without."""
        return (
            *(f"an encoder for {name}" for name in _WRITERS if not _has_codec(name, "w")),
            *(f"a decoder for {name}" for name in _READERS if not _has_codec(name, "r")),
        )


def _has_codec(name: str, mode: Literal["r", "w"]) -> bool:
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    try:
        Codec(name, mode)
    except UnknownCodecError:
        return False
    return True
