"""Measures what starting meetctl costs, against Python alone and against importing Typer.

    .venv/bin/python benchmarks/start_up.py [--rounds N]

CPU time, not wall time: it hardly depends on what else the machine does. Compiled modules are assumed, as
`make setup` leaves them; PYTHONDONTWRITEBYTECODE is dropped, so that the warm-up compiles what is missing.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from measure import MEETCTL, cpu, least, machine, markdown_table, median, report, run_in_turn

COMMANDS: dict[str, list[str | Path]] = {
    "`python -c pass`": [sys.executable, "-c", "pass"],
    "`python -c 'import typer'`": [sys.executable, "-c", "import typer"],
    "`meetctl --version`": [MEETCTL, "--version"],
    "`meetctl --help`": [MEETCTL, "--help"],
    "`meetctl replay --help`": [MEETCTL, "replay", "--help"],
}
TARGET = 1.6


def main() -> None:
    """Measure, print a Markdown table and keep it in results/."""
    parser = argparse.ArgumentParser(description="Measure the CPU time of starting meetctl.")
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

    costs = run_in_turn(COMMANDS, rounds)
    best_s = {name: least(runs, cpu) for name, runs in costs.items()}
    python_s, typer_s = list(best_s.values())[:2]
    rows = [
        [
            name,
            f"{best_s[name] * 1000:.0f}",
            f"{median(runs, cpu) * 1000:.0f}",
            f"{best_s[name] / python_s:.1f}x",
            f"{best_s[name] / typer_s:.2f}x",
        ]
        for name, runs in costs.items()
    ]
    ratio = best_s["`meetctl --help`"] / typer_s
    report(
        "start_up",
        "\n".join(
            [
                f"CPU time of whole processes, {rounds} runs each, in turn. {machine('typer')}.",
                "",
                markdown_table(["command", "least ms", "median ms", "of python", "of import typer"], rows),
                "",
                f"Target: `meetctl --help` at most {TARGET}x of `import typer`: {ratio:.2f}x, "
                + ("reached." if ratio <= TARGET else "missed."),
            ]
        ),
    )


if __name__ == "__main__":
    main()
