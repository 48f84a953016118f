"""Holding an audit against what `--assert` demands."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from meetctl.domain.assertion import check
from meetctl.domain.audit import Audit, Cost, PolicyAudit
from meetctl.domain.billing import Meaning


def check_audit(audit: Audit, expressions: Sequence[str]) -> list[str]:
    """Return one line for each demand that does not hold or cannot be decided; none when all hold.

    A demand speaks of every policy that was asked for, in every recording; of a sweep, of the chosen one.

    Raises:
        UsageError: An expression is not one.
    """
    failures: list[str] = []
    for expression in expressions:
        for recording in audit.recordings:
            chosen = [policy for policy in recording.asked if policy.is_cheapest]
            for policy in chosen or recording.asked:
                verdict = check(expression, name_values(policy, audit.meaning))
                if not verdict.holds:
                    what = "does not hold" if verdict.holds is False else "cannot be decided"
                    where = f"{recording.recording.path}, {policy.policy.name}"
                    failures.append(f"{expression!r} {what} for {where}: {'; '.join(verdict.reasons)}")
    return failures


def name_values(policy: PolicyAudit, meaning: Meaning) -> dict[str, Decimal | None]:
    """Return everything an expression may name; costs without a meaning's name are in `meaning`."""
    values: dict[str, Decimal | None] = {
        "kept": Decimal(policy.kept),
        "tokens_per_frame": _decimal(policy.tokens_per_frame),
        "coverage": _decimal(policy.coverage.ratio),
        "changes": _decimal(policy.coverage.changes),
        "seen": _decimal(policy.coverage.seen),
        "delay_p50_s": _decimal(policy.coverage.delay_s(50)),
        "delay_p95_s": _decimal(policy.coverage.delay_s(95)),
    }
    for name, cost in policy.costs.items():
        named = _name_cost(cost, policy.saving[name])
        values |= {f"{name}.{key}": value for key, value in named.items()}
        if name == meaning:
            values |= named
    return values


def _name_cost(cost: Cost, saving: float | None) -> dict[str, Decimal | None]:
    return {
        "usd": cost.usd,
        "usd_per_min": cost.usd_per_min,
        "usd_per_hour": cost.usd_per_hour,
        "sent": Decimal(cost.sent),
        "tokens": Decimal(cost.tokens),
        "saving": _decimal(saving),
    }


def _decimal(value: float | None) -> Decimal | None:
    """Take a float at the digits it is shown with: 0.95 means 0.95."""
    return None if value is None else Decimal(str(value))
