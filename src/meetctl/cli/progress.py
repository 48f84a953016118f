"""A progress bar on stderr for any step that takes more than a second."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from meetctl.ports import Clock

_PATIENCE_S = 1.0


class ProgressBar:
    """The Progress port on a terminal; silent elsewhere, and for what is done at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shown = sys.stderr.isatty()
        self._step = ""
        self._started_s = 0.0
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, step: str, done: float, total: float, unit: str) -> None:
        """Show how far the step has come, once it has taken a second."""
        if not self._shown:
            return
        if step != self._step:
            self._step, self._started_s = step, self._clock.monotonic()
            if self._bar and self._task is not None:
                self._bar.remove_task(self._task)
                self._task = None
        elapsed_s = self._clock.monotonic() - self._started_s
        if elapsed_s < _PATIENCE_S:
            return
        if self._bar is None:
            self._bar = _make_bar()
            self._bar.start()
        if self._task is None:
            self._task = self._bar.add_task(step)
        self._bar.update(
            self._task, completed=done, total=total or None, speed=_speed(done / elapsed_s, unit)
        )


def _speed(per_s: float, unit: str) -> str:
    if unit == "bytes":
        return f"{per_s / 1e6:.0f} MB/s"
    if unit == "s":
        return f"{per_s:.0f}x real time"
    return f"{per_s:.0f} {unit}/s" if per_s >= 1 else ""


def _make_bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
