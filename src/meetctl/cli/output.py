"""What goes to stdout: data, and nothing else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from meetctl.errors import OutputError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDTH = 120
"""Columns of a table that goes to a file or a pipe, whose reader's width nobody knows."""


def print_json(document: Mapping[str, object]) -> None:
    """Print one JSON document."""
    print_text(format_json(document))


def format_json(document: Mapping[str, object]) -> str:
    """Return a JSON document as text."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def print_lines(lines: Iterable[str]) -> None:
    """Print lines of text."""
    print_text("".join(f"{line}\n" for line in lines))


def print_text(text: str) -> None:
    """Print a text as it is."""
    sys.stdout.write(text)
    sys.stdout.flush()


def print_table(table: Table) -> None:
    """Print a Rich table, in colour only on a terminal."""
    console().print(table)


def console(file: TextIO | None = None) -> Console:
    """Return a Rich console on stdout or a file; off a terminal it has no colour and a fixed width."""
    from rich.console import Console

    stream = file or sys.stdout
    return Console(file=stream, highlight=False, width=None if stream.isatty() else _WIDTH)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to that takes `path`'s place only when all is written.

    Raises:
        OutputError: The file cannot be written there.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield draft
        draft.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)
