"""Reading an archive: nothing of it is trusted before it was held against the manifest."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from meetctl.adapters.session_archive.layout import (
    BUNDLE,
    MANIFEST,
    SCHEMA,
    is_directory_name,
    read_pieces,
    writing_to,
)
from meetctl.domain.session_bundle import JOURNAL, SESSION
from meetctl.errors import MediaError, OutputError

_MANIFEST_LIMIT = 1 << 24


def read_manifest(path: Path) -> dict[str, Any]:
    """Return what an archive says of itself.

    Raises:
        MediaError: It is none.
    """
    with _opening(path) as archive:
        return _read_manifest(path, archive)[1]


def unpack_archive(path: Path, target: Path, *, media: bool = True) -> Path:
    """Unpack an archive's bundle into a directory that is there, every file checked, and return the bundle.

    Without `media` only the journal and session.json are unpacked.

    Raises:
        MediaError: It is no archive, or a file is not what its manifest says.
        OutputError: It cannot be written.
    """
    with _opening(path) as archive:
        root, manifest = _read_manifest(path, archive)
        bundle = target / str(manifest["session_id"])
        for name, entry in _files_of(path, archive, root, manifest):
            parts = PurePosixPath(name).parts
            if parts[0] == BUNDLE and (media or parts[1:] in ((JOURNAL,), (SESSION,))):
                with writing_to(target):
                    _unpack(path, archive, str(root / name), entry, bundle.joinpath(*parts[1:]))
    return bundle


def import_archive(path: Path, sessions: Path) -> Path:
    """Put an archive's bundle among the sessions, complete or not at all, and return it.

    Raises:
        MediaError: It is no archive, or a file is not what its manifest says.
        OutputError: It cannot be written, or such a session is there already.
    """
    session_id = str(read_manifest(path)["session_id"])
    target = sessions / session_id
    if target.exists():
        raise OutputError(f"the session {session_id} is there already: {target}")
    draft = sessions / f".import-{session_id}.{os.getpid()}"
    try:
        with writing_to(target):
            draft.mkdir(parents=True, mode=0o700)
        bundle = unpack_archive(path, draft)
        with writing_to(target):
            bundle.replace(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


@contextmanager
def _opening(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        # A RuntimeError tells of entries that are encrypted, or packed in a way that zipfile does not know.
        raise MediaError(f"{path} is no archive of a session, or is damaged: {error}") from error
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror or error}") from error


def _read_manifest(path: Path, archive: zipfile.ZipFile) -> tuple[PurePosixPath, dict[str, Any]]:
    """Return the archive's only folder and what the manifest in it says."""
    manifests = [name for name in archive.namelist() if PurePosixPath(name).parts[1:] == (MANIFEST,)]
    if len(manifests) != 1 or archive.getinfo(manifests[0]).file_size > _MANIFEST_LIMIT:
        raise MediaError(f"{path} is no archive of a session: it has no {MANIFEST}")
    try:
        manifest = json.loads(archive.read(manifests[0]))
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise MediaError(f"{path} is no archive of a session that this version of meetctl knows ({SCHEMA})")
    session_id = manifest.get("session_id")
    if not isinstance(session_id, str) or not is_directory_name(session_id):
        raise MediaError(f"{path} does not say whose session it is in a way that can be a directory's name")
    return PurePosixPath(manifests[0]).parent, manifest


def _files_of(
    path: Path, archive: zipfile.ZipFile, root: PurePosixPath, manifest: Mapping[str, Any]
) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the manifest's files; what leads out of the archive, or is not in both, is refused."""
    files = manifest.get("files")
    entries = {
        str(entry.get("path")): entry
        for entry in (files if isinstance(files, list) else [])
        if isinstance(entry, dict)
    }
    names = {str(root / name) for name in entries} | {str(root / MANIFEST)}
    if names != set(archive.namelist()) or len(names) != len(archive.namelist()):
        raise MediaError(f"{path} has other files than its manifest says")
    for name in entries:
        parts = PurePosixPath(name).parts
        is_safe = parts and not PurePosixPath(name).is_absolute() and not {"..", "."} & set(parts)
        if not is_safe or "\\" in name or (parts[0] == BUNDLE and len(parts) < 2):
            raise MediaError(f"{path} has a file with a name that leads elsewhere: {name!r}")
    return sorted(entries.items())


def _unpack(path: Path, archive: zipfile.ZipFile, name: str, entry: Mapping[str, Any], target: Path) -> None:
    """Unpack one file, never more of it than the manifest says, and check it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), entry.get("bytes")
    left = size if isinstance(size, int) else 0
    with archive.open(name) as source, target.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        for piece in read_pieces(source, left):
            digest.update(piece)
            file.write(piece)
            left -= len(piece)
        is_longer = bool(source.read(1))
    if left or is_longer or digest.hexdigest() != entry.get("sha256"):
        raise MediaError(f"{path} is damaged: {name} is not what its manifest says")
