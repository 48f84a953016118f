"""What the local stack wrote about itself: its parts, their addresses, and the key to its LiveKit server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast, get_args

import psutil

from meetctl.core.places import state_directory

SCHEMA = "meetctl.stack/1"
STATE_FILE = "stack.json"

StackPhase = Literal["starting", "running"]
PartPhase = Literal["starting", "running", "failed", "stopped"]

_CLOCK_STEP_S = 2.0
"""By how much a process's creation time may seem to move when the machine's clock is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """A process that cannot be mistaken for another one that was given the same id later."""

    pid: int
    created: float
    """Seconds since the epoch."""

    def is_running(self) -> bool:
        """Tell whether this very process runs; one that has ended and waits for its parent does not."""
        return self.find() is not None

    def find(self) -> psutil.Process | None:
        """Return the process if it runs; None where it has ended or another one has its id."""
        try:
            process = psutil.Process(self.pid)
            created: float = process.create_time()
            if abs(created - self.created) > _CLOCK_STEP_S or process.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.Error:
            return None
        return process


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveKitAccess:
    """Where a LiveKit server listens, and the key that it knows."""

    url: str
    """Its WebSocket address."""
    api_key: str
    api_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPart:
    """One process of the stack."""

    name: str
    state: PartPhase
    identity: ProcessIdentity
    log: Path
    url: str | None = None
    """Where it listens; None until it is ready."""
    detail: str | None = None
    """What went wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """The whole stack as its supervisor last wrote it."""

    id: str
    """Marks the processes of this stack, and no others."""
    state: StackPhase
    """`running` once every part has been ready."""
    started_at: datetime
    supervisor: ProcessIdentity
    livekit: LiveKitAccess | None = None
    """None until the server is ready."""
    offline_url: str | None = None
    """Where the offline providers listen; None until they are ready."""
    parts: tuple[StackPart, ...] = ()

    @property
    def failed_parts(self) -> tuple[StackPart, ...]:
        """The parts that ended by themselves."""
        return tuple(part for part in self.parts if part.state == "failed")


def stack_directory() -> Path:
    """Return where the stack of this user keeps its state and its logs."""
    return state_directory() / "stack"


def read_stack(directory: Path) -> StackState | None:
    """Return the stack that runs; None where none does, whatever an earlier one left behind."""
    state = load_state(directory)
    return state if state and state.supervisor.is_running() else None


def load_state(directory: Path) -> StackState | None:
    """Return the state last written, even if its supervisor has ended; None where there is none to read."""
    try:
        document: object = json.loads((directory / STATE_FILE).read_bytes())
    except (OSError, ValueError):
        # A state that cannot be read says as much as one that was never written.
        return None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        return None
    try:
        return _read_document(document)
    except (KeyError, TypeError, ValueError):
        return None


def make_document(state: StackState) -> dict[str, object]:
    """Return the state as the JSON object that `load_state` reads, secret included."""
    livekit = state.livekit
    return {
        "schema": SCHEMA,
        "id": state.id,
        "state": state.state,
        "started_at": state.started_at.isoformat(),
        "supervisor": _identity_document(state.supervisor),
        "livekit": livekit
        and {"url": livekit.url, "api_key": livekit.api_key, "api_secret": livekit.api_secret},
        "offline": state.offline_url and {"url": state.offline_url},
        "parts": [part_document(part) for part in state.parts],
    }


def part_document(part: StackPart) -> dict[str, object]:
    """Return one part as the state file and `meetctl status --json` have it."""
    return {
        "name": part.name,
        **_identity_document(part.identity),
        "url": part.url,
        "log": str(part.log),
        "state": part.state,
        "detail": part.detail,
    }


def _identity_document(identity: ProcessIdentity) -> dict[str, object]:
    return {"pid": identity.pid, "created": identity.created}


def _read_document(document: Mapping[str, Any]) -> StackState:
    livekit, offline = document["livekit"], document["offline"]
    return StackState(
        id=str(document["id"]),
        state="running" if document["state"] == "running" else "starting",
        started_at=datetime.fromisoformat(document["started_at"]),
        supervisor=_read_identity(document["supervisor"]),
        livekit=livekit
        and LiveKitAccess(url=livekit["url"], api_key=livekit["api_key"], api_secret=livekit["api_secret"]),
        offline_url=offline and offline["url"],
        parts=tuple(_read_part(part) for part in document["parts"]),
    )


def _read_part(document: Mapping[str, Any]) -> StackPart:
    if document["state"] not in get_args(PartPhase):
        raise ValueError(document["state"])
    return StackPart(
        name=document["name"],
        state=cast("PartPhase", document["state"]),
        identity=_read_identity(document),
        log=Path(document["log"]),
        url=document["url"],
        detail=document["detail"],
    )


def _read_identity(document: Mapping[str, Any]) -> ProcessIdentity:
    return ProcessIdentity(pid=int(document["pid"]), created=float(document["created"]))
