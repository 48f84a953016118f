"""Tables of what each policy costs in each meaning, and of what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from meetctl.domain.billing import MEANING_TITLES, MEANINGS, Meaning
from meetctl.reports.cells import format_delay, format_ratio, format_saving
from meetctl.reports.html.markup import Markup, element
from meetctl.reports.money import format_usd

if TYPE_CHECKING:
    from meetctl.domain.audit import PolicyAudit


def render_overview(policies: Sequence[PolicyAudit], meaning: Meaning, caption: str) -> Markup:
    """Show each policy's cost an hour and saving in the three meanings, its coverage and its delay."""
    top = element(
        "tr",
        _head("Policy", rowspan=2),
        _head("Kept", rowspan=2, class_="number"),
        _head("Cost per hour, and saving against the source rate", colspan=3, scope="colgroup"),
        _head("Coverage", rowspan=2, class_="number"),
        _head("Delay p50 / p95", rowspan=2, class_="number"),
    )
    meanings = [
        _head(
            MEANING_TITLES[one],
            *([element("small", "the answer above")] if one == meaning else []),
            class_="number chosen" if one == meaning else "number",
        )
        for one in MEANINGS
    ]
    rows = [_overview_row(audit, meaning) for audit in policies]
    return _table(caption, [top, element("tr", *meanings)], rows)


def _overview_row(audit: PolicyAudit, meaning: Meaning) -> Markup:
    costs = [
        _number(
            _hourly(audit, one),
            element("small", format_saving(audit, one)),
            class_="number chosen" if one == meaning else "number",
        )
        for one in MEANINGS
    ]
    coverage = _number(format_ratio(audit), element("small", _count_seen(audit)))
    return element(
        "tr", _policy_head(audit), _number(f"{audit.kept:,}"), *costs, coverage, _number(format_delay(audit))
    )


def render_figures(policies: Sequence[PolicyAudit], meaning: Meaning) -> Markup:
    """Show every figure of one meaning."""
    headings = ("Policy", "Images sent", "Tokens", "Per minute", "Per hour", "Total", "Saving")
    head = element(
        "tr", *[_head(heading, class_="number" if place else None) for place, heading in enumerate(headings)]
    )
    rows = []
    for audit in policies:
        cost = audit.costs[meaning]
        money = [format_usd(cost.usd_per_min), format_usd(cost.usd_per_hour), format_usd(cost.usd)]
        cells = [f"{cost.sent:,}", f"{cost.tokens:,}", *money, format_saving(audit, meaning)]
        rows.append(element("tr", _policy_head(audit), *[_number(cell) for cell in cells]))
    return _table(MEANING_TITLES[meaning].capitalize(), [head], rows)


def render_settings(policies: Sequence[PolicyAudit]) -> Markup:
    """Show what each policy is."""
    headings = ("Policy", "Model", "Detail", "Window", "Longest side", "Gate", "Tokens a frame", "Image rule")
    head = element("tr", *[_head(heading) for heading in headings])
    rows = []
    for audit in policies:
        policy = audit.policy
        cells = (
            policy.model,
            policy.detail,
            f"last {policy.window}",
            "own size" if policy.side is None else f"{policy.side} px",
            "none" if policy.gate is None else f"{float(policy.gate):g}% changed",
            "differs" if audit.tokens_per_frame is None else f"{audit.tokens_per_frame:,}",
            audit.rule,
        )
        rows.append(element("tr", _policy_head(audit), *[element("td", cell) for cell in cells]))
    return _table("What each policy is", [head], rows)


def render_rows(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """Show plain rows: a heading each, then numbers."""
    head = element(
        "tr", *[_head(heading, class_="number" if place else None) for place, heading in enumerate(headings)]
    )
    body = [
        element("tr", element("th", row[0], scope="row"), *[_number(cell) for cell in row[1:]])
        for row in rows
    ]
    return _table(caption, [head], body)


def _count_seen(audit: PolicyAudit) -> str:
    coverage = audit.coverage
    return f"{coverage.seen} of {coverage.changes}" if coverage.changes else ""


def _hourly(audit: PolicyAudit, meaning: Meaning) -> str:
    usd = audit.costs[meaning].usd_per_hour
    return "n/a" if usd is None else f"{format_usd(usd)}/h"


def _policy_head(audit: PolicyAudit) -> Markup:
    flags = [element("small", "source rate")] if audit.is_baseline else []
    if audit.is_cheapest:
        flags.append(element("small", "cheapest at the target", class_="best"))
    return element("th", audit.policy.name, *flags, scope="row")


def _head(*content: str, scope: str = "col", **attributes: str | float | None) -> Markup:
    return element("th", *content, scope=scope, **attributes)


def _number(*content: str, class_: str = "number") -> Markup:
    return element("td", *content, class_=class_)


def _table(caption: str, head: Sequence[Markup], rows: Sequence[Markup]) -> Markup:
    """Wrap a table so that on a narrow screen it scrolls, and not the page."""
    table = element("table", element("caption", caption), element("thead", *head), element("tbody", *rows))
    return element("div", table, class_="scroll", tabindex=0, role="region", aria_label=caption)
