"""What a recorded session would have kept and cost by another policy: as a whole, and up to a moment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from meetctl.domain.attachment import attach_ranges
from meetctl.domain.billing import MEANINGS, Meaning, Usage, count_usage
from meetctl.domain.policy import Policy, name_rate, parse_rate
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from meetctl.domain.audit import Cost, PolicyAudit, RecordingAudit
    from meetctl.domain.state.about import Looking

RATES = tuple(parse_rate(rate) for rate in ("0.2", "0.5", "1", "2", "every-frame"))
DETAILS = ("high", "low")
"""What there is to choose from: rates and details that differ much in cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Images that were sent by a policy until a moment, in one meaning."""

    sent: int
    tokens: int | None
    """None where frames differ in size, so that only the whole was counted."""
    usd: Decimal | None
    """None where there is no price, or no count of tokens: never zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySoFar:
    """One policy until a moment."""

    policy: Policy
    kept: int
    spent: Mapping[Meaning, Spent]
    changes: int | None
    """How many visible changes there were; None where nobody has looked for them."""
    missed: int | None
    """How many of them no kept frame shows."""

    @property
    def coverage(self) -> float | None:
        """The share of changes that a kept frame shows; None where there were none, or nobody has looked."""
        return 1 - self.missed / self.changes if self.changes and self.missed is not None else None


def choose_policies(looking: Looking) -> tuple[Policy, ...]:
    """Return the policies to choose from; what they leave open is as the session began with.

    The session's own policy is among them, and the first of all is every frame at its own detail.

    >>> from meetctl.domain.state.about import Looking
    >>> policies = choose_policies(Looking(fps="1", window=5, detail="high", model="gpt-4.1"))
    >>> policies[0].name, policies[1].name, len(policies)
    ('every frame, high', '0.2 fps, high', 10)
    """
    own = read_policy(looking)
    details = dict.fromkeys((own.detail, *DETAILS))
    rates = sorted({*RATES, own.fps}, key=lambda fps: (fps is None, fps or Fraction(0)))
    everything = [
        replace(own, name=name_policy(fps, detail), fps=fps, detail=detail)
        for detail in details
        for fps in rates
    ]
    first = name_policy(None, own.detail)
    return tuple(sorted(everything, key=lambda policy: policy.name != first))


def read_policy(looking: Looking) -> Policy:
    """Return the policy that a session goes by; what it does not say is the agent's default."""
    try:
        fps = parse_rate(looking.fps) if looking.fps is not None else Fraction(1)
    except UsageError:
        fps = Fraction(1)
    detail = looking.detail or "high"
    return Policy(
        name=name_policy(fps, detail),
        fps=fps,
        window=5 if looking.window is None else looking.window,
        detail=detail,
        model=looking.model or "gpt-4.1",
        side=looking.side,
    )


def name_policy(fps: Fraction | None, detail: str) -> str:
    """Return what a policy is called here.

    >>> name_policy(Fraction(1, 2), "low")
    '0.5 fps, low'
    """
    return f"{name_rate(fps)}, {detail}"


def count_until(audit: RecordingAudit, policy: PolicyAudit, t_us: int) -> PolicySoFar:
    """Return what a policy has kept and cost until a moment; at the end that is what the audit says."""
    coverage = policy.coverage
    is_looked_for = coverage.changes is not None and all(times is not None for times in audit.changes_us)
    changes = sum(bisect_right(times or (), t_us) for times in audit.changes_us)
    return PolicySoFar(
        policy=policy.policy,
        kept=sum(bisect_right(times, t_us) for times in policy.kept_us),
        spent=_spend_until(audit, policy, t_us),
        changes=changes if is_looked_for else None,
        missed=bisect_right(coverage.missed_us, t_us) if is_looked_for else None,
    )


def _spend_until(audit: RecordingAudit, policy: PolicyAudit, t_us: int) -> dict[Meaning, Spent]:
    requests = audit.requests_us[: bisect_right(audit.requests_us, t_us)]
    ids = [track.id for track in audit.recording.tracks]
    ranges = attach_ranges(policy.kept_us, requests, policy.policy.window, ids)
    used = dict.fromkeys(MEANINGS, Usage(sent=0, tokens=0))
    for kept_us, attached in zip(policy.kept_us, ranges, strict=True):
        of_track = count_usage(bisect_right(kept_us, t_us), policy.tokens_per_frame or 0, attached)
        used = {meaning: used[meaning] + of_track[meaning] for meaning in MEANINGS}
    has_tokens = policy.tokens_per_frame is not None
    return {
        meaning: Spent(
            sent=used[meaning].sent,
            tokens=used[meaning].tokens if has_tokens else None,
            usd=_share(policy.costs[meaning], used[meaning].tokens) if has_tokens else None,
        )
        for meaning in MEANINGS
    }


def _share(whole: Cost, tokens: int) -> Decimal | None:
    """Return what so many of all tokens cost, all being of one price."""
    if whole.usd is None or not whole.tokens:
        return whole.usd
    return whole.usd * tokens / whole.tokens
