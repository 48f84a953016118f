"""Runs child processes in turn and measures what each cost: wall time, CPU time and peak memory.

This module imports nothing but the standard library: on Linux a child's peak memory is never reported
below what its parent held when it was started (getrusage(2): ru_maxrss survives exec).
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RESULTS = Path(__file__).resolve().parent / "results"
MEETCTL = Path(sys.executable).with_name("meetctl")
"""The console script that users start, from the environment that runs the benchmark."""
RSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run of a process took, the processes it waited for included."""

    wall_s: float
    cpu_s: float
    rss_mb: float
    """Peak resident memory of the largest single process, in 1,000,000 bytes."""


class ChildFailedError(RuntimeError):
    """A measured command did not exit with 0, so its time means nothing."""


def run(command: Sequence[str | Path]) -> Cost:
    """Run a command to its end, its output thrown away, and return what it cost.

    Raises:
        ChildFailedError: It exited with another status than 0.
    """
    with tempfile.TemporaryFile() as errors:
        start_s = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start_s
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            message = errors.read().decode(errors="replace").strip()
            raise ChildFailedError(f"{' '.join(map(str, command))}: exit {process.returncode}: {message}")
    return Cost(
        wall_s=wall_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        rss_mb=usage.ru_maxrss * RSS_UNIT_BYTES / 1e6,
    )


def run_in_turn(
    commands: Mapping[str, Sequence[str | Path]], rounds: int, *, warm_up: bool = True
) -> dict[str, list[Cost]]:
    """Run commands A B C, A B C, …, so that a slow spell of the machine meets them all alike."""
    if warm_up:
        for command in commands.values():
            run(command)
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for round_number in range(1, rounds + 1):
        for name, command in commands.items():
            print(f"  round {round_number} of {rounds}: {name}", file=sys.stderr)
            costs[name].append(run(command))
    return costs


def least(costs: Sequence[Cost], field: Callable[[Cost], float]) -> float:
    """Return the smallest of one measure: the run that was disturbed least."""
    return min(map(field, costs))


def median(costs: Sequence[Cost], field: Callable[[Cost], float]) -> float:
    """Return the median of one measure."""
    return statistics.median(map(field, costs))


def wall(cost: Cost) -> float:
    """Return the wall time in seconds."""
    return cost.wall_s


def cpu(cost: Cost) -> float:
    """Return the CPU time in seconds."""
    return cost.cpu_s


def rss(cost: Cost) -> float:
    """Return the peak memory in MB."""
    return cost.rss_mb


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def machine(*packages: str) -> str:
    """Return one line on what the figures were measured with."""
    parts = [
        f"{os.cpu_count()} cores",
        f"{platform.system()} {platform.machine()}",
        f"{platform.python_implementation()} {platform.python_version()}",
        *(f"{package} {version(package)}" for package in packages),
    ]
    return ", ".join(parts)


def report(name: str, text: str) -> None:
    """Print a result and keep it as benchmarks/results/NAME.md."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text + "\n", encoding="utf-8")
    print(text)
