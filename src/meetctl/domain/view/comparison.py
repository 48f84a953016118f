"""Two sessions, or two policies of one, side by side: figure by figure, with their difference."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from meetctl.domain.billing import MEANING_TITLES, MEANINGS

if TYPE_CHECKING:
    from meetctl.domain.state import SessionState
    from meetctl.domain.view.what_if import PolicySoFar

Unit = Literal["count", "usd", "seconds", "share"]
Figure = Decimal | float | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One figure of both."""

    name: str
    unit: Unit
    first: Figure
    """None where it is not known, or has no price."""
    second: Figure

    @property
    def difference(self) -> Figure:
        """How much more the second is; None where either is not known.

        >>> Compared(name="frames kept", unit="count", first=12, second=8).difference
        -4
        """
        if self.first is None or self.second is None:
            return None
        if isinstance(self.first, Decimal) and isinstance(self.second, Decimal):
            return self.second - self.first
        return self.second - self.first  # type: ignore[operator]  # both are of the row's one unit


def compare_sessions(first: SessionState, second: SessionState) -> tuple[Compared, ...]:
    """Return what two sessions have come to, figure by figure."""

    def row(name: str, unit: Unit, first_figure: Figure, second_figure: Figure) -> Compared:
        return Compared(name=name, unit=unit, first=first_figure, second=second_figure)

    return (
        row("cost", "usd", _usd(first), _usd(second)),
        row("frames seen", "count", first.frames.seen, second.frames.seen),
        row("frames kept", "count", first.frames.kept, second.frames.kept),
        row("images sent", "count", first.frames.sent, second.frames.sent),
        row("image tokens", "count", first.requests.image_tokens, second.requests.image_tokens),
        row("input tokens", "count", first.requests.input_tokens, second.requests.input_tokens),
        row("output tokens", "count", first.requests.output_tokens, second.requests.output_tokens),
        row("turns", "count", first.turns.started, second.turns.started),
        row("latency p50", "seconds", _latency(first, 50), _latency(second, 50)),
        row("latency p95", "seconds", _latency(first, 95), _latency(second, 95)),
        row("errors", "count", first.health.error_count, second.health.error_count),
    )


def compare_policies(first: PolicySoFar, second: PolicySoFar) -> tuple[Compared, ...]:
    """Return what two policies have kept, sent, cost and missed, figure by figure."""
    rows = [Compared(name="frames kept", unit="count", first=first.kept, second=second.kept)]
    for meaning in MEANINGS:
        one, other = first.spent[meaning], second.spent[meaning]
        title = MEANING_TITLES[meaning]
        rows += [
            Compared(name=f"{title}: sent", unit="count", first=one.sent, second=other.sent),
            Compared(name=f"{title}: tokens", unit="count", first=one.tokens, second=other.tokens),
            Compared(name=f"{title}: cost", unit="usd", first=one.usd, second=other.usd),
        ]
    return (
        *rows,
        Compared(name="changes shown", unit="share", first=first.coverage, second=second.coverage),
        Compared(name="changes missed", unit="count", first=first.missed, second=second.missed),
    )


def _usd(state: SessionState) -> Decimal | None:
    """Return what a session costs; None where any use has no price, for a part is no sum to compare."""
    return None if state.usage.unpriced else state.usage.usd


def _latency(state: SessionState, percent: int) -> float | None:
    return dict(state.turns.latency)["total_s"].percentile_s(percent)
