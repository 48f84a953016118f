"""Writing an archive, complete or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

from meetctl.adapters.session_archive.layout import (
    BUNDLE,
    MANIFEST,
    SCHEMA,
    is_directory_name,
    read_pieces,
    writing_to,
)
from meetctl.domain.content_removal import ContentRemover
from meetctl.domain.session_bundle import DELIVERED, DELIVERY_LOCK, JOURNAL, SEGMENTS, SESSION
from meetctl.errors import MediaError, OutputError

if TYPE_CHECKING:
    from meetctl.domain.session_bundle import SessionBundle

_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest that a ZIP knows: entries have no date of their own."""
_PACKED_ALREADY = frozenset({".mkv", ".mp4", ".webm", ".jpg", ".png", ".zip"})
_OWN_FILES = frozenset({DELIVERED, DELIVERY_LOCK})
"""What belongs to this machine: how far a backend was told from here."""
_ATTEMPTS = 3
"""So often an archive is begun when files move meanwhile: segments are joined when a session ends."""


class _MovedError(Exception):
    """A file went while the bundle was being read."""


def write_archive(
    bundle: SessionBundle,
    target: Path,
    pages: Mapping[str, bytes],
    facts: Mapping[str, Any],
    *,
    media: bool = True,
    content: bool = True,
) -> None:
    """Write a bundle's archive, complete or not at all.

    `pages` are files that go beside the bundle, by their names, and `facts` what the manifest says beside
    the files. Without `content` there is no media either. Of a session that runs it has what there was when
    the bundle was looked at.

    Raises:
        OutputError: It cannot be written.
        MediaError: The bundle cannot be read, or is being pruned.
    """
    target = target.resolve()
    if target.exists() and not target.is_file():
        raise OutputError(f"{target} is no file that an archive can take the place of")
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with _holding(bundle), writing_to(target):
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    with draft.open("wb") as file:
                        _write(file, bundle, pages, facts, media=media and content, content=content)
                    break
                except _MovedError:
                    if attempt == _ATTEMPTS:
                        raise
            draft.replace(target)
    except _MovedError as error:
        raise MediaError(f"{bundle.path} changes while it is read: {error}", hint="try again") from error
    finally:
        draft.unlink(missing_ok=True)


def _write(
    file: BinaryIO,
    bundle: SessionBundle,
    pages: Mapping[str, bytes],
    facts: Mapping[str, Any],
    *,
    media: bool,
    content: bool,
) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        root = PurePosixPath(_name_folder(bundle))
        entries = [_add(archive, root / name, [pages[name]], len(pages[name])) for name in sorted(pages)]
        entries += _add_bundle(archive, root, bundle, media=media, content=content)
        manifest = {"schema": SCHEMA, "session_id": str(root), **facts, "files": entries}
        text = json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n"
        _add(archive, root / MANIFEST, [text], len(text))
    file.flush()
    os.fsync(file.fileno())


def _add_bundle(
    archive: zipfile.ZipFile, root: PurePosixPath, bundle: SessionBundle, *, media: bool, content: bool
) -> Iterator[dict[str, Any]]:
    """Add a bundle's own files; what may hold content and is not known is media too."""
    remover = None if content else ContentRemover()
    folder = root / BUNDLE
    if bundle.journal is not None:
        lines = _journal_lines(bundle.journal, bundle.journal_bytes)
        text = lines if remover is None else remover.remove_lines(lines)
        yield _add(archive, folder / JOURNAL, text, bundle.journal_bytes)
    document = bundle.path / SESSION
    if document.is_file():
        with _reading(document) as file:
            told = file.read()
        if remover is not None:
            told = _remove_content(remover, told)
        yield _add(archive, folder / SESSION, [told], len(told))
    if not media:
        return
    for path in _other_files(bundle.path):
        name = folder / PurePosixPath(*path.relative_to(bundle.path).parts)
        with _reading(path) as file:
            size = os.fstat(file.fileno()).st_size
            yield _add(archive, name, read_pieces(file, size), size)


def _other_files(bundle: Path) -> list[Path]:
    """Return what a bundle has beside the journal and session.json, in order; no links, no drafts."""
    found = [path for pattern in ("*", f"{SEGMENTS}/*") for path in bundle.glob(pattern)]
    return sorted(
        path
        for path in found
        if path.is_file()
        and not path.is_symlink()
        and not path.name.startswith(".")
        and path.suffix != ".part"
        and path.name not in _OWN_FILES | {JOURNAL, SESSION}
    )


def _add(
    archive: zipfile.ZipFile, name: PurePosixPath, pieces: Iterable[bytes], about_bytes: int
) -> dict[str, Any]:
    """Add one file and return its line of the manifest."""
    info = zipfile.ZipInfo(str(name), date_time=_DATE)
    info.create_system = 3
    info.external_attr = 0o100600 << 16
    info.compress_type = (
        zipfile.ZIP_STORED if name.suffix.lower() in _PACKED_ALREADY else zipfile.ZIP_DEFLATED
    )
    digest, size = hashlib.sha256(), 0
    with archive.open(info, "w", force_zip64=about_bytes > zipfile.ZIP64_LIMIT // 2) as entry:
        for piece in pieces:
            entry.write(piece)
            digest.update(piece)
            size += len(piece)
    return {"path": str(PurePosixPath(*name.parts[1:])), "bytes": size, "sha256": digest.hexdigest()}


def _journal_lines(journal: Path, limit: int) -> Iterator[bytes]:
    with _reading(journal) as file:
        read = 0
        for line in file:
            read += len(line)
            if read > limit:
                return
            yield line


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    """Open a bundle's file.

    Raises:
        MediaError: It cannot be read.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise _MovedError(path.name) from error
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        yield file


def _remove_content(remover: ContentRemover, told: bytes) -> bytes:
    try:
        document = json.loads(told)
    except ValueError:
        document = {}
    kept = remover.remove_document(document if isinstance(document, dict) else {})
    return json.dumps({**kept, "content_removed": True}, indent=2, ensure_ascii=False).encode() + b"\n"


@contextmanager
def _holding(bundle: SessionBundle) -> Iterator[None]:
    """Keep a bundle from being pruned meanwhile.

    Raises:
        MediaError: It is being pruned, or has gone.
    """
    try:
        directory = os.open(bundle.path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise MediaError(f"the bundle {bundle.path} cannot be read: {error.strerror}") from error
    try:
        fcntl.flock(directory, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(directory)
        raise MediaError(f"the session {bundle.session_id} is being pruned") from error
    except OSError:
        pass  # a file system without locks; two at once there are the user's own care
    try:
        yield
    finally:
        os.close(directory)


def _name_folder(bundle: SessionBundle) -> str:
    """Return what the archive's folder is called: the session's id, where a directory can have that name."""
    return bundle.session_id if is_directory_name(bundle.session_id) else bundle.path.name
