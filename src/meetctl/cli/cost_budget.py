"""`meetctl cost budget`: where each running meeting's budget stands, and each tenant's of the day."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from meetctl.cli.options import AsJson

Tenant = Annotated[
    str | None, typer.Option("--tenant", metavar="TENANT", help="Only this tenant's meetings.")
]


def budget(tenant: Tenant = None, json: AsJson = False) -> None:
    """Show where budgets stand: of each meeting that runs on this machine, and of each tenant's day (UTC).

    Example: meetctl cost budget --tenant acme
    """
    from meetctl import bootstrap
    from meetctl.cli.configuration import find_sources
    from meetctl.cli.diagnostics import note, warn
    from meetctl.cli.output import print_json, print_table
    from meetctl.core.config import find_budgets
    from meetctl.domain.budget_standing import survey_budgets
    from meetctl.errors import ExitCode
    from meetctl.reports.budget import document_standings, draw_meetings, draw_tenants

    at = bootstrap.system_clock().now()
    entries = bootstrap.spending_book().of_day(at.date())
    standings = survey_budgets(entries, find_budgets(find_sources()), at, tenant)
    if json:
        print_json(document_standings(standings))
    else:
        if standings.meetings:
            print_table(draw_meetings(standings))
        if standings.tenants:
            print_table(draw_tenants(standings))
        if not standings.meetings:
            note("no meeting runs on this machine" + ("" if tenant is None else " for this tenant"))
    if not standings.is_priced:
        warn(
            "some usage has no price, so more was spent than is shown; `meetctl prices check` says what lacks"
        )
        sys.exit(ExitCode.PARTIAL)
