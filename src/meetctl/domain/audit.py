"""What an audit of recordings' vision finds; everything that is shown of it is made from this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from meetctl.domain.billing import MEANINGS, Meaning
from meetctl.domain.coverage import Coverage
from meetctl.domain.policy import Policy
from meetctl.domain.recording import Recording

TurnsSource = Literal["events", "vad", "rate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one policy costs in one meaning."""

    sent: int
    """How many images were sent, each as often as it was."""
    tokens: int
    usd: Decimal | None
    """None where there is no price: never zero."""
    duration_us: int
    """How long the recording is that this is the cost of."""

    @property
    def usd_per_min(self) -> Decimal | None:
        """The cost of a minute; None where there is no price or no duration."""
        if self.usd is None or not self.duration_us:
            return None
        return self.usd * 60_000_000 / self.duration_us

    @property
    def usd_per_hour(self) -> Decimal | None:
        """The cost of an hour; None where there is no price or no duration."""
        return None if self.usd_per_min is None else self.usd_per_min * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAudit:
    """What one policy would have kept, cost and shown."""

    policy: Policy
    is_baseline: bool
    """Whether this is the source rate, which savings are measured against."""
    kept: int
    kept_us: Sequence[Sequence[int]]
    """For each track, the kept frames' times in microseconds."""
    tokens_per_frame: int | None
    """None where frames differ in size."""
    rule: str
    costs: Mapping[Meaning, Cost]
    saving: Mapping[Meaning, float | None]
    """Share saved against the baseline; None where either has no price."""
    coverage: Coverage
    is_cheapest: bool = False
    """Whether a sweep chose it: the cheapest whose coverage reaches the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """A small picture for a report."""

    track: int
    t_us: int
    jpeg: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingAudit:
    """The audit of one file or bundle."""

    recording: Recording
    priced_at: datetime
    turns: TurnsSource
    requests_us: tuple[int, ...]
    policies: tuple[PolicyAudit, ...]
    """The baseline first; with several tracks, their sum."""
    tracks: tuple[tuple[PolicyAudit, ...], ...]
    """The same for each track; one entry where there is one track."""
    changes_us: tuple[tuple[int, ...] | None, ...]
    """For each track, when something visible changed; None where nobody looked."""
    warnings: tuple[str, ...]
    kept_thumbnails: tuple[Thumbnail, ...] = ()
    change_thumbnails: tuple[Thumbnail, ...] = ()

    @property
    def baseline(self) -> PolicyAudit:
        """The source rate."""
        return self.policies[0]

    @property
    def asked(self) -> tuple[PolicyAudit, ...]:
        """The policies the user named; the baseline itself where that is what was asked for."""
        return self.policies[1:] or self.policies


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The audit of all recordings of one call."""

    recordings: tuple[RecordingAudit, ...]
    total: tuple[PolicyAudit, ...]
    """The sum over all recordings, policy by policy; empty for a single recording."""
    price_book: str
    meaning: Meaning
    """Which meaning of cost the answer speaks of."""
    swept: bool
    """Whether a grid was tried, to choose from."""
    target: float
    """Which coverage a sweep asks for."""

    @property
    def priced_share(self) -> float:
        """Share of the policies' usage that has a price, by tokens; 1 where there is no usage."""
        costs = [c for r in self.recordings for p in r.policies for c in p.costs.values()]
        tokens = sum(cost.tokens for cost in costs)
        return sum(cost.tokens for cost in costs if cost.usd is not None) / tokens if tokens else 1.0

    @property
    def is_partial(self) -> bool:
        """Whether part of the usage has no price or part of an input was damaged."""
        unpriced = any(c.usd is None for r in self.recordings for p in r.policies for c in p.costs.values())
        return unpriced or any(audit.recording.damaged for audit in self.recordings)


def add_costs(costs: Sequence[Cost], duration_us: int) -> Cost:
    """Add up costs of one policy in one meaning; unpriced where any part is."""
    usd = [cost.usd for cost in costs if cost.usd is not None]
    return Cost(
        sent=sum(cost.sent for cost in costs),
        tokens=sum(cost.tokens for cost in costs),
        usd=sum(usd, Decimal(0)) if len(usd) == len(costs) else None,
        duration_us=duration_us,
    )


def savings(costs: Mapping[Meaning, Cost], baseline: Mapping[Meaning, Cost]) -> dict[Meaning, float | None]:
    """Return the share saved against the baseline in each meaning."""
    return {meaning: _saving(costs[meaning].usd, baseline[meaning].usd) for meaning in MEANINGS}


def _saving(usd: Decimal | None, baseline_usd: Decimal | None) -> float | None:
    if usd is None or baseline_usd is None:
        return None
    return float(1 - usd / baseline_usd) if baseline_usd else 0.0
