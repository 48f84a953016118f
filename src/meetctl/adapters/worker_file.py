"""What a running worker tells about itself, in a file of its own while it runs."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self

import psutil

from meetctl.core.local_stack import ProcessIdentity
from meetctl.core.places import state_directory
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

SCHEMA = "meetctl.worker/1"


class Registration(Protocol):
    """What LiveKit and the worker agreed on."""

    @property
    def worker_id(self) -> str:
        """LiveKit's name for the worker."""

    @property
    def agent_name(self) -> str:
        """The name that dispatches ask for."""

    @property
    def url(self) -> str:
        """The LiveKit server."""

    @property
    def max_meetings(self) -> int:
        """Meetings at a time."""

    @property
    def http_port(self) -> int:
        """Where it serves its health."""

    @property
    def prometheus_port(self) -> int | None:
        """Where it serves metrics."""


class WorkerFile:
    """The state file of this process's worker; it is removed when the worker ends.

    A worker that was killed leaves its file behind, for the next worker to remove.
    """

    def __init__(self) -> None:
        self._path = state_directory() / "workers" / f"{os.getpid()}.json"

    def __enter__(self) -> Self:
        _remove_abandoned(self._path.parent)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove the file, if there is one."""
        self._path.unlink(missing_ok=True)

    def write(self, worker: Registration) -> None:
        """Write that the worker is registered.

        Raises:
            OutputError: It cannot be written.
        """
        document = {
            "schema": SCHEMA,
            "pid": os.getpid(),
            "created": psutil.Process().create_time(),
            "worker_id": worker.worker_id,
            "agent_name": worker.agent_name,
            "url": worker.url,
            "max_meetings": worker.max_meetings,
            "http_port": worker.http_port,
            "prometheus_port": worker.prometheus_port,
        }
        draft = self._path.with_suffix(".part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
            draft.replace(self._path)
        except OSError as error:
            raise OutputError(
                f"the worker's state {self._path} cannot be written: {error.strerror}"
            ) from error


def _remove_abandoned(directory: Path) -> None:
    """Remove the files of workers that do not run any more."""
    for path in directory.glob("*.json"):
        try:
            document = json.loads(path.read_bytes())
            worker = ProcessIdentity(pid=int(document["pid"]), created=float(document["created"]))
        except (OSError, ValueError, KeyError, TypeError):
            # Not one of ours, or removed by another worker meanwhile.
            continue
        if not worker.is_running():
            # Whoever reads a file that stays sees that its process is gone.
            with suppress(OSError):
                path.unlink()
