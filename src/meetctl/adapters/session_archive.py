"""A session as one file that can be carried elsewhere: a ZIP with its bundle, a page to read, and a manifest.

Of the same bundle it is the same file, byte by byte: entries are in order and have no dates.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from meetctl.domain.content_removal import ContentRemover
from meetctl.domain.session_bundle import DELIVERED, DELIVERY_LOCK, JOURNAL, SEGMENTS, SESSION
from meetctl.errors import MediaError, OutputError

if TYPE_CHECKING:
    from meetctl.domain.session_bundle import SessionBundle

SCHEMA = "meetctl.session-archive/1"
MANIFEST = "manifest.json"
BUNDLE = "bundle"
"""The folder in the archive that is the bundle, which replay takes as it is."""

_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest that a ZIP knows: entries have no date of their own."""
_PIECE = 1 << 20
_PACKED_ALREADY = frozenset({".mkv", ".mp4", ".webm", ".jpg", ".png", ".zip"})
_OWN_FILES = frozenset({DELIVERED, DELIVERY_LOCK})
"""What belongs to this machine: how far a backend was told from here."""
_MANIFEST_LIMIT = 1 << 24


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
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with _holding(bundle), _translating(target), draft.open("xb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                root = PurePosixPath(_name_folder(bundle))
                entries = [
                    _add(archive, root / name, [pages[name]], len(pages[name])) for name in sorted(pages)
                ]
                entries += _add_bundle(archive, root, bundle, media=media and content, content=content)
                manifest = {"schema": SCHEMA, "session_id": str(root), **facts, "files": entries}
                text = json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n"
                _add(archive, root / MANIFEST, [text], len(text))
            file.flush()
            os.fsync(file.fileno())
        with _translating(target):
            draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


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
                with _translating(target):
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
        with _translating(target):
            draft.mkdir(parents=True, mode=0o700)
        bundle = unpack_archive(path, draft)
        with _translating(target):
            bundle.replace(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


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
        told = document.read_bytes()
        if remover is not None:
            told = _remove_content(remover, told)
        yield _add(archive, folder / SESSION, [told], len(told))
    if not media:
        return
    for path in _other_files(bundle.path):
        name = folder / PurePosixPath(*path.relative_to(bundle.path).parts)
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                yield _add(archive, name, _pieces(file, size), size)
        except FileNotFoundError:
            # Segments of a session that ends just now are joined, and go.
            continue


def _other_files(bundle: Path) -> list[Path]:
    """Return what a bundle has beside the journal and session.json, in order; no links, no drafts."""
    found = [path for pattern in ("*", f"{SEGMENTS}/*") for path in bundle.glob(pattern)]
    return sorted(
        path
        for path in found
        if path.is_file()
        and not path.is_symlink()
        and not path.name.startswith(".")
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
    with journal.open("rb") as file:
        read = 0
        for line in file:
            read += len(line)
            if read > limit:
                return
            yield line


def _pieces(file: IO[bytes], size: int) -> Iterator[bytes]:
    while size > 0 and (piece := file.read(min(size, _PIECE))):
        yield piece
        size -= len(piece)


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


@contextmanager
def _translating(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}") from error


@contextmanager
def _opening(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except zipfile.BadZipFile as error:
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
    if not isinstance(session_id, str) or not _is_directory_name(session_id):
        raise MediaError(f"{path} does not say whose session it is in a way that can be a directory's name")
    return PurePosixPath(manifests[0]).parent, manifest


def _name_folder(bundle: SessionBundle) -> str:
    """Return what the archive's folder is called: the session's id, where a directory can have that name."""
    return bundle.session_id if _is_directory_name(bundle.session_id) else bundle.path.name


def _is_directory_name(name: str) -> bool:
    """Tell whether a name can be a session's directory, and nothing that leads elsewhere or hides."""
    return (
        0 < len(name.encode()) <= 200
        and name.isprintable()
        and name[0] != "."
        and not set("/\\:") & set(name)
    )


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
    digest, left = hashlib.sha256(), int(entry.get("bytes") or 0)
    with archive.open(name) as source, target.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        for piece in _pieces(source, left):
            digest.update(piece)
            file.write(piece)
            left -= len(piece)
        is_longer = bool(source.read(1))
    if left or is_longer or digest.hexdigest() != entry.get("sha256"):
        raise MediaError(f"{path} is damaged: {name} is not what its manifest says")
