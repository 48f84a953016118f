"""Putting the audits of all recordings together: the total, and what a sweep chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meetctl.domain.audit import Audit, PolicyAudit, RecordingAudit
from meetctl.domain.billing import Meaning
from meetctl.services.pricing import sum_policies


def make_audit(
    recordings: Sequence[RecordingAudit], *, price_book: str, meaning: Meaning, target: float, sweep: bool
) -> Audit:
    """Return the audit of all recordings; with several, their sum too; after a sweep, its choice."""
    total: tuple[PolicyAudit, ...] = ()
    if len(recordings) > 1:
        duration_us = sum(audit.recording.duration_us for audit in recordings)
        total = sum_policies([audit.policies for audit in recordings], duration_us)
    if sweep:
        recordings = [
            replace(audit, policies=mark_cheapest(audit.policies, meaning, target)) for audit in recordings
        ]
        total = mark_cheapest(total, meaning, target)
    return Audit(
        recordings=tuple(recordings),
        total=total,
        price_book=price_book,
        meaning=meaning,
        swept=sweep,
        target=target,
    )


def mark_cheapest(
    policies: Sequence[PolicyAudit], meaning: Meaning, target: float
) -> tuple[PolicyAudit, ...]:
    """Mark the cheapest policy whose coverage is at least `target`; none where none reaches it.

    Of policies that cost the same in this meaning, the one that keeps fewer frames is chosen: it
    costs less in the other meanings, and less work. Where nothing changed, all show enough. Policies
    without a price, or whose coverage nobody knows, never win.
    """
    ranked = sorted(
        (cost, audit.kept, place)
        for place, audit in enumerate(policies)
        if (cost := audit.costs[meaning].usd) is not None and _shows_enough(audit, target)
    )
    chosen = ranked[0][2] if ranked else None
    return tuple(replace(audit, is_cheapest=place == chosen) for place, audit in enumerate(policies))


def _shows_enough(audit: PolicyAudit, target: float) -> bool:
    ratio = audit.coverage.ratio
    return audit.coverage.changes == 0 or (ratio is not None and ratio >= target)
