"""`meetctl cost reconcile`: what a provider says it billed against our events."""

from __future__ import annotations

import re
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meetctl.cli.ledger_access import Sessions
from meetctl.cli.options import AsJson
from meetctl.cli.spending_options import PriceFiles
from meetctl.errors import CheckFailedError, ExitCode, UsageError

if TYPE_CHECKING:
    from meetctl.domain.reconciliation import ProviderAccount, Tolerance

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def reconcile(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="What the provider gave out, as CSV or JSON.")
    ] = None,
    provider: Annotated[
        str | None,
        typer.Option("--provider", metavar="NAME", help="Whose account it is, or only whose lines."),
    ] = None,
    total: Annotated[
        str | None, typer.Option("--total", metavar="USD", help="A month's total, instead of a file.")
    ] = None,
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="The month that --total is of.")
    ] = None,
    tolerance: Annotated[
        str | None,
        typer.Option("--tolerance", metavar="HOW", help="Exit 4 beyond it: 1% of theirs, or 0.50 (USD)."),
    ] = None,
    prices: PriceFiles = None,
    sessions: Sessions = None,
    json: AsJson = False,
) -> None:
    """Compare a provider's account with ours, and say what may explain the difference.

    What cannot be compared never reads as agreement: with --tolerance it ends with exit code 4, else with 5.

    Example: meetctl cost reconcile --total 123.45 --month 2026-11 --provider openai
    """
    from meetctl import bootstrap
    from meetctl.cli.cost_output import write_document, write_page
    from meetctl.cli.ledger_access import fold_ledger
    from meetctl.reports.reconciliation import print_reconciliation, reconciliation_document
    from meetctl.services.reconciliation import reconcile as compare

    account = _find_account(file, provider, total, month)
    allowed = _read_tolerance(tolerance) if tolerance is not None else None
    result = compare(account, fold_ledger(sessions), bootstrap.price_book(prices or []), allowed)
    if json:
        write_document(reconciliation_document(result), None)
    else:
        write_page(lambda console: print_reconciliation(result, console), None)
    if allowed is not None and not result.holds:
        what = "differ by more than the tolerance" if result.is_decided else "could not be compared"
        raise CheckFailedError(f"the provider's account and ours {what}")
    if not result.is_decided:
        sys.exit(ExitCode.PARTIAL)


def _find_account(
    file: Path | None, provider: str | None, total: str | None, month: str | None
) -> ProviderAccount:
    from meetctl import bootstrap
    from meetctl.domain.reconciliation import month_account

    named = provider.strip().lower() if provider else None
    if file is not None:
        if total is not None or month is not None:
            raise UsageError("--total and --month do not go with a file", hint="leave out one of the two")
        return bootstrap.read_provider_export(file, named)
    if total is None or month is None or named is None:
        raise UsageError(
            "there is nothing to compare with", hint="name a file, or --total, --month and --provider"
        )
    found = _MONTH.fullmatch(month)
    if not found or not int(found[1]):
        raise UsageError(f"--month {month} is no month", hint="write it as 2026-11")
    return month_account(named, _read_usd(total, "--total"), int(found[1]), int(found[2]))


def _read_tolerance(text: str) -> Tolerance:
    from meetctl.domain.reconciliation import Tolerance

    if text.strip().endswith("%"):
        return Tolerance(share=_read_usd(text.strip()[:-1], "--tolerance") / 100)
    return Tolerance(usd=_read_usd(text, "--tolerance"))


def _read_usd(text: str, option: str) -> Decimal:
    try:
        amount = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise UsageError(f"{option} {text} is no amount", hint="write a plain number, such as 123.45")
    return amount
