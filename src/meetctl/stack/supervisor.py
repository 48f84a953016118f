"""One owner for the processes of a stack: starts them, waits until they serve, names the one that crashed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from meetctl.core.local_stack import StackPart
from meetctl.errors import ServiceError
from meetctl.stack.process import (
    MARK,
    describe_exit,
    find_marked,
    identify,
    kill_processes,
    last_message,
    mark_of,
    open_log,
    tether_command,
)

if TYPE_CHECKING:
    from types import TracebackType

ResultT = TypeVar("ResultT")

Probe = Callable[[int], Awaitable[str | None]]
"""Asked again and again, with the part's process id: its address once it serves, None until then."""

_PROBE_EVERY_S = 0.1
_SIGNAL_GAP_S = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A process that belongs to a stack."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    """All of it: nothing is taken from this process."""
    log: Path
    """Where what it prints goes; the log of an earlier one stays as NAME.1."""
    ready: Probe
    start_limit_s: float = 60.0
    """After this it is taken for hung."""
    stop_signals: int = 1
    """How many SIGTERMs make it end without waiting for those it serves."""
    stop_limit_s: float = 5.0
    """How long it may take to end before it is killed."""


@dataclass(slots=True, kw_only=True)
class _Run:
    """A part's process, and what is known of it."""

    part: Part
    process: asyncio.subprocess.Process
    status: StackPart
    stopping: bool = False
    watcher: asyncio.Task[None] | None = None


class Supervisor:
    """Runs parts until the `async with` block is left, which ends them all, the last one started first.

    A part that crashes is marked `failed` and told by `next_crash`; the others keep running and nothing
    is restarted. To be used from one thread, the process's main one: on Linux parts die with the thread
    that started them, even if that is killed.
    """

    def __init__(self, *, changed: Callable[[], None] | None = None) -> None:
        """Start nothing yet; `changed` is called when `start` or `stop` has changed a part's state."""
        self.id = secrets.token_hex(8)
        """In the environment of every process of this stack."""
        self._changed = changed
        self._runs: dict[str, _Run] = {}
        self._crashes: asyncio.Queue[StackPart] = asyncio.Queue()

    @property
    def parts(self) -> tuple[StackPart, ...]:
        """Every part started so far, in that order, as it is now."""
        return tuple(run.status for run in self._runs.values())

    async def __aenter__(self) -> Supervisor:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for name in reversed(self._runs):
                await self.stop(name)
        finally:
            # An impatient second Ctrl-C interrupts the orderly end; nothing may stay behind even so.
            kill_processes(find_marked(self.id))

    async def start(self, part: Part) -> StackPart:
        """Start a part, and return it once it serves.

        Raises:
            ServiceError: It cannot be started, ended before it served, or did not serve in time.
        """
        run = await self._launch(part)
        self._tell()
        ended = asyncio.ensure_future(run.process.wait())
        ready = asyncio.ensure_future(_await_ready(part, run.process.pid))
        try:
            await asyncio.wait(
                {ended, ready}, timeout=part.start_limit_s, return_when=asyncio.FIRST_COMPLETED
            )
            if ready.done() and not ended.done():
                run.status = replace(run.status, state="running", url=ready.result())
                run.watcher = asyncio.create_task(self._watch(run))
                self._tell()
                return run.status
            run.status = replace(run.status, state="failed", detail=self._explain(run, ended.done()))
        finally:
            ended.cancel()
            ready.cancel()
        await self._end(run)
        self._tell()
        raise ServiceError(
            f"{part.name} did not start: it {run.status.detail}", hint=f"its log is {part.log}"
        )

    async def stop(self, name: str) -> None:
        """End a part and every process that it started; one that has ended already keeps its state."""
        run = self._runs[name]
        run.stopping = True
        await self._end(run)
        if run.watcher:
            await run.watcher
        if run.status.state != "failed":
            run.status = replace(run.status, state="stopped")
        self._tell()

    async def hold(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Do work that needs every part, and give it up when one of them crashes.

        Raises:
            ServiceError: A part has crashed; the message says which, and how.
        """
        doing = asyncio.create_task(work)
        crash = asyncio.create_task(self.next_crash())
        try:
            await asyncio.wait({doing, crash}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                part = crash.result()
                raise ServiceError(f"{part.name} {part.detail}", hint=f"its log is {part.log}")
            return doing.result()
        finally:
            for task in (doing, crash):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    # What it failed with has been raised above; this only lets it clean up.
                    await task

    async def next_crash(self) -> StackPart:
        """Wait until a part that was ready ends by itself, and return it; its `detail` says how it ended."""
        return await self._crashes.get()

    async def _launch(self, part: Part) -> _Run:
        known = self._runs.get(part.name)
        if known and known.status.state in ("starting", "running"):
            raise ValueError(f"{part.name} runs already")
        try:
            with open_log(part.log) as log:
                process = await asyncio.create_subprocess_exec(
                    *tether_command(part.command),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**part.environment, MARK: mark_of(self.id, part.name)},
                    # Ctrl-C in the terminal reaches the supervisor only, which then ends its parts in order.
                    start_new_session=True,
                )
        except OSError as error:
            raise ServiceError(
                f"{part.name} cannot be started: {error}", hint=f"its log would be {part.log}"
            ) from error
        status = StackPart(name=part.name, state="starting", identity=identify(process.pid), log=part.log)
        run = _Run(part=part, process=process, status=status)
        self._runs.pop(part.name, None)
        self._runs[part.name] = run
        return run

    async def _watch(self, run: _Run) -> None:
        await run.process.wait()
        if run.stopping:
            return
        run.status = replace(run.status, state="failed", detail=self._explain(run, ended=True))
        self._crashes.put_nowait(run.status)

    def _explain(self, run: _Run, ended: bool) -> str:
        status = run.process.returncode
        if not ended or status is None:
            return f"did not answer within {run.part.start_limit_s:.0f} s"
        message = last_message(run.part.log)
        return describe_exit(status) + (f"; its last line: {message}" if message else "")

    async def _end(self, run: _Run) -> None:
        process, signals = run.process, run.part.stop_signals
        try:
            for number in range(1, signals + 1):
                if process.returncode is None:
                    process.terminate()
                # Two signals at the same moment would arrive as one.
                limit_s = run.part.stop_limit_s if number == signals else _SIGNAL_GAP_S
                if await _ends_within(process, limit_s):
                    break
            else:
                process.kill()
                await process.wait()
        finally:
            kill_processes(find_marked(self.id, run.part.name))

    def _tell(self) -> None:
        if self._changed:
            self._changed()


async def _ends_within(process: asyncio.subprocess.Process, limit_s: float) -> bool:
    try:
        await asyncio.wait_for(process.wait(), limit_s)
    except TimeoutError:
        return process.returncode is not None
    return True


async def _await_ready(part: Part, pid: int) -> str:
    while True:
        url = await part.ready(pid)
        if url is not None:
            return url
        await asyncio.sleep(_PROBE_EVERY_S)
