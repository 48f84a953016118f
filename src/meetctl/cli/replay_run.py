"""Running an audit, and ending with the exit code that it deserves."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from meetctl import bootstrap
from meetctl.cli.diagnostics import is_debugging, note, report, warn
from meetctl.cli.progress import ProgressBoard
from meetctl.cli.replay_output import Output, refuse_outputs, write_audit
from meetctl.domain.audit import Audit, RecordingAudit
from meetctl.errors import CheckFailedError, ExitCode, MeetctlError
from meetctl.services.assertion import check_audit, check_expressions
from meetctl.services.replay import AuditRequest
from meetctl.services.summary import make_audit


def run_replay(
    files: Sequence[Path], request: AuditRequest, output: Output, *, price_files: Sequence[Path], jobs: int
) -> None:
    """Audit the recordings, write the audit, and end with the exit code it deserves.

    Raises:
        UsageError: The request or an output option is wrong.
        OutputError: A result cannot be written.
    """
    check_expressions(output.assertions)
    refuse_outputs(files, price_files, output)
    book = bootstrap.price_book(price_files)
    paths = _without_twins(files)
    # What went wrong in another process has no traceback here.
    processes = 1 if is_debugging() else jobs or os.cpu_count() or 1
    results = _audit(_make_tasks(paths, request, price_files, output.frames), processes)
    failures = [result for result in results if isinstance(result, MeetctlError)]
    for failure in failures:
        report(failure)
    recordings = [result for result in results if isinstance(result, RecordingAudit)]
    audit: Audit | None = None
    if recordings:
        audit = make_audit(
            recordings,
            price_book=book.version,
            meaning=output.meaning,
            target=output.target,
            sweep=request.sweep,
        )
        for warning in (warning for recording in audit.recordings for warning in recording.warnings):
            warn(warning)
        write_audit(audit, output)
    _end(audit, output.assertions, failures)


def _without_twins(files: Sequence[Path]) -> list[Path]:
    """Leave out what is named twice, or its cost would count twice."""
    first_names: dict[Path, Path] = {}
    for file in files:
        if file.resolve() in first_names:
            warn(f"{file} is the same recording as {first_names[file.resolve()]}; it is audited once")
        else:
            first_names[file.resolve()] = file
    return list(first_names.values())


def _make_tasks(
    paths: Sequence[Path], request: AuditRequest, price_files: Sequence[Path], frames: Path | None
) -> list[bootstrap.AuditTask]:
    """Give each recording a folder of its own for its frames, also where two have the same name."""
    tasks: list[bootstrap.AuditTask] = []
    taken: set[str] = set()
    for path in paths:
        name = path.name if path.name not in ("", "..") else path.resolve().name
        folder, number = name, 1
        while folder in taken:
            number += 1
            folder = f"{name}-{number}"
        taken.add(folder)
        if frames and number > 1:
            note(f"frames of {path} go to {frames / folder}, because another recording has the same name")
        tasks.append(
            bootstrap.AuditTask(
                path=path,
                request=request,
                price_files=tuple(price_files),
                frames_directory=frames,
                frames_folder=folder,
            )
        )
    return tasks


def _audit(tasks: Sequence[bootstrap.AuditTask], jobs: int) -> list[RecordingAudit | MeetctlError]:
    """Return the recordings' audits in the order they were named in."""
    results: dict[int, RecordingAudit | MeetctlError] = {}
    names = [task.path.name for task in tasks]
    with ProgressBoard(bootstrap.system_clock(), names) as board:
        for place, result in bootstrap.audit_recordings(tasks, jobs=jobs, progress_of=board.of):
            results[place] = result
            board.end(place)
    return [results[place] for place in range(len(tasks))]


def _end(audit: Audit | None, assertions: Sequence[str], failures: Sequence[MeetctlError]) -> None:
    """End with the worst of what happened: a broken demand, a failed file, a partial result."""
    broken = check_audit(audit, assertions) if audit else []
    if assertions:
        broken += [f"--assert cannot be decided: {failure.message}" for failure in failures]
    for line in broken:
        report(CheckFailedError(line))
    if broken:
        sys.exit(ExitCode.CHECK_FAILED)
    if failures:
        sys.exit(failures[0].exit_code)
    if audit and audit.is_partial:
        _warn_unpriced(audit)
        sys.exit(ExitCode.PARTIAL)


def _warn_unpriced(audit: Audit) -> None:
    unpriced = {
        policy.policy.model
        for recording in audit.recordings
        for policy in recording.policies
        if policy.costs[audit.meaning].usd is None
    }
    if unpriced:
        models = ", ".join(sorted(unpriced))
        warn(f"no price for {models}: such costs are n/a, and totals lack them; --prices FILE adds a price")
