"""Removing sessions from this machine, each whole, or all but what it cost."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meetctl.domain.content_removal import ContentRemover
from meetctl.domain.session_bundle import BUNDLES, DELIVERED, DELIVERY_LOCK, JOURNAL, SESSION
from meetctl.errors import MediaError, OutputError

if TYPE_CHECKING:
    from meetctl.domain.session_bundle import SessionBundle

_TRASH = ".pruned-"
"""What a directory's name begins with that is no session any more, and only has to go."""
_OLD = ".pruned"
"""The directory in a bundle that holds what is being removed of it."""
_STAYING = frozenset({JOURNAL, SESSION, DELIVERED, DELIVERY_LOCK, _OLD})
"""What stays in a bundle of which only the cost is kept."""


class BundlePruner:
    """The SessionPruner port on a directory of bundles.

    A bundle is gone with one renaming, and what it was is removed afterwards; so whatever ends the
    command, each session is whole, reduced or gone.
    """

    def __init__(self, sessions: Path, look_up: Callable[[Path], SessionBundle]) -> None:
        """Prune in `sessions`; `look_up` tells of a bundle as it is at that moment."""
        self._sessions = sessions
        self._look_up = look_up

    def clear_leftovers(self, tell: Callable[[str], None]) -> int:
        """Remove what an earlier prune that was ended had no time for; return how many sessions that were.

        Those that cannot be removed are not counted; `tell` is told why.
        """
        removed = [path for path in self._sessions.glob(f"{_TRASH}*") if _clear(path, tell, _remove_all)]
        reduced = [
            path.parent
            for path in self._sessions.glob(f"{BUNDLES}/{_OLD}")
            if _clear(path.parent, tell, self._finish_reducing)
        ]
        return len(removed) + len(reduced)

    def remove(self, bundle: SessionBundle, is_wanted: Callable[[SessionBundle], bool]) -> bool:
        """Remove a session; False where it is in use, has gone, or is no longer wanted so.

        Raises:
            OutputError: It cannot be removed.
        """
        with _locking(bundle.path) as is_mine, _translating(bundle.path):
            if not is_mine or not self._is_still(bundle, is_wanted):
                return False
            trash = self._trash_for(bundle.path)
            bundle.path.rename(trash)
            shutil.rmtree(trash)
        return True

    def reduce(
        self, bundle: SessionBundle, is_wanted: Callable[[SessionBundle], bool], *, now: datetime
    ) -> bool:
        """Remove a session's recording and what people said in it, and keep what it cost.

        False as `remove` says.

        Raises:
            OutputError: It cannot be written or removed.
        """
        with _locking(bundle.path) as is_mine, _translating(bundle.path):
            if not is_mine or not self._is_still(bundle, is_wanted):
                return False
            remover = ContentRemover()
            trash = bundle.path / _OLD
            with ExitStack() as drafts:
                journal = _draft_journal(bundle, remover, drafts)
                document = _draft_document(bundle, remover, now, drafts)
                trash.mkdir(mode=0o700, exist_ok=True)
                with _undisturbed():
                    if journal is not None:
                        journal.replace(bundle.path / JOURNAL)
                    document.replace(bundle.path / SESSION)
                    _set_aside(bundle.path)
            shutil.rmtree(trash)
        return True

    def _finish_reducing(self, bundle: Path) -> bool:
        """Remove the rest of a bundle of which only the cost was kept; False where it is still whole."""
        try:
            is_reduced = self._look_up(bundle).pruned_at is not None
        except MediaError:
            return False  # no bundle: whose it is nobody knows
        if is_reduced:
            _set_aside(bundle)
            _remove_all(bundle / _OLD)
        return is_reduced

    def _is_still(self, bundle: SessionBundle, is_wanted: Callable[[SessionBundle], bool]) -> bool:
        """Look again, now that nobody else can prune it: it may have begun to run, or gone."""
        return bundle.path.is_dir() and is_wanted(self._look_up(bundle.path))

    def _trash_for(self, path: Path) -> Path:
        return path.with_name(f"{_TRASH}{path.name}.{os.getpid()}")


def _clear(path: Path, tell: Callable[[str], None], remove: Callable[[Path], bool]) -> bool:
    """Remove what is left, unless somebody else is at it; say whether it is gone."""
    with _locking(path) as is_mine:
        try:
            return is_mine and remove(path)
        except OSError as error:
            tell(f"what an interrupted prune left in {path} cannot be removed: {error.strerror or error}")
            return False


def _remove_all(path: Path) -> bool:
    """Remove as much of a directory as can be, and raise an OSError where something stays."""
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        shutil.rmtree(path)
    return True


def _set_aside(bundle: Path) -> None:
    """Move what goes to where it is removed."""
    for path in sorted(bundle.iterdir()):
        if path.name not in _STAYING:
            path.rename(bundle / _OLD / path.name)


def _draft_journal(bundle: SessionBundle, remover: ContentRemover, drafts: ExitStack) -> Path | None:
    journal = bundle.path / JOURNAL
    if not journal.is_file():
        return None
    with journal.open("rb") as source:
        return _draft(journal, remover.remove_lines(source), drafts)


def _draft_document(bundle: SessionBundle, remover: ContentRemover, now: datetime, drafts: ExitStack) -> Path:
    known: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        told = json.loads((bundle.path / SESSION).read_bytes())
        known = told if isinstance(told, dict) else {}
    pruned = {"at": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}", "kept": "cost", "media_bytes": bundle.media_bytes}
    # What an interrupted prune has said already holds.
    document = {"pruned": pruned, **remover.remove_document(known), "content_removed": True}
    text = json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"
    return _draft(bundle.path / SESSION, [text], drafts)


def _draft(target: Path, pieces: Iterable[bytes], drafts: ExitStack) -> Path:
    """Write what will take a file's place; `drafts` removes it where it does not come to that."""
    draft = target.with_name(f".{target.name}.part")
    drafts.callback(draft.unlink, missing_ok=True)
    with draft.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
    return draft


@contextmanager
def _locking(path: Path) -> Iterator[bool]:
    """Keep others from a bundle; False where somebody prunes, exports or delivers it, or it is gone."""
    with ExitStack() as held:
        directory = _lock(path, held)
        lock = path / DELIVERY_LOCK
        if directory is None or (lock.exists() and _lock(lock, held) is None):
            yield False
        else:
            # Whoever renamed it before the lock was ours has pruned it.
            yield _is_same(path, directory)


def _lock(path: Path, held: ExitStack) -> int | None:
    """Lock a file or directory until `held` ends, and return its descriptor; None where somebody else has."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    held.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    except OSError:
        pass  # a file system without locks; two at once there are the user's own care
    return descriptor


def _is_same(path: Path, directory: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(directory))
    except OSError:
        return False


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let Ctrl-C and a request to end wait for the few renamings that belong together."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _translating(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"the session in {path} cannot be pruned: {error.strerror or error}") from error
