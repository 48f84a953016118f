"""The words and figures that every report shows alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from meetctl.domain.audit import Audit, Cost, PolicyAudit, RecordingAudit
from meetctl.domain.billing import MEANINGS, Meaning
from meetctl.reports.money import format_usd
from meetctl.reports.plain_text import show_plain

UNKNOWN = "n/a"
"""Stands for what has no price, or what nobody looked for: never zero."""

_NEARLY_ALL = 0.9995
"""From here on a share would be rounded to all of it."""

NO_SAVING = "–"
"""Stands where a policy would be compared with itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """One cost as people read it; with "≥" before it where a part of it has no price."""

    per_min: str
    per_hour: str
    total: str


def known_costs(policy: PolicyAudit) -> dict[Meaning, Money]:
    """Return one recording's costs."""
    return {meaning: _format_cost(policy.costs[meaning], "") for meaning in MEANINGS}


def known_total(audit: Audit, policy: PolicyAudit) -> dict[Meaning, Money]:
    """Return the costs of one of the total's policies: at least what its priced recordings cost."""
    return {meaning: _known_cost(audit, policy, meaning) for meaning in MEANINGS}


def _known_cost(audit: Audit, policy: PolicyAudit, meaning: Meaning) -> Money:
    cost = policy.costs[meaning]
    if cost.usd is not None:
        return _format_cost(cost, "")
    parts = [_part_of(recording, policy).costs[meaning].usd for recording in audit.recordings]
    priced = [usd for usd in parts if usd is not None]
    return (
        _format_cost(replace(cost, usd=sum(priced, Decimal(0))), "≥ ") if priced else _format_cost(cost, "")
    )


def _part_of(recording: RecordingAudit, total: PolicyAudit) -> PolicyAudit:
    """Return the policy of a recording that went into a total's policy, as services/pricing.py adds them."""
    if total.is_baseline:
        return recording.baseline
    named = (policy for policy in recording.policies if policy.policy.name == total.policy.name)
    return next(named, recording.baseline)


def _format_cost(cost: Cost, least: str) -> Money:
    amounts = (cost.usd_per_min, cost.usd_per_hour, cost.usd)
    per_min, per_hour, total = (
        format_usd(usd) if usd is None else least + format_usd(usd) for usd in amounts
    )
    return Money(per_min=per_min, per_hour=per_hour, total=total)


def format_duration(duration_us: int) -> str:
    """Return a duration as m:ss or h:mm:ss.

    >>> format_duration(61_200_000), format_duration(3_600_000_000)
    ('1:01', '1:00:00')
    """
    minutes, seconds = divmod(duration_us // 1_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def format_share(share: float) -> str:
    """Return a share in percent, with a decimal where it has one: 18 of 19 are not 95 %, nor is 99.96 % all.

    >>> format_share(18 / 19), format_share(1.0), format_share(-0.5), format_share(0.9996)
    ('94.7%', '100%', '−50%', '>99.9%')
    """
    if _NEARLY_ALL <= share < 1:
        return ">99.9%"
    return f"{share:.1%}".replace(".0%", "%").replace("-", "−")


def format_saving(audit: PolicyAudit, meaning: Meaning) -> str:
    """Return the share saved against the source rate; a dash for the source rate itself."""
    saving = audit.saving[meaning]
    if audit.is_baseline:
        return NO_SAVING
    return UNKNOWN if saving is None else format_share(saving)


def format_ratio(audit: PolicyAudit) -> str:
    """Return the coverage, with a tilde where it is an estimate."""
    ratio = audit.coverage.ratio
    about = "~" if audit.coverage.method == "packets" else ""
    return UNKNOWN if ratio is None else f"{about}{format_share(ratio)}"


def format_coverage(audit: PolicyAudit) -> str:
    """Return the coverage with the numbers it comes from."""
    ratio, coverage = format_ratio(audit), audit.coverage
    return ratio if coverage.ratio is None else f"{ratio} ({coverage.seen}/{coverage.changes})"


def format_delay(audit: PolicyAudit) -> str:
    """Return how late changes are shown: the median, and what one in twenty exceeds."""
    p50_s, p95_s = audit.coverage.delay_s(50), audit.coverage.delay_s(95)
    return UNKNOWN if p50_s is None or p95_s is None else f"{p50_s:.1f} / {p95_s:.1f} s"


def format_title(audit: RecordingAudit) -> str:
    """Return what a recording is, in one line."""
    recording, track = audit.recording, audit.recording.tracks[0]
    sizes = sorted({(run.width, run.height) for one in recording.tracks for run in one.runs}, reverse=True)
    shown = [f"{width}x{height}" for width, height in sizes[:3]]
    size = " and ".join(shown) + (" and others" if len(sizes) > len(shown) else "")
    count = "" if len(recording.tracks) == 1 else f", {len(recording.tracks)} tracks"
    length = format_duration(recording.duration_us)
    name = show_plain(recording.path.name or str(recording.path))
    return f"{name}: {length} of {track.codec}, {size}, {track.fps:g} fps{count}"
