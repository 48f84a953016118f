"""What `meetctl doctor` shows: each finding as it comes, and all of them as one document."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Self

from meetctl.cli.output import print_text, render
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from types import TracebackType

    from rich.status import Status

    from meetctl.domain.diagnosis import Diagnosis, Finding, FindingStatus

_STYLES: dict[FindingStatus, str] = {
    "pass": "green",
    "warn": "yellow",
    "fail": "bold red",
    "skipped": "dim",
}


class FindingDisplay:
    """Prints each finding on stdout, and on a terminal says on stderr what is being examined."""

    def __init__(self, *, is_quiet: bool) -> None:
        """`is_quiet` prints nothing on stdout."""
        self._is_quiet = is_quiet
        self._status: Status | None = None

    def __enter__(self) -> Self:
        if sys.stderr is not None and sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status("")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def begin(self, check: str) -> None:
        """Say what is being examined."""
        if self._status is not None:
            self._status.update(f"examining {check}")

    def show(self, finding: Finding) -> None:
        """Print a finding, and its hint below it."""
        if self._is_quiet:
            return
        from rich.table import Table
        from rich.text import Text

        row = Table.grid(padding=(0, 2))
        for width in (7, 13):
            row.add_column(width=width)
        row.add_column(overflow="fold")
        style = _STYLES[finding.status]
        row.add_row(Text(finding.status, style=style), finding.check, Text(show_plain(finding.message)))
        if finding.hint and finding.status in ("warn", "fail"):
            row.add_row("", "", Text(f"hint: {show_plain(finding.hint)}", style="italic"))
        if self._status is not None:
            # What is left of the line on a terminal would stand before the finding.
            self._status.stop()
        lines = render(lambda console: console.print(row), for_stdout=True).splitlines()
        print_text("".join(f"{line.rstrip()}\n" for line in lines))
        if self._status is not None:
            self._status.start()


def summarize(diagnosis: Diagnosis) -> str:
    """Say in one line how many checks passed, and how many did not."""
    counts = diagnosis.counts
    words: dict[FindingStatus, str] = {
        "pass": "passed",
        "warn": "with a warning",
        "fail": "failed",
        "skipped": "skipped",
    }
    return ", ".join(f"{counts[status]} {word}" for status, word in words.items() if counts[status])


def make_doctor_document(environment: str, profile: str | None, diagnosis: Diagnosis) -> dict[str, Any]:
    """Return the document of `meetctl doctor --json`."""
    return {
        "schema": "meetctl.doctor/1",
        "environment": environment,
        "profile": profile,
        "good": not diagnosis.failed,
        "checks": [
            {
                "check": one.check,
                "status": one.status,
                "message": one.message,
                "hint": one.hint or None,
                "blame": one.blame if one.status == "fail" else None,
                "seconds": one.seconds,
            }
            for one in diagnosis.findings
        ],
    }
