"""Workers that are said to run on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.domain.workers import LocalWorker


class FakeWorkerCensus:
    """The WorkerCensus port over a list."""

    def __init__(self, *workers: LocalWorker) -> None:
        self.workers = list(workers)

    async def list_workers(self) -> tuple[LocalWorker, ...]:
        return tuple(sorted(self.workers, key=lambda worker: (worker.agent_name, worker.pid)))
