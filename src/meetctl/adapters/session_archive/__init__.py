"""A session as one file that can be carried elsewhere: a ZIP with its bundle, a page to read, and a manifest.

Of the same bundle it is the same file, byte by byte: entries are in order and have no dates.
"""

from __future__ import annotations

from meetctl.adapters.session_archive.reading import import_archive, read_manifest, unpack_archive
from meetctl.adapters.session_archive.writing import write_archive

__all__ = ["import_archive", "read_manifest", "unpack_archive", "write_archive"]
