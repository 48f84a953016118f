"""From kept frames to tokens to money, and sums of it over tracks and recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from meetctl.domain.audit import Cost, PolicyAudit, add_costs, savings
from meetctl.domain.billing import MEANINGS, Meaning, count_usage
from meetctl.domain.coverage import Coverage, join_coverage
from meetctl.domain.policy import Policy
from meetctl.domain.pricing import price_of
from meetctl.domain.recording import Track, sizes_of
from meetctl.domain.vision_tokens import image_tokens, sent_size

if TYPE_CHECKING:
    from meetctl.domain.vision_tokens import ImageRule
    from meetctl.ports import PriceBook

_UNIT = "input_tokens"
"""What providers bill images as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedFrames:
    """What is priced: a policy's kept frames of one track, and which of them each request takes."""

    policy: Policy
    track: Track
    kept: Sequence[int]
    kept_us: Sequence[int]
    attached: Sequence[tuple[int, int]]
    """For each request, the first of the kept frames that it takes and the one after the last."""
    duration_us: int


def price_policy(
    frames: PricedFrames, coverage: Coverage, *, is_baseline: bool, book: PriceBook, at: datetime
) -> PolicyAudit:
    """Price one policy's kept frames of one track at the prices of `at`.

    Savings are filled in by `sum_policies`, which sees the baseline too.

    Raises:
        UnknownModelError: The policy's model has no image rule.
        UsageError: The model does not know the policy's detail.
    """
    policy = frames.policy
    rule = book.image_rule(policy.model, at)
    price = book.price(policy.model, _UNIT, at)
    tokens = count_frame_tokens(frames.track, frames.kept, policy, rule)
    usage = count_usage(len(frames.kept), tokens, frames.attached)
    costs: dict[Meaning, Cost] = {
        meaning: Cost(
            sent=usage[meaning].sent,
            tokens=usage[meaning].tokens,
            usd=price_of(usage[meaning].tokens, price) if price else None,
            duration_us=frames.duration_us,
        )
        for meaning in MEANINGS
    }
    return PolicyAudit(
        policy=policy,
        is_baseline=is_baseline,
        kept=len(frames.kept),
        kept_us=(frames.kept_us,),
        tokens_per_frame=tokens if isinstance(tokens, int) else None,
        rule=rule.id,
        costs=costs,
        saving=dict.fromkeys(MEANINGS),
        coverage=coverage,
    )


def count_frame_tokens(
    track: Track, kept: Sequence[int], policy: Policy, rule: ImageRule
) -> Sequence[int] | int:
    """Return each kept frame's tokens at the size it is sent in; one number if they are all alike."""
    tokens_of = {
        (run.width, run.height): image_tokens(
            rule, *sent_size(run.width, run.height, policy.side), policy.detail
        )
        for run in track.runs
    }
    if len(set(tokens_of.values())) == 1:
        return next(iter(tokens_of.values()))
    tokens = [tokens_of[size] for size in sizes_of(track, kept)]
    return tokens[0] if tokens and len(set(tokens)) == 1 else tokens


def sum_policies(parts: Sequence[Sequence[PolicyAudit]], duration_us: int) -> tuple[PolicyAudit, ...]:
    """Add up tracks' or recordings' audits policy by policy, the baseline first; set what is saved.

    A policy that a recording has not, because it is that recording's source rate, is there its baseline.
    """
    by_name = [{audit.policy.name: audit for audit in part} for part in parts]
    names = dict.fromkeys(audit.policy.name for part in parts for audit in part[1:])
    baseline = _join([part[0] for part in parts], duration_us)
    others = [
        _join([named.get(name, part[0]) for named, part in zip(by_name, parts, strict=True)], duration_us)
        for name in names
    ]
    if any(part[0].policy.name != baseline.policy.name for part in parts):
        baseline = replace(baseline, policy=replace(baseline.policy, name="source rate"))
    return tuple(replace(audit, saving=savings(audit.costs, baseline.costs)) for audit in (baseline, *others))


def _join(parts: Sequence[PolicyAudit], duration_us: int) -> PolicyAudit:
    if len(parts) == 1:
        return parts[0]
    own = next((part for part in parts if not part.is_baseline), parts[0])
    same_tokens = {part.tokens_per_frame for part in parts}
    costs: Mapping[Meaning, Cost] = {
        meaning: add_costs([part.costs[meaning] for part in parts], duration_us) for meaning in MEANINGS
    }
    return replace(
        own,
        kept=sum(part.kept for part in parts),
        kept_us=tuple(times for part in parts for times in part.kept_us),
        tokens_per_frame=same_tokens.pop() if len(same_tokens) == 1 else None,
        costs=costs,
        coverage=join_coverage([part.coverage for part in parts]),
    )
