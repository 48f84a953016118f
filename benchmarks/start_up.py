"""Measures what starting meetctl costs, command by command, against Python alone and against importing Typer.

    .venv/bin/python benchmarks/start_up.py [--rounds N]

CPU time, not wall time: it hardly depends on what else the machine does. Compiled modules are assumed, as
`make setup` leaves them; PYTHONDONTWRITEBYTECODE is dropped, so that the warm-up compiles what is missing.
The commands are found by walking the command tree. Those that are really run neither ask a server nor find
anything: an empty home, and a key that is never used.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import typer.main

from measure import MEETCTL, cpu, least, machine, markdown_table, median, report, run_in_turn
from meetctl.cli.main import app

if TYPE_CHECKING:
    from measure import Cost

PYTHON, TYPER = "`python -c pass`", "`python -c 'import typer'`"
BASELINES: dict[str, list[str | Path]] = {
    PYTHON: [sys.executable, "-c", "pass"],
    TYPER: [sys.executable, "-c", "import typer"],
}
RUN = (
    "--version",
    "--help",
    "prices show gpt-4.1",
    "prices check",
    "token mint --room standup",
    "token explain e30.e30.x",
    "config show",
    "sessions list",
)
"""Commands that are cheap enough to be run, and need nothing."""

SERVER = {"LIVEKIT_URL": "ws://127.0.0.1:9", "LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "s" * 32}
TARGET = 1.6


def main() -> None:
    """Measure, print Markdown tables and keep them in results/."""
    parser = argparse.ArgumentParser(description="Measure the CPU time of starting meetctl.")
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    helps = [f"{line} --help" for line in sorted(command_lines(typer.main.get_command(app)))]
    names = {line: f"`meetctl {line}`" for line in (*RUN, *helps)}
    commands: dict[str, list[str | Path]] = {name: [MEETCTL, *line.split()] for line, name in names.items()}
    with TemporaryDirectory() as home:
        os.environ |= {"HOME": home, **SERVER}
        os.chdir(home)
        costs = run_in_turn({**BASELINES, **commands}, rounds)
    ratio = least(costs[names["--help"]], cpu) / least(costs[TYPER], cpu)
    dearest_first = sorted((names[line] for line in helps), key=lambda name: -least(costs[name], cpu))
    report(
        "start_up",
        "\n".join(
            [
                f"CPU time of whole processes, {rounds} runs each, in turn. {machine('typer')}.",
                "",
                table(costs, [PYTHON, TYPER, *(names[line] for line in RUN)]),
                "",
                "The help of each command, the dearest first:",
                "",
                table(costs, dearest_first),
                "",
                f"Target: `meetctl --help` at most {TARGET}x of `import typer`: {ratio:.2f}x, "
                + ("reached." if ratio <= TARGET else "missed."),
            ]
        ),
    )


def command_lines(command: Any, words: str = "") -> Iterator[str]:
    """Yield the words that call each command, groups left out."""
    children = getattr(command, "commands", {})
    if words and (not children or command.invoke_without_command):
        yield words
    for name, child in children.items():
        if not child.hidden:
            yield from command_lines(child, f"{words} {name}".strip())


def table(costs: dict[str, list[Cost]], names: list[str]) -> str:
    """Return the rows of some commands, each against Python and Typer alone."""
    python_s, typer_s = (least(costs[name], cpu) for name in (PYTHON, TYPER))
    rows = []
    for name in names:
        best_s, usual_s = least(costs[name], cpu), median(costs[name], cpu)
        times = [f"{best_s * 1000:.0f}", f"{usual_s * 1000:.0f}"]
        rows.append([name, *times, f"{best_s / python_s:.1f}x", f"{best_s / typer_s:.2f}x"])
    return markdown_table(["command", "least ms", "median ms", "of python", "of import typer"], rows)


if __name__ == "__main__":
    main()
