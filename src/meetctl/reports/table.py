"""The audit as Rich tables for people, in a layout that fits the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.domain.billing import MEANING_TITLES, MEANINGS, Meaning
from meetctl.reports.answer import answer_recording, answer_total, describe_assumptions
from meetctl.reports.cells import (
    Money,
    format_coverage,
    format_delay,
    format_ratio,
    format_saving,
    format_share,
    format_title,
    known_costs,
    known_total,
)
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    from meetctl.domain.audit import Audit, PolicyAudit

    Costs = Mapping[Meaning, Money]
    Rows = Sequence[tuple[PolicyAudit, Costs]]

_NAME_WIDTH = 16
"""Columns that a policy's name should have at least; longer ones fold."""

_NARROW_TITLES: dict[Meaning, str] = {
    "every_frame": "$/hour, every\nframe once",
    "per_turn": "$/hour, per\nrequest",
    "history": "$/hour, left\nin history",
}

_MORE = "A wider window shows images sent, $/min and totals too; so does --format csv."


def print_audit(audit: Audit, console: Console) -> None:
    """Print everything a person wants to know: tables, the answer, and what it rests on."""
    all_fit = True
    for recording in audit.recordings:
        rows = [(policy, known_costs(policy)) for policy in recording.policies]
        all_fit &= _print_table(rows, format_title(recording), audit.meaning, console)
        if len(recording.tracks) > 1:
            for track, policies in zip(recording.recording.tracks, recording.tracks, strict=True):
                rows = [(policy, known_costs(policy)) for policy in policies]
                all_fit &= _print_table(rows, f"of which {show_plain(track.name)}", audit.meaning, console)
        console.print(answer_recording(recording, audit), style="bold", markup=False)
        console.print()
        for line in describe_assumptions(recording, audit):
            console.print(line, style="dim", markup=False)
        console.print()
    if audit.total:
        rows = [(policy, known_total(audit, policy)) for policy in audit.total]
        title = f"Total of {len(audit.recordings)} recordings"
        all_fit &= _print_table(rows, title, audit.meaning, console)
        console.print(answer_total(audit), style="bold", markup=False)
    if not all_fit:
        console.print(_MORE, style="dim", markup=False)


def _print_table(rows: Rows, title: str, meaning: Meaning, console: Console) -> bool:
    """Print the table with every figure, or the most important ones where it does not fit; say which."""
    console.print(title, style="bold", markup=False)
    table = _wide_table(rows, meaning)
    needed = _least_width(table, rows, console)
    fits = needed <= console.width
    if not fits:
        table = _narrow_table(rows, meaning)
        needed = _least_width(table, rows, console)
    width = console.width
    # A terminal that is narrower still folds the lines itself, and no figure is lost.
    console.width = max(width, needed)
    console.print(table, crop=False)
    console.width = width
    return fits


def _least_width(table: Table, rows: Rows, console: Console) -> int:
    """Return how wide a table is when only its names fold."""
    longest = max(len(show_plain(policy.policy.name)) for policy, _ in rows)
    natural = table.__rich_measure__(console, console.options.update_width(10_000)).maximum
    return natural - max(0, longest - _NAME_WIDTH)


def _make_table() -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("Policy", overflow="fold")
    return table


def _wide_table(rows: Rows, meaning: Meaning) -> Table:
    """Three lines a policy, one for each meaning of cost."""
    table = _make_table()
    for heading in ("Kept", "Coverage", "Delay p50/p95"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("Images billed", no_wrap=True)
    for heading in ("Sent", "$/min", "$/hour", "Total", "Saving"):
        table.add_column(heading, justify="right", no_wrap=True)
    for audit, costs in rows:
        lines = [
            [
                MEANING_TITLES[one],
                f"{audit.costs[one].sent:,}",
                costs[one].per_min,
                costs[one].per_hour,
                costs[one].total,
                format_saving(audit, one),
            ]
            for one in MEANINGS
        ]
        figures = [
            "\n".join(_tone(cell, one == meaning) for one, cell in zip(MEANINGS, column, strict=True))
            for column in zip(*lines, strict=True)
        ]
        firsts = (f"{audit.kept:,}", format_coverage(audit), format_delay(audit))
        table.add_row(_name(audit), *firsts, *figures, end_section=True)
    return table


def _narrow_table(rows: Rows, meaning: Meaning) -> Table:
    """Two lines a policy: the figures and, below them, what they come from or save."""
    table = _make_table()
    for heading in ("Kept", "Cover-\nage", "Delay\np50, p95"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in MEANINGS:
        table.add_column(_NARROW_TITLES[one], justify="right", no_wrap=True)
    for audit, costs in rows:
        coverage, (p50, p95) = audit.coverage, _delays(audit)
        counted = f"{coverage.seen}/{coverage.changes}" if coverage.changes else ""
        figures = [
            "\n".join(_tone(line, one == meaning) for line in (costs[one].per_hour, _saved(audit, one)))
            for one in MEANINGS
        ]
        firsts = (f"{audit.kept:,}", f"{format_ratio(audit)}\n{counted}", f"{p50}\n{p95}")
        table.add_row(_name(audit), *firsts, *figures, end_section=True)
    return table


def _saved(audit: PolicyAudit, meaning: Meaning) -> str:
    saving = audit.saving[meaning]
    if audit.is_baseline or saving is None:
        return ""
    return f"{format_share(abs(saving))} {'less' if saving >= 0 else 'more'}"


def _delays(audit: PolicyAudit) -> tuple[str, str]:
    p50, slash, p95 = format_delay(audit).removesuffix(" s").partition(" / ")
    return (f"{p50} s", f"{p95} s") if slash else (p50, "")


def _name(audit: PolicyAudit) -> str:
    """Return the policy's name and, below it, what it is besides."""
    from rich.markup import escape

    name = escape(show_plain(audit.policy.name))
    if audit.is_cheapest:
        return f"[bold]{name}[/]\n[dim]← cheapest[/]"
    return f"{name}\n[dim]source[/]" if audit.is_baseline else name


def _tone(cell: str, is_chosen: bool) -> str:
    return cell if is_chosen else f"[dim]{cell}[/]"
