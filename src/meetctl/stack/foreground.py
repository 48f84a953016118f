"""The whole stack in one process: what `meetctl up --foreground` runs."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl.core.local_stack import StackState, load_state, read_stack
from meetctl.errors import ServiceError
from meetctl.stack.background import end_leftovers
from meetctl.stack.livekit_server import CONFIG_FILE, start_livekit_server
from meetctl.stack.offline_part import READY_FILE, start_offline_providers
from meetctl.stack.process import identify_self
from meetctl.stack.state_file import lock_stack, remove_state, write_state
from meetctl.stack.supervisor import Supervisor

if TYPE_CHECKING:
    from meetctl.core.local_stack import StackPart, StackPhase
    from meetctl.ports import Clock

_LOCK_ATTEMPTS = 300
_LOCK_RETRY_S = 0.1

StackListener = Callable[[StackState], None]


def run_stack(
    *,
    binary: Path,
    directory: Path,
    environment: Mapping[str, str],
    clock: Clock,
    changed: StackListener,
    crashed: Callable[[StackPart], None],
    with_offline_providers: bool = True,
) -> bool:
    """Run the stack until SIGTERM, SIGHUP or Ctrl-C, which end all its parts; False if it runs already.

    `changed` is given the stack whenever it changed, `crashed` each part that ended by itself; the other
    parts keep running then.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        ServiceError: A part did not start; nothing runs then.
        OutputError: The stack's directory cannot be written.
    """
    with _wait_for_lock(directory) as ours:
        if not ours:
            return False
        stale = load_state(directory)
        if stale:
            end_leftovers(stale)
            remove_state(directory)
        stack = _Stack(directory, clock, changed)
        try:
            asyncio.run(stack.run(binary, environment, crashed, with_offline_providers))
        finally:
            remove_state(directory)
            for name in (CONFIG_FILE, READY_FILE):
                (directory / name).unlink(missing_ok=True)
    return True


@contextmanager
def _wait_for_lock(directory: Path) -> Iterator[bool]:
    """Hold the stack, also if somebody is just leaving it; gives False where one runs."""
    for _ in range(_LOCK_ATTEMPTS):
        with lock_stack(directory) as ours:
            if ours or read_stack(directory):
                yield ours
                return
        time.sleep(_LOCK_RETRY_S)
    raise ServiceError(
        f"another meetctl holds {directory} and runs no stack", hint="wait for it, or end it, and try again"
    )


class _Stack:
    """The state, kept on disk while its supervisor runs."""

    def __init__(self, directory: Path, clock: Clock, changed: StackListener) -> None:
        self._directory = directory
        self._changed = changed
        self._supervisor = Supervisor(changed=self._save)
        self._state = StackState(
            id=self._supervisor.id,
            state="starting",
            started_at=clock.now(),
            supervisor=identify_self(),
        )

    async def run(
        self,
        binary: Path,
        environment: Mapping[str, str],
        crashed: Callable[[StackPart], None],
        with_offline_providers: bool,
    ) -> None:
        self._save()
        with _ending_on_signals():
            async with self._supervisor:
                await self._start(binary, environment, with_offline_providers)
                while True:
                    crash = await self._supervisor.next_crash()
                    self._save()
                    crashed(crash)

    async def _start(self, binary: Path, environment: Mapping[str, str], with_offline: bool) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._start_livekit(binary, environment))
                if with_offline:
                    group.create_task(self._start_offline(environment))
        except ExceptionGroup as errors:
            # The first one made the group give up; the user needs that one, and not a group.
            raise errors.exceptions[0] from None
        self._save("running")

    async def _start_livekit(self, binary: Path, environment: Mapping[str, str]) -> None:
        access = await start_livekit_server(self._supervisor, binary, self._directory, environment)
        self._state = replace(self._state, livekit=access)
        self._save()

    async def _start_offline(self, environment: Mapping[str, str]) -> None:
        url = await start_offline_providers(self._supervisor, self._directory, environment)
        self._state = replace(self._state, offline_url=url)
        self._save()

    def _save(self, phase: StackPhase | None = None) -> None:
        self._state = replace(self._state, parts=self._supervisor.parts, state=phase or self._state.state)
        write_state(self._state, self._directory)
        self._changed(self._state)


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """End the running task as if it were done, on the signals that ask a program to go."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    asked = False

    def end() -> None:
        nonlocal asked
        if not asked and task:
            asked = True
            task.cancel()

    names = (signal.SIGTERM, signal.SIGHUP)
    for name in names:
        loop.add_signal_handler(name, end)
    try:
        yield
    except asyncio.CancelledError:
        if not asked:
            raise
    finally:
        for name in names:
            loop.remove_signal_handler(name)
