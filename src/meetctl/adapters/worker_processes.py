"""Work spread over processes: each tells how far it is, and none outlives the one that started it."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from meetctl.ports import Progress

Task = TypeVar("Task")
Result = TypeVar("Result")

_REPORT_EVERY = 0.001
"""After which share of a step a process tells how far it is: more often, nobody would see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Generic[Result]):
    """A task that is finished."""

    task: int
    """Its place among the tasks."""
    result: Result | None
    """None where the process was killed before it had one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What a process made of its task."""

    result: object = None
    trace: str | None = None
    """The traceback of an error that nobody foresaw."""


@dataclass(slots=True, kw_only=True)
class _Worker:
    process: SpawnProcess
    connection: Connection
    task: int


def prepare_processes() -> None:
    """Let processes be started also once another program has taken standard error, as a dashboard does.

    Python's resource tracker is given standard error's descriptor when it starts, and refuses one that is
    none. It starts only once.
    """
    resource_tracker.ensure_running()


def run_in_processes(
    work: Callable[[Task, Progress], Result],
    tasks: Sequence[Task],
    *,
    jobs: int,
    progress_of: Callable[[int], Progress],
) -> Iterator[Done[Result]]:
    """Do the tasks in at most `jobs` processes; yield each when it is finished, in no certain order.

    `work`, tasks and results must be picklable; `progress_of` gives where a task's steps are told. When
    the iterator is closed, as by an error or an interruption, the processes are ended.

    Raises:
        RuntimeError: A task ended with an error; the message holds its traceback.
    """
    waiting = list(range(len(tasks)))[::-1]
    workers: dict[Connection, _Worker] = {}
    try:
        while waiting or workers:
            while waiting and len(workers) < jobs:
                worker = _start(work)
                workers[worker.connection] = worker
                _assign(worker, waiting.pop(), tasks)
            for connection in cast("list[Connection]", wait(list(workers))):
                worker = workers[connection]
                message = _receive(connection)
                if isinstance(message, tuple):
                    progress_of(worker.task)(*message)
                    continue
                task = worker.task
                if message is not None and waiting:
                    _assign(worker, waiting.pop(), tasks)
                else:
                    _stop(workers.pop(connection))
                yield Done(task=task, result=_result_of(message))
    finally:
        for worker in workers.values():
            _stop(worker)


def _start(work: Callable[..., object]) -> _Worker:
    # Spawned, not forked: PyAV's and DuckDB's threads do not survive a fork.
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, work), daemon=True)
    process.start()
    # Without a copy here, the end of the process is the end of the pipe.
    theirs.close()
    return _Worker(process=process, connection=ours, task=-1)


def _assign(worker: _Worker, task: int, tasks: Sequence[object]) -> None:
    worker.task = task
    worker.connection.send(tasks[task])


def _receive(connection: Connection) -> object:
    """Return what a process has to say; None when it is gone."""
    try:
        return connection.recv()
    except (EOFError, ConnectionError):
        return None


def _result_of(message: object) -> Result | None:
    if not isinstance(message, _Answer):
        return None
    if message.trace:
        raise RuntimeError(f"in a worker process:\n{message.trace}")
    return cast("Result", message.result)


def _stop(worker: _Worker) -> None:
    worker.connection.close()
    worker.process.terminate()
    worker.process.join()


def _serve(connection: Connection, work: Callable[[object, Progress], object]) -> None:
    """Do one task after the other until there is nobody left to do them for."""
    # Ctrl-C reaches every process of a terminal; the first one decides what becomes of the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while True:
            connection.send(_answer(work, connection.recv(), _Reporter(connection)))
    except (EOFError, ConnectionError):
        return


def _answer(work: Callable[[object, Progress], object], task: object, progress: Progress) -> _Answer:
    try:
        return _Answer(result=work(task, progress))
    except ConnectionError:
        raise
    except Exception:  # noqa: BLE001  whatever it is, the user gets one line, and the trace with --debug
        return _Answer(trace=traceback.format_exc())


class _Reporter:
    """The Progress port, told through the pipe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._step = ""
        self._told = 0.0

    def __call__(self, step: str, done: float, total: float, unit: str) -> None:
        if step == self._step and done - self._told < _REPORT_EVERY * total:
            return
        self._step, self._told = step, done
        self._connection.send((step, done, total, unit))
