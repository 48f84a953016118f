"""The audit as Rich tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.domain.billing import MEANING_TITLES, MEANINGS, Meaning
from meetctl.reports.answer import answer_recording, answer_total, describe_assumptions
from meetctl.reports.cells import format_coverage, format_delay, format_saving, format_title
from meetctl.reports.money import format_usd

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from meetctl.domain.audit import Audit, PolicyAudit


def print_audit(audit: Audit, console: Console) -> None:
    """Print everything a person wants to know: tables, the answer, and what it rests on."""
    from rich.markup import escape

    for recording in audit.recordings:
        console.print(_table(recording.policies, format_title(recording), audit.meaning))
        if len(recording.tracks) > 1:
            for track, policies in zip(recording.recording.tracks, recording.tracks, strict=True):
                console.print(_table(policies, f"of which {track.name}", audit.meaning))
        console.print(f"[bold]{escape(answer_recording(recording, audit))}[/]\n", soft_wrap=False)
        for line in describe_assumptions(recording, audit):
            console.print(f"[dim]{escape(line)}[/]")
        console.print()
    if audit.total:
        console.print(_table(audit.total, f"Total of {len(audit.recordings)} recordings", audit.meaning))
        console.print(f"[bold]{escape(answer_total(audit))}[/]")


def _table(policies: tuple[PolicyAudit, ...], title: str, meaning: Meaning) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        title=escape(title), box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False
    )
    table.add_column("Policy", no_wrap=True)
    table.add_column("Kept", justify="right")
    table.add_column("Coverage", justify="right")
    table.add_column("Delay p50/p95", justify="right")
    table.add_column("Images billed", no_wrap=True)
    for heading in ("Sent", "$/min", "$/hour", "Total", "Saving"):
        table.add_column(heading, justify="right", no_wrap=True)
    for policy in policies:
        _add_policy(table, policy, meaning)
    return table


def _add_policy(table: Table, audit: PolicyAudit, meaning: Meaning) -> None:
    from rich.markup import escape

    name = escape(audit.policy.name)
    firsts = [
        f"[bold]{name}[/]" if audit.is_cheapest else name,
        f"{audit.kept:,}",
        format_coverage(audit),
        format_delay(audit),
    ]
    mark = "source" if audit.is_baseline else "← cheapest" if audit.is_cheapest else ""
    for place, one in enumerate(MEANINGS):
        cost = audit.costs[one]
        cells = [
            MEANING_TITLES[one],
            f"{cost.sent:,}",
            format_usd(cost.usd_per_min),
            format_usd(cost.usd_per_hour),
            format_usd(cost.usd),
            format_saving(audit, one),
        ]
        lead = firsts if place == 0 else [f"[dim]{mark}[/]" if place == 1 and mark else "", "", "", ""]
        toned = cells if one == meaning else [f"[dim]{cell}[/]" for cell in cells]
        table.add_row(*lead, *toned, end_section=place == len(MEANINGS) - 1)
