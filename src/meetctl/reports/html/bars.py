"""What each policy costs, as bars: for where coverage is unknown, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from meetctl.domain.billing import MEANING_TITLES, Meaning
from meetctl.reports.html.markup import Markup, element, join
from meetctl.reports.money import format_usd

if TYPE_CHECKING:
    from meetctl.domain.audit import PolicyAudit

_BAR_PITCH_PX = 40


def render_bars(policies: Sequence[PolicyAudit], meaning: Meaning) -> Markup:
    """Draw costs alone, with the reason."""
    amounts = [audit.costs[meaning].usd_per_hour for audit in policies]
    reason = element("p", _explain_missing(policies), class_="note")
    known = [amount for amount in amounts if amount is not None]
    if not known:
        return reason
    most = max(known)
    bars = [
        _draw_bar(place, audit, amount, amount / most if amount is not None and most else Decimal(0))
        for place, (audit, amount) in enumerate(zip(policies, amounts, strict=True))
    ]
    values = "; ".join(f"{a.policy.name} {format_usd(usd)}" for a, usd in zip(policies, amounts, strict=True))
    title = element("title", f"Cost an hour, {MEANING_TITLES[meaning]}: {values}")
    height = _BAR_PITCH_PX * len(bars)
    drawing = element("svg", title, *bars, class_="bars", width="100%", height=height, role="img")
    caption = element("figcaption", f"USD per hour, {MEANING_TITLES[meaning]}.")
    return join([reason, element("figure", drawing, caption)])


def _draw_bar(place: int, audit: PolicyAudit, amount: Decimal | None, share: Decimal) -> Markup:
    y = place * _BAR_PITCH_PX
    source = " (source rate)" if audit.is_baseline else ""
    value = "n/a: no price" if amount is None else f"{format_usd(amount)}/h"
    kind = "bar source" if audit.is_baseline else "bar"
    return element(
        "g",
        element("text", f"{audit.policy.name}{source}", x=0, y=y + 14, class_="label"),
        element("text", value, x="100%", y=y + 14, class_="label end"),
        element("rect", x=0, y=y + 19, width="100%", height=10, class_="trough"),
        element("rect", x=0, y=y + 19, width=f"{100 * share:.2f}%", height=10, class_=kind),
    )


def _explain_missing(policies: Sequence[PolicyAudit]) -> str:
    """Say why there is no curve."""
    coverages = [audit.coverage for audit in policies]
    if all(coverage.ratio is not None for coverage in coverages):
        return "There is no cost-against-coverage curve, because no policy here has a price."
    if any(coverage.changes == 0 for coverage in coverages):
        return "Nothing visible changed here, so there is no coverage to hold the costs against."
    if any(coverage.method == "packets" for coverage in coverages):
        return (
            "Coverage is unknown: the packets of this codec do not tell when the picture changed. "
            "With --coverage decode the pictures themselves are looked at."
        )
    return "Coverage was not measured (--coverage off), so costs alone are shown."
