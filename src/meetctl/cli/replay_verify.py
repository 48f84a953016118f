"""`meetctl replay --verify`: whether bundles' recordings give what their journals say."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from meetctl import bootstrap
from meetctl.cli.diagnostics import note, report
from meetctl.cli.output import encode_data, format_json, print_data, print_text, render, write_file
from meetctl.cli.progress import ProgressBoard
from meetctl.domain.verification import Verification
from meetctl.errors import CheckFailedError, ExitCode, UsageError
from meetctl.services.verification import verify_bundle


def run_verify(
    files: Sequence[Path],
    of_audits: Mapping[str, object],
    format_: str,
    *,
    output: Path | None,
    price_files: Sequence[Path],
) -> None:
    """Verify bundles one after the other, and end with exit code 4 unless all hold.

    `of_audits` has the values of the options that are for audits alone.

    Raises:
        UsageError: An option of audits is given, the format is none of ours, or a price file is wrong.
        OutputError: The result cannot be written.
    """
    from meetctl.reports.verification import make_verification_document, print_verifications

    _refuse_options(of_audits, format_)
    as_json = format_ == "json"
    source, book = bootstrap.frame_source(), bootstrap.price_book(price_files)
    found: list[Verification] = []
    with ProgressBoard(bootstrap.system_clock(), [file.name for file in files]) as board:
        for place, file in enumerate(files):
            found.append(verify_bundle(file, source=source, book=book, progress=board.of(place)))
            board.end(place)
    text = (
        format_json(make_verification_document(found, price_book=book.version))
        if as_json
        else render(lambda console: print_verifications(found, console), for_stdout=output is None)
    )
    if output:
        write_file(output, encode_data(text))
        note(f"written: {output}")
    else:
        (print_data if as_json else print_text)(text)
    broken = [one.first_difference for one in found if one.first_difference is not None]
    for difference in broken:
        report(CheckFailedError(difference))
    if broken:
        sys.exit(ExitCode.CHECK_FAILED)


def _refuse_options(given: Mapping[str, object], format_: str) -> None:
    """Refuse options of the audit: a verification takes the journal's policy, and makes no audit."""
    for option, value in given.items():
        if value:
            raise UsageError(
                f"--verify and {option} contradict each other",
                hint="a verification replays the journal's own policy; run the audit without --verify",
            )
    if format_ not in ("table", "json"):
        raise UsageError(
            f"--verify has no format {format_}", hint="it prints lines, or with --json a document"
        )
