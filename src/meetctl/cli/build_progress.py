"""How far the build of the LiveKit server is, on stderr, for the minutes that it takes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from meetctl.cli.diagnostics import note

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress as Bars
    from rich.progress import TaskID


class BuildProgress:
    """The Progress port for steps whose length nobody knows: a line once, and on a terminal the time."""

    def __init__(self) -> None:
        self._bars: Bars | None = None
        self._row: TaskID | None = None
        self._step = ""

    def __enter__(self) -> BuildProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()
        if self._step and error is None:
            note("the LiveKit server is ready; the next start needs no build")

    def __call__(self, step: str, done: float, total: float, unit: str) -> None:
        """Show the step, and how far it is where that can be counted."""
        if not self._step:
            note("this machine has no livekit-server: building one, which takes some minutes, once")
        if sys.stderr is None or not sys.stderr.isatty():
            if step != self._step:
                note(f"  {step}")
        else:
            count = f"{done:.0f} of {total:.0f}" if total else f"{done:.0f}"
            self._draw(f"{step}: {count} {unit}" if unit else step)
        self._step = step

    def _draw(self, text: str) -> None:
        if self._bars is None:
            self._bars = _make_bars()
            self._row = self._bars.add_task(text, total=None)
            self._bars.start()
        elif self._row is not None:
            self._bars.update(self._row, description=text)


def _make_bars() -> Bars:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
