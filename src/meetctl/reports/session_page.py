"""Sessions as people read them on a terminal: a list, and one page about one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from meetctl.reports import session_facts as facts
from meetctl.reports.ages import format_age
from meetctl.reports.plain_text import show_plain
from meetctl.reports.session_cost_facts import cost_notes, cost_rows, cost_total
from meetctl.reports.sizes import format_bytes

if TYPE_CHECKING:
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table

    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.domain.session_reading import SessionReading

_ID_WIDTH = 40
"""Columns that a session's id has at least, if it is so long."""

_MOST_LINES = 10
"""So many of the last incidents and control messages the page shows."""


def print_sessions(bundles: Sequence[SessionBundle], now: datetime, console: Console) -> None:
    """Print a list of sessions; where it does not fit, without whose they were and how long they went on."""
    table = _session_table(bundles, now, is_wide=True)
    if _measure(table, console).maximum > console.width:
        table = _session_table(bundles, now, is_wide=False)
    if _measure(table, console).minimum > console.width:
        # Rather a folded id than a column that is cut off.
        table.columns[0].min_width = None
    console.print(table)


def _measure(table: Table, console: Console) -> Measurement:
    return table.__rich_measure__(console, console.options.update_width(10_000))


def _session_table(bundles: Sequence[SessionBundle], now: datetime, *, is_wide: bool) -> Table:
    """Return the table; the tenant's column only where any has one."""
    has_tenants = is_wide and any(bundle.tenant_id for bundle in bundles)
    table = _make_table()
    # The id is what people copy; a room folds first.
    longest = max(len(show_plain(bundle.session_id)) for bundle in bundles)
    table.add_column("Session", overflow="fold", min_width=min(longest, _ID_WIDTH))
    table.add_column("Room", overflow="fold")
    if has_tenants:
        table.add_column("Tenant", overflow="fold")
    for heading in ("Age", "Length") if is_wide else ("Age",):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("State", overflow="fold")
    table.add_column("Size", justify="right", no_wrap=True)
    for bundle in bundles:
        table.add_row(
            _plain(bundle.session_id),
            _plain(bundle.room or facts.NOTHING),
            *([_plain(bundle.tenant_id or facts.NOTHING)] if has_tenants else []),
            _age(bundle, now),
            *([_length(bundle, now)] if is_wide else []),
            _state(bundle),
            format_bytes(bundle.size_bytes),
        )
    return table


def print_summary(reading: SessionReading, console: Console) -> None:
    """Print one page about a session."""
    _print_facts([*facts.about_facts(reading), *facts.activity_facts(reading)], console)
    _print_latency(reading, console)
    _print_cost(reading, console)
    _print_trouble(reading, console)
    _print_steering(reading, console)
    console.print()
    console.print("next", style="bold")
    for command in facts.next_commands(reading.bundle):
        console.print(f"  {show_plain(command)}", markup=False, soft_wrap=True)


def _print_facts(lines: Iterable[tuple[str, str]], console: Console) -> None:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    for label, text in lines:
        grid.add_row(label, _plain(text))
    console.print(grid)


def _print_latency(reading: SessionReading, console: Console) -> None:
    rows = facts.latency_rows(reading)
    if not rows:
        return
    table = _make_table()
    table.add_column("Latency")
    for heading in ("p50", "p95", "Turns"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _print_cost(reading: SessionReading, console: Console) -> None:
    rows = cost_rows(reading.state.usage)
    if rows:
        table = _make_table()
        for heading in ("Provider", "Model", "Usage"):
            table.add_column(heading, overflow="fold")
        for heading in ("Reported", "Estimated"):
            table.add_column(heading, justify="right", no_wrap=True)
        total = cost_total(reading.state.usage)
        for row in rows:
            table.add_row(
                _plain(row.provider), _plain(row.model), row.usage, row.reported, row.estimated,
                end_section=row is rows[-1],
            )  # fmt: skip
        table.add_row(total.provider, "", "", total.reported, total.estimated, style="bold")
        console.print(table)
    _print_lines(cost_notes(reading), console, style="dim")


def _print_trouble(reading: SessionReading, console: Console) -> None:
    lines = list(facts.trouble_lines(reading))
    recent = [facts.tell_incident(one) for one in reading.state.health.recent[-_MOST_LINES:]]
    console.print()
    console.print("trouble" if lines or recent else "trouble: none", style="bold")
    _print_lines((f"  {line}" for line in lines), console)
    _print_times(recent, console)


def _print_steering(reading: SessionReading, console: Console) -> None:
    lines = list(facts.steering_lines(reading))
    if not lines:
        return
    console.print()
    console.print("steering", style="bold")
    _print_lines((f"  {line}" for line in lines), console)
    _print_times([facts.tell_step(one) for one in reading.state.steering.recent[-_MOST_LINES:]], console)


def _print_times(lines: Iterable[tuple[str, str]], console: Console) -> None:
    _print_lines((f"  {time:>8}  {text}" for time, text in lines), console)


def _print_lines(lines: Iterable[str], console: Console, style: str | None = None) -> None:
    for line in lines:
        console.print(show_plain(line), style=style, markup=False)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(show_plain(text))


def _make_table() -> Table:
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)


def _age(bundle: SessionBundle, now: datetime) -> str:
    at = bundle.started_at
    return facts.NOTHING if at is None else format_age((now - at).total_seconds())


def _length(bundle: SessionBundle, now: datetime) -> str:
    if bundle.started_at is None:
        return facts.NOTHING
    end = now if bundle.state == "running" else bundle.ended_at
    return facts.NOTHING if end is None else format_age((end - bundle.started_at).total_seconds())


def _state(bundle: SessionBundle) -> str:
    marks: list[str] = [bundle.state]
    marks += ["pruned"] if bundle.pruned_at is not None else []
    marks += ["undelivered"] if bundle.usage_waits and bundle.state != "running" else []
    marks += ["broken"] if bundle.problems else []
    return ", ".join(marks)
