"""Progress bars on stderr for any step that takes more than a second."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING

from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from meetctl.ports import Clock, Progress

_PATIENCE_S = 1.0


@dataclass(slots=True, kw_only=True)
class _Row:
    """One recording's step under way."""

    step: str
    started_s: float
    bar: TaskID | None = None


class ProgressBoard:
    """A bar for each recording under way and, with several, one for all; silent off a terminal."""

    def __init__(self, clock: Clock, names: Sequence[str]) -> None:
        self._clock = clock
        self._names = names
        self._shown = sys.stderr is not None and sys.stderr.isatty()
        self._rows: dict[int, _Row] = {}
        self._finished = 0
        self._bars: Bars | None = None
        self._all: TaskID | None = None

    def __enter__(self) -> ProgressBoard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def of(self, recording: int) -> Progress:
        """Return the Progress port for one of the recordings."""
        return partial(self._show, recording)

    def end(self, recording: int) -> None:
        """Take a recording off the board: it is done."""
        self._finished += 1
        self._remove_bar(self._rows.pop(recording, None))
        if self._bars and self._all is not None:
            self._bars.update(self._all, completed=self._finished, description=self._count())

    def _show(self, recording: int, step: str, done: float, total: float, unit: str) -> None:
        """Show how far a recording's step has come, once it has taken a second."""
        if not self._shown:
            return
        now_s = self._clock.monotonic()
        row = self._rows.get(recording)
        if row is None or row.step != step:
            self._remove_bar(row)
            row = self._rows[recording] = _Row(step=step, started_s=now_s)
        elapsed_s = now_s - row.started_s
        if elapsed_s < _PATIENCE_S:
            return
        bars = self._bars or self._start()
        if row.bar is None:
            row.bar = bars.add_task(self._describe(recording, step), speed="")
        bars.update(row.bar, completed=done, total=total or None, speed=_speed(done / elapsed_s, unit))

    def _start(self) -> Bars:
        self._bars = _make_bars()
        self._bars.start()
        if len(self._names) > 1:
            self._all = self._bars.add_task(
                self._count(), total=len(self._names), completed=self._finished, speed=""
            )
        return self._bars

    def _remove_bar(self, row: _Row | None) -> None:
        if self._bars and row and row.bar is not None:
            self._bars.remove_task(row.bar)

    def _count(self) -> str:
        return f"{self._finished} of {len(self._names)} recordings done"

    def _describe(self, recording: int, step: str) -> str:
        """Name the recording too where there are several: all bundles' media have the same name."""
        name = self._names[recording]
        return show_plain(step if len(self._names) == 1 or name in step else f"{name}: {step}")


def _speed(per_s: float, unit: str) -> str:
    if unit == "bytes":
        return f"{per_s / 1e6:.0f} MB/s"
    if unit == "s":
        return f"{per_s:.0f}x real time"
    return f"{per_s:.0f} {unit}/s" if per_s >= 1 else ""


def _make_bars() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column

    return Progress(
        # A long name gives way, and the figures stay.
        TextColumn(
            "{task.description}",
            markup=False,
            table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
        ),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]}", markup=False, table_column=Column(no_wrap=True)),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        expand=True,
    )
