"""Which session a person means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from meetctl import bootstrap
from meetctl.bootstrap.sessions import unpack_session_archive
from meetctl.cli.diagnostics import note
from meetctl.core.places import sessions_directory
from meetctl.services.sessions import find_session, read_session

if TYPE_CHECKING:
    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.domain.session_reading import SessionReading


def place_of_sessions(chosen: Path | None) -> Path:
    """Return where sessions' bundles are."""
    return (chosen or sessions_directory()).absolute()


def find_bundle(wanted: str, sessions: Path | None) -> SessionBundle:
    """Return the session that a person means: by its id, a beginning of it, "last", or the bundle's path.

    Raises:
        UsageError: None is meant, or several are.
        MediaError: It is a path that is no bundle.
    """
    catalogue = bootstrap.session_catalogue(place_of_sessions(sessions))
    path = Path(wanted)
    # An empty name, as of an unset variable, is no path, although it is this directory's to pathlib.
    if wanted and (len(path.parts) > 1 or wanted in (".", "..") or path.is_dir()):
        return catalogue.look_up(path)
    return find_session(wanted, catalogue.list_sessions())


@contextmanager
def opening_bundle(wanted: str, sessions: Path | None) -> Iterator[SessionBundle]:
    """Give the session that a person means, which may be an archive's: that is unpacked meanwhile.

    Raises:
        UsageError: None is meant, or several are.
        MediaError: It cannot be read.
    """
    path = Path(wanted)
    with TemporaryDirectory(prefix="meetctl-") as directory:
        yield _open_archive(path, Path(directory)) if path.is_file() else find_bundle(wanted, sessions)


@contextmanager
def reading_session(wanted: str, sessions: Path | None) -> Iterator[SessionReading]:
    """Read the session that a person means, which may be an archive's.

    Raises:
        UsageError: None is meant, or several are.
        MediaError: It cannot be read.
    """
    with opening_bundle(wanted, sessions) as bundle:
        yield read_session(bundle, bootstrap.session_catalogue(bundle.path.parent))


def _open_archive(path: Path, directory: Path) -> SessionBundle:
    unpacked = unpack_session_archive(path, directory)
    note(f"{path} is an archive; `meetctl sessions import` puts it among the sessions, for replay")
    return bootstrap.session_catalogue(directory).look_up(unpacked)
