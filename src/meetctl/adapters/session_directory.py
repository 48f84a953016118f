"""One session's bundle as a directory: who and when, beside its journal and recording."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from meetctl.domain.session_bundle import JOURNAL as JOURNAL
from meetctl.domain.session_bundle import SESSION as SESSION
from meetctl.errors import OutputError

_ELSEWHERE = "--sessions DIRECTORY chooses another place"


def check_sessions_directory(sessions: Path) -> None:
    """Check that sessions can be kept there, and make the place if it is missing.

    Raises:
        OutputError: They cannot.
    """
    try:
        sessions.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"sessions cannot be kept in {sessions}: {error.strerror}", hint=_ELSEWHERE
        ) from error
    if not os.access(sessions, os.W_OK | os.X_OK):
        raise OutputError(f"sessions cannot be kept in {sessions}: it may not be written to", hint=_ELSEWHERE)


def make_session_directory(sessions: Path, session_id: str) -> Path:
    """Make a session's own directory, for its user only: it holds what people said and showed.

    Raises:
        OutputError: It cannot be made, or is there already.
    """
    path = sessions / session_id
    try:
        sessions.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700)
    except OSError as error:
        raise OutputError(
            f"the session's directory {path} cannot be made: {error.strerror}",
            hint=_ELSEWHERE,
        ) from error
    return path


def write_session(directory: Path, document: Mapping[str, Any]) -> None:
    """Write session.json, complete or not at all.

    Raises:
        OutputError: It cannot be written.
    """
    target = directory / SESSION
    draft = directory / f".{SESSION}.part"
    try:
        with draft.open("w", encoding="utf-8") as file:
            json.dump(document, file, indent=2, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OutputError(f"{target} cannot be written: {error.strerror}") from error
