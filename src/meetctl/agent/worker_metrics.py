"""What the worker itself tells Prometheus, beside the processes of its meetings."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from meetctl.core.metrics import WorkerInstruments
from meetctl.core.shared_metrics import clear_dead_gauges, shared_directory

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)


class WorkerMetrics:
    """Keeps the worker's own metrics up to date, where anybody asks for metrics."""

    def __init__(self, max_meetings: int) -> None:
        self._max_meetings = max_meetings
        self._instruments: WorkerInstruments | None = None
        self._has_failed = False

    def observe(self, running: int) -> None:
        """Note how many meetings run now, and forget the present state of processes that do not.

        To be called every second or so: a process that was killed cannot say that it is gone. Files that
        cannot be opened or written cost numbers, which is logged once, and nothing else.
        """
        directory = shared_directory()
        if directory is None:
            return
        try:
            self._observe(running, directory)
        except OSError as error:
            # The worker's load is worked out along with this, and after an error never again.
            if not self._has_failed:
                self._has_failed = True
                logger.warning("the worker's metrics cannot be kept: %s", error.strerror)

    def _observe(self, running: int, directory: Path) -> None:
        if self._instruments is None:
            # Not before: the library empties the directory when it begins to run.
            self._instruments = WorkerInstruments(CollectorRegistry())
            self._instruments.places.set(self._max_meetings)
        self._instruments.running.set(running)
        clear_dead_gauges(directory)
