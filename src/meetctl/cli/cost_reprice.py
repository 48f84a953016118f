"""`meetctl cost reprice`: what the same sessions would have cost."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated

import typer

from meetctl.cli.ledger_access import Sessions
from meetctl.cli.options import AsJson
from meetctl.cli.spending_options import PriceFiles, Room, Session, Since, Tenant, Until, select_usage
from meetctl.errors import ExitCode, UsageError


def reprice(
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="Another language model, such as gpt-5.6-luna."),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            "--at",
            metavar="DATE",
            formats=["%Y-%m-%d"],
            help="The day (UTC) whose prices hold; each use's own if not given.",
        ),
    ] = None,
    detail: Annotated[
        str | None, typer.Option("--detail", metavar="DETAIL", help="How closely the model looks at frames.")
    ] = None,
    side: Annotated[
        int | None, typer.Option("--side", metavar="PIXELS", min=16, help="Longest side of a sent frame.")
    ] = None,
    prices: PriceFiles = None,
    since: Since = None,
    until: Until = None,
    tenant: Tenant = None,
    room: Room = None,
    session: Session = None,
    sessions: Sessions = None,
    json: AsJson = False,
) -> None:
    """Show what the same usage would have cost: another model, another day's prices, other pictures.

    Nothing is changed. Image tokens are counted anew by the model's rule, each frame in its own size; text
    is as it was. Ends with exit code 5 where a part cannot be priced.

    Example: meetctl cost reprice --model gpt-5.6-luna --since 30d
    """
    from meetctl import bootstrap
    from meetctl.cli.cost_output import write_document, write_page
    from meetctl.cli.ledger_access import fold_ledger
    from meetctl.domain.repricing import Target
    from meetctl.reports.repricing import print_repricing, repricing_document
    from meetctl.services.repricing import reprice as price_anew

    if model is None and at is None and detail is None and side is None and not prices:
        raise UsageError(
            "nothing would be different", hint="name --model, --at, --detail, --side or --prices"
        )
    selection = select_usage(since=since, until=until, tenant=tenant, room=room, session=session)
    target = Target(
        model=model, at=at.date() if at else None, detail=detail, side=side, has_other_book=bool(prices)
    )
    book = bootstrap.price_book(prices or [])
    today = bootstrap.system_clock().now().date()
    result = price_anew(fold_ledger(sessions), book, selection, target, today)
    if json:
        write_document(repricing_document(result, book.version), None)
    else:
        write_page(lambda console: print_repricing(result, console), None)
    if not result.is_comparable:
        sys.exit(ExitCode.PARTIAL)
