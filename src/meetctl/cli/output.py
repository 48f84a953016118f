"""What goes to stdout: data, and nothing else."""

from __future__ import annotations

import json
import os
import select
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from meetctl.errors import OutputError
from meetctl.reports.plain_text import show_bytes

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDTH = 120
"""Columns of a table that goes to a file or a pipe, whose reader's width nobody knows."""

_SIMPLER_SIGNS = str.maketrans({"–": "-", "−": "-", "←": "<", "≥": ">"})
"""What a terminal shows that knows fewer signs than our tables have."""


def print_json(document: Mapping[str, object]) -> None:
    """Print one JSON document."""
    print_data(format_json(document))


def format_json(document: Mapping[str, object]) -> str:
    r"""Return a JSON document as text that UTF-8 can hold; a file name's stray byte reads `\xff`.

    >>> print(format_json({"path": "caf\udce9"}), end="")
    {
      "path": "caf\\xe9"
    }
    """
    return show_bytes(json.dumps(document, indent=2, ensure_ascii=False), backslash="\\\\") + "\n"


def print_data(text: str) -> None:
    """Print what programs read: in UTF-8 with its own line ends, whatever the terminal is.

    Raises:
        OutputError: stdout cannot be written.
    """
    with _writing() as stdout:
        stdout.flush()
        stdout.buffer.write(encode_data(text))
        stdout.buffer.flush()


def print_stream(pieces: Iterable[str | bytes]) -> None:
    """Print pieces as they come, each at once, until there are no more or nobody reads them.

    Bytes are printed as they are. An empty piece prints nothing, and asks whether somebody still reads.

    Raises:
        OutputError: stdout cannot be written.
    """
    with _writing() as stdout:
        for piece in pieces:
            if not piece and _has_no_reader(stdout):
                break
            if isinstance(piece, str):
                stdout.write(piece)
            else:
                stdout.buffer.write(piece)
            stdout.flush()


def _has_no_reader(stdout: TextIO) -> bool:
    """Tell whether whoever read our pipe has gone, which a write would show only when there is something."""
    watch = select.poll()
    watch.register(stdout, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in watch.poll(0))


def shows_colour() -> bool:
    """Tell whether stdout is a terminal that may show colours."""
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def encode_data(text: str) -> bytes:
    """Return text for a file or a pipe as UTF-8."""
    return show_bytes(text).encode()


def print_lines(lines: Iterable[str]) -> None:
    """Print lines of text."""
    print_text("".join(f"{line}\n" for line in lines))


def print_text(text: str) -> None:
    """Print what people read, as well as the terminal can show it.

    Raises:
        OutputError: stdout cannot be written.
    """
    with _writing() as stdout:
        try:
            text.encode(stdout.encoding)
        except UnicodeEncodeError:
            text = text.translate(_SIMPLER_SIGNS)
        stdout.write(text)
        stdout.flush()


def print_table(table: Table) -> None:
    """Print a Rich table, in colour only on a terminal."""
    print_text(render(lambda console: console.print(table), for_stdout=True))


def render(draw: Callable[[Console], None], *, for_stdout: bool) -> str:
    """Return what `draw` puts on a Rich console that is like stdout, or like a file.

    Off a terminal it has no colour and a fixed width.
    """
    from rich.console import Console

    stdout = sys.stdout if for_stdout else None
    is_terminal = stdout is not None and stdout.isatty()
    page = _Page(stdout.encoding if stdout is not None else "utf-8")
    width = None if is_terminal else _WIDTH
    draw(Console(file=page, highlight=False, force_terminal=is_terminal, width=width))
    return page.getvalue()


class _Page(StringIO):
    """Text in memory that says which encoding it will have, which Rich chooses its lines by."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has an attribute there
        """The encoding of the stream that the text is for."""
        return self._encoding


@contextmanager
def _writing() -> Iterator[TextIO]:
    """Give stdout; a reader who has seen enough, as `head` has, is no error."""
    if sys.stdout is None:
        raise OutputError("stdout is closed", hint="write to a file with -o")
    try:
        yield sys.stdout
    except BrokenPipeError:
        _discard_rest()
    except OSError as error:
        _discard_rest()
        raise OutputError(f"stdout cannot be written: {error.strerror or error}") from error


def _discard_rest() -> None:
    """Let what is still buffered go nowhere, so that Python does not try to write it again when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def write_file(path: Path, data: bytes) -> None:
    """Write a file that appears complete or not at all; a device or a pipe is written as it is.

    Raises:
        OutputError: It cannot be written.
    """
    target = path.resolve()
    draft = target.with_name(f".meetctl.{os.getpid()}.part")
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        draft.write_bytes(data)
        draft.replace(target)
    except BrokenPipeError:
        return  # the reader of a pipe has seen enough
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)
