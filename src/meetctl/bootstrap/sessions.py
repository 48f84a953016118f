"""What commands for sessions are given: carrying bundles elsewhere, and letting them go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meetctl.bootstrap import session_catalogue

if TYPE_CHECKING:
    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.ports import SessionPruner


def session_pruner(sessions: Path) -> SessionPruner:
    """Return what removes sessions from a directory."""
    from meetctl.adapters.session_pruning import BundlePruner

    return BundlePruner(sessions, session_catalogue(sessions).look_up)


def write_session_archive(
    bundle: SessionBundle,
    target: Path,
    pages: Mapping[str, bytes],
    facts: Mapping[str, Any],
    *,
    media: bool,
    content: bool,
) -> None:
    """Write a session's archive, complete or not at all.

    Raises:
        OutputError: It cannot be written.
        MediaError: The bundle cannot be read, or is being pruned.
    """
    from meetctl.adapters import session_archive

    session_archive.write_archive(bundle, target, pages, facts, media=media, content=content)


def unpack_session_archive(path: Path, target: Path) -> Path:
    """Unpack an archive's journal and session.json, checked, and return the bundle that they make.

    Raises:
        MediaError: It is no archive, or is damaged.
        OutputError: It cannot be written.
    """
    from meetctl.adapters import session_archive

    return session_archive.unpack_archive(path, target, media=False)


def import_session_archive(path: Path, sessions: Path) -> Path:
    """Put an archive's bundle among the sessions, checked, and return it.

    Raises:
        MediaError: It is no archive, or is damaged.
        OutputError: It cannot be written, or such a session is there already.
    """
    from meetctl.adapters import session_archive

    return session_archive.import_archive(path, sessions)
