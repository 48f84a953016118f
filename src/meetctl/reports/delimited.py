"""The audit as comma-separated values for programs, and as Markdown tables for people."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from meetctl.domain.audit import Audit, PolicyAudit
from meetctl.domain.billing import MEANING_TITLES, MEANINGS, Meaning
from meetctl.reports.answer import answer_recording, answer_total
from meetctl.reports.cells import format_coverage, format_delay, format_saving, format_title
from meetctl.reports.money import exact_usd, format_usd, rate_usd

CSV_COLUMNS = (
    *("recording", "duration_s", "policy", "is_baseline", "is_cheapest"),
    *(
        "model",
        "detail",
        "fps",
        "window_frames",
        "side_px",
        "gate_percent",
        "rule",
        "tokens_per_frame",
        "kept",
    ),
    *("coverage_method", "changes", "seen", "coverage", "delay_p50_s", "delay_p95_s"),
    *("meaning", "sent", "tokens", "usd", "usd_per_min", "usd_per_hour", "saving"),
)
"""The header of the comma-separated values."""

MARKDOWN_COLUMNS = (
    *("Policy", "Kept", "Coverage", "Delay p50/p95", "Images billed"),
    *("Sent", "Tokens", "$/min", "$/hour", "Total", "Saving"),
)
"""The header of each Markdown table."""

_TEXT_COLUMNS = ("Policy", "Images billed")


def render_csv(audit: Audit) -> str:
    """Return one row per recording, policy and meaning, then the total's rows as recording "total".

    RFC 4180: comma, CRLF, quotes where needed. Figures are plain decimals without exponent, shares
    are from 0 to 1, and what is unknown or has no price is empty.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS)
    writer.writeheader()
    for recording in audit.recordings:
        source_fps = max(track.fps for track in recording.recording.tracks)
        for policy in recording.policies:
            writer.writerows(_csv_rows(str(recording.recording.path), policy, source_fps))
    for policy in audit.total:
        writer.writerows(_csv_rows("total", policy, None))
    return text.getvalue()


def _csv_rows(recording: str, audit: PolicyAudit, source_fps: float | None) -> Iterator[dict[str, str]]:
    policy, coverage = audit.policy, audit.coverage
    cells = {
        "recording": recording,
        "policy": policy.name,
        "is_baseline": _flag(audit.is_baseline),
        "is_cheapest": _flag(audit.is_cheapest),
        "model": policy.model,
        "detail": policy.detail,
        "fps": _number(source_fps if policy.fps is None else policy.fps),
        "window_frames": str(policy.window),
        "side_px": _count(policy.side),
        "gate_percent": _number(policy.gate),
        "rule": audit.rule,
        "tokens_per_frame": _count(audit.tokens_per_frame),
        "kept": str(audit.kept),
        "coverage_method": coverage.method,
        "changes": _count(coverage.changes),
        "seen": _count(coverage.seen),
        "coverage": _number(coverage.ratio),
        "delay_p50_s": _number(coverage.delay_s(50)),
        "delay_p95_s": _number(coverage.delay_s(95)),
    }
    for meaning in MEANINGS:
        yield {**cells, **_csv_cost(audit, meaning)}


def _csv_cost(audit: PolicyAudit, meaning: Meaning) -> dict[str, str]:
    cost = audit.costs[meaning]
    return {
        "duration_s": _number(Fraction(cost.duration_us, 1_000_000)),
        "meaning": meaning,
        "sent": str(cost.sent),
        "tokens": str(cost.tokens),
        "usd": "" if cost.usd is None else exact_usd(cost.usd),
        "usd_per_min": _rate(cost.usd_per_min),
        "usd_per_hour": _rate(cost.usd_per_hour),
        "saving": _number(audit.saving[meaning]),
    }


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _count(count: int | None) -> str:
    return "" if count is None else str(count)


def _rate(usd: Decimal | None) -> str:
    return "" if usd is None else rate_usd(usd)


def _number(number: float | Fraction | None) -> str:
    """Return a measure as a plain decimal with at most 6 decimals.

    >>> _number(0.96666666), _number(Fraction(1, 2)), _number(30.0), _number(0.0), _number(None)
    ('0.966667', '0.5', '30', '0', '')
    """
    if number is None:
        return ""
    text = f"{float(number):.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def render_markdown(audit: Audit) -> str:
    """Return a heading, the answer and a table for each recording, then for their total.

    GitHub-flavoured; names are escaped, so that none can change the table or become a link.
    """
    parts = [
        _section(format_title(recording), answer_recording(recording, audit), recording.policies)
        for recording in audit.recordings
    ]
    if audit.total:
        title = f"Total of {len(audit.recordings)} recordings"
        parts.append(_section(title, answer_total(audit), audit.total))
    return "\n".join(parts)


def _section(title: str, answer: str, policies: tuple[PolicyAudit, ...]) -> str:
    rule = [":--" if column in _TEXT_COLUMNS else "--:" for column in MARKDOWN_COLUMNS]
    rows = [_markdown_row(policy, meaning) for policy in policies for meaning in MEANINGS]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in (MARKDOWN_COLUMNS, rule, *rows))
    return f"### {_escape(title)}\n\n{_escape(answer)}\n\n{table}\n"


def _markdown_row(audit: PolicyAudit, meaning: Meaning) -> list[str]:
    cost = audit.costs[meaning]
    name = _escape(audit.policy.name)
    return [
        f"**{name}** (cheapest)" if audit.is_cheapest else f"{name} (source)" if audit.is_baseline else name,
        f"{audit.kept:,}",
        format_coverage(audit),
        format_delay(audit),
        MEANING_TITLES[meaning],
        f"{cost.sent:,}",
        f"{cost.tokens:,}",
        format_usd(cost.usd_per_min),
        format_usd(cost.usd_per_hour),
        format_usd(cost.usd),
        format_saving(audit, meaning),
    ]


def _escape(text: str) -> str:
    """Return text that Markdown shows as it stands, on one line.

    >>> print(_escape("a|b <i>*x*"))
    a\\|b \\<i\\>\\*x\\*
    """
    return re.sub(r"([\\`*_\[\]<>|#~&$])", r"\\\1", " ".join(text.split()))
