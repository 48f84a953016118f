"""Where an audit goes: stdout or a file, in the format asked for, a database, a directory of frames."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl import bootstrap
from meetctl.cli.diagnostics import note
from meetctl.cli.output import encode_data, format_json, print_data, print_text, render, write_file
from meetctl.errors import OutputError, UsageError

if TYPE_CHECKING:
    from meetctl.domain.audit import Audit
    from meetctl.domain.billing import Meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What the audit is turned into, and where that goes."""

    format: str
    path: Path | None
    save: Path | None
    frames: Path | None
    timestamps: bool
    assertions: tuple[str, ...]
    meaning: Meaning
    target: float


def refuse_outputs(files: Sequence[Path], price_files: Sequence[Path], output: Output) -> None:
    """Refuse, before anything is read, what could not be written or would destroy an input.

    Raises:
        UsageError: The options contradict each other, or name an input as an output.
        OutputError: There is no such directory, it may not be written to, or another file is there.
    """
    if output.format == "parquet" and output.path is None:
        raise UsageError("--format parquet needs -o DIRECTORY", hint="each table becomes a file in it")
    if output.timestamps and output.format != "json":
        raise UsageError(f"--timestamps does not go with --format {output.format}", hint="add --json")
    named = {"-o": output.path, "--save": output.save, "--frames": output.frames}
    targets = {option: path.resolve() for option, path in named.items() if path is not None}
    for option, target in targets.items():
        for file in (*files, *price_files):
            if target == file.resolve() or (file.is_dir() and file.resolve() in target.parents):
                raise UsageError(f"{option} {target} would change the input {file}", hint="write elsewhere")
    if len(set(targets.values())) < len(targets):
        raise UsageError(f"{' and '.join(targets)} name the same place", hint="give each a place of its own")
    _refuse_places(targets, to_directory=output.format == "parquet")
    if output.save:
        bootstrap.refuse_foreign_database(output.save)


def _refuse_places(targets: dict[str, Path], *, to_directory: bool) -> None:
    for option, target in targets.items():
        if option == "--frames" or (option == "-o" and to_directory):
            if target.exists() and not target.is_dir():
                raise OutputError(f"{option} {target} is a file, and a directory is needed")
            place = next(parent for parent in (target, *target.parents) if parent.exists())
        else:
            if target.is_dir():
                raise OutputError(f"{option} {target} is a directory, and a file is needed")
            place = target.parent
        if not place.is_dir():
            raise OutputError(f"{option} {target} cannot be written: {place} is no directory")
        if not os.access(place, os.W_OK | os.X_OK):
            raise OutputError(f"{option} {target} cannot be written: {place} may not be written to")


def write_audit(audit: Audit, output: Output) -> None:
    """Write the audit everywhere it was asked for.

    Raises:
        OutputError: A place cannot be written.
    """
    if output.save:
        bootstrap.save_audit(audit, output.save)
    if output.format == "parquet" and output.path:
        bootstrap.export_audit(audit, output.path)
    elif output.path:
        write_file(output.path, encode_data(_render(audit, output)))
    elif output.format == "table":
        print_text(_render(audit, output))
    else:
        print_data(_render(audit, output))
    for written in (output.path, output.save, output.frames):
        if written:
            note(f"written: {written}")


def _render(audit: Audit, output: Output) -> str:
    """Return the audit as text in the format asked for."""
    match output.format:
        case "json":
            from meetctl.reports.document import make_document

            return format_json(make_document(audit, timestamps=output.timestamps))
        case "csv":
            from meetctl.reports.delimited import render_csv

            return render_csv(audit)
        case "md":
            from meetctl.reports.delimited import render_markdown

            return render_markdown(audit)
        case "html":
            from meetctl.reports.answer import answer_recording
            from meetctl.reports.html import render_html

            return render_html(audit, [answer_recording(recording, audit) for recording in audit.recordings])
    from meetctl.reports.table import print_audit

    return render(lambda console: print_audit(audit, console), for_stdout=output.path is None)
