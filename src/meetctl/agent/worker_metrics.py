"""What the worker itself tells Prometheus, beside the processes of its meetings."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from meetctl.core.metrics import WorkerInstruments
from meetctl.core.shared_metrics import clear_dead_gauges, shared_directory


class WorkerMetrics:
    """Keeps the worker's own metrics up to date, where anybody asks for metrics."""

    def __init__(self, max_meetings: int) -> None:
        self._max_meetings = max_meetings
        self._instruments: WorkerInstruments | None = None

    def observe(self, running: int) -> None:
        """Note how many meetings run now, and forget the present state of processes that do not.

        To be called every second or so: a process that was killed cannot say that it is gone.
        """
        directory = shared_directory()
        if directory is None:
            return
        if self._instruments is None:
            # Not before: the library empties the directory when it begins to run.
            self._instruments = WorkerInstruments(CollectorRegistry())
            self._instruments.places.set(self._max_meetings)
        self._instruments.running.set(running)
        clear_dead_gauges(directory)
