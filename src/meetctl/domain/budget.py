"""Budgets: how much may be spent, and what the agent gives up as spending nears that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Literal, get_args

from meetctl.domain.restraint import NO_RESTRAINT, Restraint, parse_restraint
from meetctl.errors import UsageError

BudgetKind = Literal["meeting", "tenant day"]
"""What a limit is for: one meeting, or all meetings of a tenant on one day (UTC)."""

Announcing = Literal["off", "chat", "voice"]
"""How people in the meeting are told of a step."""
ANNOUNCINGS: tuple[Announcing, ...] = get_args(Announcing)

SLACK = Fraction(1, 20)
"""By this share of a step's own threshold spending must have fallen below it before the step is undone."""

_STEP_FORM = "write steps as '70% detail=low, 90% vision=off, 100% speech=off'"
_TENANTS_FORM = 'write it as {"acme": {"day_usd": "20", "meeting_usd": "2"}}'
_MOST_STEPS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetStep:
    """What the agent gives up from a share of the limit on."""

    share: Fraction
    """Of the limit; 1 is all of it."""
    name: str
    """How it was written, without its share."""
    restraint: Restraint
    """What it adds to the steps before it."""


def parse_steps(text: str) -> tuple[BudgetStep, ...]:
    """Read steps from the first to the last: `SHARE% WORD…`, with commas between them.

    >>> [(step.share, step.name) for step in parse_steps("80% detail=low, 100% speech=off")]
    [(Fraction(4, 5), 'detail=low'), (Fraction(1, 1), 'speech=off')]

    Raises:
        UsageError: It is no such text, or its steps are in no sensible order.
    """
    steps = tuple(_parse_step(part) for part in text.split(","))
    if len(steps) > _MOST_STEPS:
        raise UsageError(f"these are {len(steps)} steps; {_MOST_STEPS} are the most")
    so_far = NO_RESTRAINT
    for place, step in enumerate(steps):
        if place and step.share <= steps[place - 1].share:
            raise UsageError(f"the step {step.name!r} does not come after the one before it", hint=_STEP_FORM)
        if not so_far.stays:
            raise UsageError(f"the step {step.name!r} comes after leaving", hint="leave is the last step")
        if not so_far.speaks and step.restraint.limits_vision:
            raise UsageError(
                f"the step {step.name!r} comes after speech=off", hint="vision is given up before speech"
            )
        so_far = so_far.join(step.restraint)
    return steps


def format_steps(steps: Sequence[BudgetStep]) -> str:
    """Return steps as `parse_steps` reads them.

    >>> format_steps(DEFAULT_STEPS)
    '70% detail=low, 80% fps=0.2 window=1, 90% vision=off, 100% speech=off'
    >>> parse_steps(format_steps(DEFAULT_STEPS)) == DEFAULT_STEPS
    True
    """
    return ", ".join(f"{_percent(step.share)}% {step.name}" for step in steps)


DEFAULT_STEPS = (
    BudgetStep(share=Fraction(7, 10), name="detail=low", restraint=Restraint(detail="low")),
    BudgetStep(
        share=Fraction(8, 10), name="fps=0.2 window=1", restraint=Restraint(fps=Fraction(1, 5), window=1)
    ),
    BudgetStep(share=Fraction(9, 10), name="vision=off", restraint=Restraint(sees=False)),
    BudgetStep(share=Fraction(1), name="speech=off", restraint=Restraint(speaks=False)),
)
"""Vision first, and speech at last. A lower rate alone saves nothing, because a request takes as many images
as before; so its step sends one of them only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLimits:
    """How many US dollars may be spent; None where nothing is set."""

    meeting_usd: Decimal | None = None
    day_usd: Decimal | None = None
    """By all meetings of one tenant on one day (UTC)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """All that is configured about spending."""

    everyone: BudgetLimits = field(default_factory=BudgetLimits)
    """The limits of tenants that have none of their own."""
    tenants: Mapping[str, BudgetLimits] = field(default_factory=dict)
    """The limits of single tenants; what one of them leaves open is as for everyone."""
    steps: tuple[BudgetStep, ...] = DEFAULT_STEPS
    announcing: Announcing = "off"

    def of(self, tenant_id: str | None) -> BudgetLimits:
        """Return a tenant's limits; meetings of no tenant together have those for everyone.

        >>> budgets = Budgets(
        ...     everyone=BudgetLimits(meeting_usd=Decimal(2), day_usd=Decimal(20)),
        ...     tenants={"acme": BudgetLimits(day_usd=Decimal(5))},
        ... )
        >>> budgets.of("acme")
        BudgetLimits(meeting_usd=Decimal('2'), day_usd=Decimal('5'))
        """
        own = BudgetLimits() if tenant_id is None else self.tenants.get(tenant_id, BudgetLimits())
        return BudgetLimits(
            meeting_usd=self.everyone.meeting_usd if own.meeting_usd is None else own.meeting_usd,
            day_usd=self.everyone.day_usd if own.day_usd is None else own.day_usd,
        )


def lower_limit(limit_usd: Decimal | None, other_usd: Decimal | None) -> Decimal | None:
    """Return the lower of two limits; where one of them is none, the other.

    >>> lower_limit(Decimal(2), None), lower_limit(Decimal(2), Decimal(1)), lower_limit(None, None)
    (Decimal('2'), Decimal('1'), None)
    """
    return min((one for one in (limit_usd, other_usd) if one is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetAccount:
    """One budget as it stands."""

    budget: BudgetKind
    spent_usd: Decimal
    """What has a price; a lower bound where some usage has none."""
    limit_usd: Decimal | None
    """None where nothing limits it."""


def decide_level(account: BudgetAccount, steps: Sequence[BudgetStep], level: int = 0) -> int:
    """Return how many of the steps are in force, where `level` of them were until now.

    A step is taken as soon as spending reaches its share. It is undone only when spending is below that by
    `SLACK`, as after a raised limit or with a new day, so that it does not come and go with each cent.

    >>> steps = parse_steps("70% detail=low, 100% speech=off")
    >>> def decide(spent, level=0):
    ...     return decide_level(
    ...         BudgetAccount(budget="meeting", spent_usd=Decimal(spent), limit_usd=Decimal(1)), steps, level
    ...     )
    >>> decide("0.69"), decide("0.7"), decide("2"), decide("0.97", level=2), decide("0.94", level=2)
    (0, 1, 2, 2, 1)
    """
    if account.limit_usd is None:
        return 0
    spent, limit = Fraction(account.spent_usd), Fraction(account.limit_usd)
    reached = sum(spent >= step.share * limit for step in steps)
    level = min(level, len(steps))
    while level > reached and spent < steps[level - 1].share * limit * (1 - SLACK):
        level -= 1
    return max(level, reached)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetVerdict:
    """What all budgets together ask of the agent."""

    levels: Mapping[BudgetKind, int]
    """How many steps each budget asks for."""
    level: int
    """How many steps are in force: as many as the stricter budget asks for."""
    account: BudgetAccount
    """The budget that decides: the stricter, or the first of those that ask for the same."""


def judge_budgets(
    accounts: Sequence[BudgetAccount], steps: Sequence[BudgetStep], levels: Mapping[BudgetKind, int]
) -> BudgetVerdict:
    """Judge budgets side by side; `levels` is how many steps each asked for until now. The stricter wins."""
    found = {
        account.budget: decide_level(account, steps, levels.get(account.budget, 0)) for account in accounts
    }
    # Of several that ask for the same, max returns the first.
    strictest = max(accounts, key=lambda account: found[account.budget])
    return BudgetVerdict(levels=found, level=found[strictest.budget], account=strictest)


def restraint_at(steps: Sequence[BudgetStep], level: int) -> Restraint:
    """Return what the first `level` steps together leave of the agent."""
    restraint = NO_RESTRAINT
    for step in steps[:level]:
        restraint = restraint.join(step.restraint)
    return restraint


def name_step(steps: Sequence[BudgetStep], level: int) -> str | None:
    """Return the name of the last step in force; None before the first."""
    return steps[level - 1].name if level else None


def parse_limit(text: str) -> Decimal:
    """Read an amount of US dollars: a plain decimal number of at least 0.

    >>> parse_limit("2.50")
    Decimal('2.50')

    Raises:
        UsageError: It is none.
    """
    digits = text.strip()
    whole, _, cents = digits.partition(".")
    if not (whole + cents).isascii() or not (whole + cents).isdigit() or len(digits) > 24:
        raise UsageError(f"{text!r} is no amount of US dollars", hint="write it as 2 or 0.50")
    return Decimal(digits)


def parse_tenant_limits(text: str) -> dict[str, BudgetLimits]:
    """Read the limits of single tenants, a JSON object of objects; amounts are texts or numbers.

    >>> parse_tenant_limits('{"acme": {"day_usd": "20", "meeting_usd": 2}}')
    {'acme': BudgetLimits(meeting_usd=Decimal('2'), day_usd=Decimal('20'))}

    Raises:
        UsageError: It is no such object.
    """
    try:
        # A number is read as it is written, for 0.1 is no binary fraction.
        tenants = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        tenants = None
    if not isinstance(tenants, dict) or not all(isinstance(limits, dict) for limits in tenants.values()):
        raise UsageError("it is no JSON object of tenants", hint=_TENANTS_FORM)
    return {tenant: _read_limits(tenant, limits) for tenant, limits in tenants.items()}


def _read_limits(tenant: str, limits: Mapping[str, object]) -> BudgetLimits:
    unknown = [name for name in limits if name not in ("meeting_usd", "day_usd")]
    if unknown:
        raise UsageError(
            f"{tenant!r} has {unknown[0]!r}, which is neither meeting_usd nor day_usd", hint=_TENANTS_FORM
        )
    try:
        return BudgetLimits(**{name: parse_limit(str(limit)) for name, limit in limits.items()})
    except UsageError as error:
        raise UsageError(f"{tenant!r} has {error.message}", hint=error.hint) from None


def _parse_step(text: str) -> BudgetStep:
    share, _, words = text.strip().partition(" ")
    number = share.removesuffix("%")
    if not share.endswith("%") or not number.replace(".", "", 1).isdigit() or not number.isascii():
        raise UsageError(f"{text.strip()!r} does not begin with a percentage", hint=_STEP_FORM)
    percent = Fraction(number)
    if not 0 < percent <= 100:
        raise UsageError(f"{share} is not above 0% and at most 100%", hint="no step comes after the limit")
    name = " ".join(words.split())
    return BudgetStep(share=percent / 100, name=name, restraint=parse_restraint(name))


def _percent(share: Fraction) -> str:
    return f"{float(share * 100):.12g}"
