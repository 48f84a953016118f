"""Running an audit and writing it out in every form that was asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from meetctl import bootstrap
from meetctl.cli.diagnostics import note, report, warn
from meetctl.cli.output import console, format_json, print_text, replacing
from meetctl.cli.progress import ProgressBar
from meetctl.domain.audit import Audit, RecordingAudit
from meetctl.domain.billing import Meaning
from meetctl.errors import CheckFailedError, ExitCode, MeetctlError, UsageError
from meetctl.reports.table import print_audit
from meetctl.services.assertion import check_audit
from meetctl.services.replay import AuditRequest
from meetctl.services.summary import make_audit


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


def run_replay(
    files: Sequence[Path], request: AuditRequest, output: Output, *, price_files: Sequence[Path], jobs: int
) -> None:
    """Audit the recordings, write the audit, and end with the exit code it deserves.

    Raises:
        UsageError: The request or an output option is wrong.
        OutputError: A result cannot be written.
        CheckFailedError: An assertion does not hold, or cannot be decided.
    """
    _refuse_outputs(files, output)
    book = bootstrap.price_book(price_files)
    with ProgressBar(bootstrap.system_clock()) as progress:
        results = list(
            bootstrap.audit_recordings(
                files,
                request,
                price_files=price_files,
                frames_directory=output.frames,
                jobs=jobs or os.cpu_count() or 1,
                progress=progress,
            )
        )
    failures = [result for result in results if isinstance(result, MeetctlError)]
    for failure in failures:
        report(failure)
    recordings = [result for result in results if isinstance(result, RecordingAudit)]
    if not recordings:
        sys.exit(failures[0].exit_code)
    audit = make_audit(
        recordings, price_book=book.version, meaning=output.meaning, target=output.target, sweep=request.sweep
    )
    for warning in (warning for recording in audit.recordings for warning in recording.warnings):
        warn(warning)
    _write(audit, output)
    _end(audit, output, failures)


def _refuse_outputs(files: Sequence[Path], output: Output) -> None:
    """Refuse, before anything is read, what could not be written or would destroy an input."""
    if output.format == "parquet" and output.path is None:
        raise UsageError("--format parquet needs -o DIRECTORY", hint="each table becomes a file in it")
    targets = [path for path in (output.path, output.save) if path is not None]
    for target in targets:
        if any(target.resolve() == file.resolve() for file in files):
            raise UsageError(f"{target} is one of the recordings; it is not overwritten")
        if not target.resolve().parent.is_dir():
            raise UsageError(f"{target} cannot be written: {target.resolve().parent} is no directory")
    if output.save:
        bootstrap.refuse_foreign_database(output.save)


def _write(audit: Audit, output: Output) -> None:
    if output.save:
        bootstrap.save_audit(audit, output.save)
    if output.format == "parquet" and output.path:
        bootstrap.export_audit(audit, output.path)
    elif output.format == "table" and output.path is None:
        print_audit(audit, console())
    elif output.path is None:
        print_text(_render(audit, output))
    else:
        with replacing(output.path) as draft:
            draft.write_text(_render(audit, output), encoding="utf-8", errors="backslashreplace", newline="")
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
    buffer = StringIO()
    print_audit(audit, console(buffer))
    return buffer.getvalue()


def _end(audit: Audit, output: Output, failures: Sequence[MeetctlError]) -> None:
    """End with the worst of what happened: a broken demand, a failed file, a partial result."""
    broken = check_audit(audit, output.assertions)
    if failures and output.assertions:
        broken += [f"the assertions cannot be decided for a recording that failed: {failures[0].message}"]
    if broken:
        raise CheckFailedError("; ".join(broken))
    if failures:
        sys.exit(failures[0].exit_code)
    if audit.is_partial:
        unpriced = sorted(
            {
                p.policy.model
                for r in audit.recordings
                for p in r.policies
                if p.costs["every_frame"].usd is None
            }
        )
        if unpriced:
            warn(f"no price for {', '.join(unpriced)}: its costs are n/a")
        sys.exit(ExitCode.PARTIAL)
