"""Holding an audit against what `--assert` demands."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from meetctl.domain.assertion import Values, check
from meetctl.domain.audit import Audit, Cost, PolicyAudit, RecordingAudit
from meetctl.domain.billing import MEANINGS, Meaning

_POLICY_NAMES = ("kept", "tokens_per_frame", "coverage", "changes", "seen", "delay_p50_s", "delay_p95_s")
_COST_NAMES = ("usd", "usd_per_min", "usd_per_hour", "sent", "tokens", "saving")

NAMES = (
    *_POLICY_NAMES,
    *_COST_NAMES,
    *(f"{meaning}.{name}" for meaning in MEANINGS for name in _COST_NAMES),
)
"""Everything an expression may name."""


def check_expressions(expressions: Sequence[str]) -> None:
    """Check, before an audit is made, that each can be held against one.

    Raises:
        UsageError: An expression is not one, or names what there is not.
    """
    for expression in expressions:
        check(expression, dict.fromkeys(NAMES))


def check_audit(audit: Audit, expressions: Sequence[str]) -> list[str]:
    """Return one line for each demand that does not hold or cannot be decided; none when all hold.

    A demand speaks of every policy that was asked for, in every recording; of a sweep, of the chosen one.

    Raises:
        UsageError: An expression is not one.
    """
    return [
        line
        for expression in expressions
        for recording in audit.recordings
        for line in _check_recording(expression, recording, audit)
    ]


def _check_recording(expression: str, recording: RecordingAudit, audit: Audit) -> list[str]:
    policies, path = recording.asked, recording.recording.path
    if audit.swept:
        policies = tuple(policy for policy in recording.policies if policy.is_cheapest)
        if not policies:
            return [f"{expression!r} cannot be decided for {path}: no policy was chosen by --sweep"]
    failures: list[str] = []
    for policy in policies:
        verdict = check(expression, name_values(policy, audit.meaning))
        if not verdict.holds:
            what = "does not hold" if verdict.holds is False else "cannot be decided"
            reasons = "; ".join(verdict.reasons)
            failures.append(
                f"{expression!r} {what} for {path}, {policy.policy.name}"
                + (f": {reasons}" if reasons else "")
            )
    return failures


def name_values(policy: PolicyAudit, meaning: Meaning) -> Values:
    """Return everything an expression may name; costs without a meaning's name are in `meaning`."""
    coverage = policy.coverage
    figures = (
        *(policy.kept, policy.tokens_per_frame, coverage.ratio, coverage.changes, coverage.seen),
        *(coverage.delay_s(50), coverage.delay_s(95)),
    )
    values = dict(zip(_POLICY_NAMES, map(_decimal, figures), strict=True))
    for name, cost in policy.costs.items():
        named = _name_cost(cost, policy.saving[name])
        values |= {f"{name}.{key}": value for key, value in named.items()}
        if name == meaning:
            values |= named
    return values


def _name_cost(cost: Cost, saving: float | None) -> dict[str, Decimal | None]:
    figures = (
        *(cost.usd, cost.usd_per_min, cost.usd_per_hour),
        *(Decimal(cost.sent), Decimal(cost.tokens), _decimal(saving)),
    )
    return dict(zip(_COST_NAMES, figures, strict=True))


def _decimal(value: float | None) -> Decimal | None:
    """Take a float at the digits it is shown with: 0.95 means 0.95."""
    return None if value is None else Decimal(str(value))
