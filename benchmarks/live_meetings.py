"""What benchmarks of live meetings share: a stack, agents' workers, and the journals that they write."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import psutil
from livekit import api

from meetctl.core.places import cache_directory
from meetctl.domain.events import parse_journal
from meetctl.errors import ServiceError, UsageError
from meetctl.stack.livekit_build import find_livekit_server
from meetctl.stack.livekit_server import NAME as SERVER
from meetctl.stack.livekit_server import start_livekit_server
from meetctl.stack.offline_part import NAME as OFFLINE
from meetctl.stack.offline_part import start_offline_providers
from meetctl.stack.supervisor import Supervisor
from meetctl.stack.worker_part import worker_part
from running_processes import family

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.domain.events import Event
    from running_processes import Window

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

    async def start_worker(
        self,
        agent_name: str,
        *options: str,
        name: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> int:
        """Start another worker, return its process id once it is registered.

        `name` tells it from others that serve the same agent name; `environment` is added to its own.
        """
        part = worker_part(
            self.livekit,
            self.offline_url,
            ("--agent-name", agent_name, "--sessions", str(self.sessions), *options),
            directory=self.directory,
            environment=self.environment,
        )
        part = replace(
            part,
            name=name or agent_name,
            log=self.directory / f"{name or agent_name}.log",
            environment={**part.environment, **(environment or {})},
        )
        return (await self.supervisor.start(part)).identity.pid

    def journals(self) -> list[Path]:
        """Return the journals of all sessions so far."""
        return sorted(self.sessions.glob("*/events.jsonl"))

    def journal_of(self, room: str) -> Path | None:
        """Return the journal of the newest session in a room, if there was one."""
        return max(self.sessions.glob(f"*Z-{room}-??????/events.jsonl"), default=None)

    @property
    def livekit_environment(self) -> dict[str, str]:
        """The environment of a program that finds the server by LiveKit's own variables."""
        return self.environment | {
            "LIVEKIT_URL": self.livekit.url,
            "LIVEKIT_API_KEY": self.livekit.api_key,
            "LIVEKIT_API_SECRET": self.livekit.api_secret,
        }


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


def open_api(stack: LiveStack) -> api.LiveKitAPI:
    """Return the server's API, to be closed."""
    return api.LiveKitAPI(stack.livekit.url, stack.livekit.api_key, stack.livekit.api_secret)


async def list_people(stack: LiveStack, room: str) -> list[api.ParticipantInfo]:
    """Return who is in a room; nobody where there is no such room yet."""
    async with open_api(stack) as livekit:
        try:
            found = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
        except api.TwirpError as error:
            if error.code != api.TwirpErrorCode.NOT_FOUND:
                raise ServiceError(f"the LiveKit server did not list {room}: {error.code}") from error
            return []
        return list(found.participants)


async def delete_room(stack: LiveStack, room: str) -> None:
    """End the meetings in a room, if it is there."""
    async with open_api(stack) as livekit:
        try:
            await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
        except api.TwirpError as error:
            if error.code != api.TwirpErrorCode.NOT_FOUND:
                raise ServiceError(f"the LiveKit server did not end {room}: {error.code}") from error


def find_jobs(worker: int, journals: Sequence[Path]) -> list[psutil.Process]:
    """Return each journal's process: the one that has it open.

    Raises:
        ServiceError: No process has one of them open.
    """
    owners: dict[Path, psutil.Process] = {}
    for process in psutil.Process(worker).children(recursive=True):
        with suppress(psutil.Error):  # one that ends just now holds no meeting
            owners |= {Path(file.path): process for file in process.open_files()}
    for journal in journals:
        if journal not in owners:
            raise ServiceError(f"the process of {journal.parent.name} has ended")
    return [owners[journal] for journal in journals]


def find_others(
    stack: LiveStack, worker: int, jobs: Sequence[psutil.Process]
) -> dict[str, list[psutil.Process]]:
    """Return the processes of the worker that hold no meeting, and those of server and providers."""
    roots = {part.name: part.identity.pid for part in stack.supervisor.parts} | {"worker": worker}
    groups = {name: family(roots[name]) for name in ("worker", SERVER, OFFLINE)}
    groups["worker"] = [process for process in groups["worker"] if process not in jobs]
    return groups


def frame_times(events: Sequence[Event], window: Window) -> list[int]:
    """Return the times of the frames whose batches were journaled in the window, in microseconds."""
    return [
        t_us
        for event in events
        if event.type == "video.frames" and window.begin <= event.ts <= window.end
        for t_us in event.fields["t_us"]
    ]
