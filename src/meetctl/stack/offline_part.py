"""The offline providers as a part of the stack: a process of meetctl itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from meetctl.errors import OutputError
from meetctl.stack.supervisor import Part, Supervisor

NAME = "offline-providers"
READY_FILE = "offline.json"

_SECRET_ENDINGS = ("_API_KEY", "_API_SECRET", "_TOKEN", "_PASSWORD")
_START_LIMIT_S = 120.0
"""Loading the speech models takes some seconds, and many on a busy machine."""


async def start_offline_providers(
    supervisor: Supervisor, directory: Path, environment: Mapping[str, str]
) -> str:
    """Start them with their log in `directory`, and return the address that they listen on.

    Raises:
        ServiceError: They did not start.
        OutputError: The directory cannot be written.
    """
    ready_file = directory / READY_FILE
    try:
        ready_file.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{ready_file} cannot be removed: {error.strerror or error}") from error

    async def probe(_pid: int) -> str | None:
        return read_ready_file(ready_file)

    status = await supervisor.start(
        Part(
            name=NAME,
            command=(
                # Without -P a meetctl.py in the working directory would be run instead.
                *(sys.executable, "-P", "-m", "meetctl"),
                *("offline-providers", "--ready-file", str(ready_file)),
            ),
            environment=without_secrets(environment),
            log=directory / f"{NAME}.log",
            ready=probe,
            start_limit_s=_START_LIMIT_S,
        )
    )
    return status.url or ""


def read_ready_file(path: Path) -> str | None:
    """Return the address in a ready file; None while there is none, or only a part of it."""
    try:
        url: object = json.loads(path.read_bytes())["url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return url if isinstance(url, str) else None


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a process that has no use for the user's keys."""
    return {name: value for name, value in environment.items() if not name.endswith(_SECRET_ENDINGS)}
