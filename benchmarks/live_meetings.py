"""What benchmarks of live meetings share: a stack, agents' workers, and the journals that they write."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from meetctl.core.places import cache_directory
from meetctl.domain.events import parse_journal
from meetctl.errors import ServiceError, UsageError
from meetctl.stack.livekit_build import find_livekit_server
from meetctl.stack.livekit_server import start_livekit_server
from meetctl.stack.offline_part import start_offline_providers
from meetctl.stack.supervisor import Supervisor
from meetctl.stack.worker_part import worker_part

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.domain.events import Event

ValueT = TypeVar("ValueT")

_LOOK_EVERY_S = 0.2
_USER_SETTINGS = ("MEETCTL_", "LIVEKIT_")
"""Variables that begin so would change what is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStack:
    """A LiveKit server and offline providers that run."""

    livekit: LiveKitAccess
    offline_url: str
    directory: Path
    """For logs, state and sessions."""
    supervisor: Supervisor

    @property
    def sessions(self) -> Path:
        """Where the workers write their bundles."""
        return self.directory / "sessions"

    @property
    def environment(self) -> dict[str, str]:
        """What a part may know of the user's environment."""
        return user_environment()

    async def start_worker(self, agent_name: str, *options: str) -> int:
        """Start another worker, return its process id once it is registered."""
        part = worker_part(
            self.livekit,
            self.offline_url,
            ("--agent-name", agent_name, "--sessions", str(self.sessions), *options),
            directory=self.directory,
            environment=self.environment,
        )
        part = replace(part, name=agent_name, log=self.directory / f"{agent_name}.log")
        return (await self.supervisor.start(part)).identity.pid

    def journals(self) -> list[Path]:
        """Return the journals of all sessions so far."""
        return sorted(self.sessions.glob("*/events.jsonl"))


def user_environment() -> dict[str, str]:
    """Return the environment without what would change the measured programs."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_USER_SETTINGS)}


async def run_with_stack(work: Callable[[LiveStack], Awaitable[ValueT]]) -> ValueT:
    """Start a stack, do the work, and end every process; logs are kept only where something has failed.

    Raises:
        ServiceError: A part did not start, or crashed.
        UsageError: There is no LiveKit server.
    """
    directory = Path(tempfile.mkdtemp(prefix="meetctl-benchmark-"))
    async with Supervisor() as supervisor:
        result = await supervisor.hold(_start_and_work(supervisor, directory, work))
    shutil.rmtree(directory, ignore_errors=True)
    return result


async def _start_and_work(
    supervisor: Supervisor, directory: Path, work: Callable[[LiveStack], Awaitable[ValueT]]
) -> ValueT:
    binary = find_livekit_server(None, os.environ, cache_directory())
    if binary is None:
        raise UsageError("there is no LiveKit server", hint="`make livekit` builds one, once")
    environment = user_environment()
    livekit = await start_livekit_server(supervisor, binary.path, directory, environment)
    offline_url = await start_offline_providers(supervisor, directory, environment)
    return await work(
        LiveStack(livekit=livekit, offline_url=offline_url, directory=directory, supervisor=supervisor)
    )


async def wait_for(what: str, find: Callable[[], ValueT | None], limit_s: float) -> ValueT:
    """Look again and again until there is something, and return it.

    Raises:
        ServiceError: There was nothing within `limit_s`.
    """
    give_up_s = time.monotonic() + limit_s
    while (found := find()) is None:
        if time.monotonic() >= give_up_s:
            raise ServiceError(f"{what}: nothing within {limit_s:g} s")
        await asyncio.sleep(_LOOK_EVERY_S)
    return found


def read_events(journal: Path) -> list[Event]:
    """Return a journal's events so far."""
    return [event for event in parse_journal(journal.read_bytes()) if event is not None]


def find_end(events: Sequence[Event]) -> Event | None:
    """Return the event that ended the session, if it has ended."""
    return next((event for event in events if event.type == "session.ended"), None)


def find_ended(journal: Path) -> list[Event] | None:
    """Return the events of a session that has ended, None of one that still runs."""
    events = read_events(journal)
    return events if find_end(events) else None
