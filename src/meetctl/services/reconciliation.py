"""A provider's account against the ledger, and what explains the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from meetctl.domain.ledger import Selection, Spending
from meetctl.domain.model_names import OFFLINE
from meetctl.domain.reconciliation import (
    BilledLine,
    ComparedPart,
    ComparedProvider,
    ComparedQuantity,
    ProviderAccount,
    Reconciliation,
    Tolerance,
    add_known,
    plain_model,
)
from meetctl.services.image_prices import noon

if TYPE_CHECKING:
    from meetctl.ports import Ledger, PriceBook

_SHOWN = 5
"""So many days are named where more would say the same."""


def reconcile(
    account: ProviderAccount, ledger: Ledger, book: PriceBook, tolerance: Tolerance | None
) -> Reconciliation:
    """Compare an account with the ledger over the account's own days (UTC), provider by provider."""
    selection = Selection(since=_midnight(account.first), until=_midnight(account.last + timedelta(days=1)))
    ours = ledger.sum_spending(selection, ("day", "session"))
    around = ledger.sum_spending(Selection(), ("day",))
    names = list(dict.fromkeys(line.provider for line in account.lines))
    comparison = _Comparison(account, ledger, book, selection)
    return Reconciliation(
        account=account,
        providers=tuple(comparison.compare(name, _of(ours, name), _of(around, name)) for name in names),
        tolerance=tolerance,
        others=tuple(
            sorted({one.provider for one in ours if one.provider not in names and one.provider != OFFLINE})
        ),
    )


class _Comparison:
    """What all providers of an account are compared by."""

    def __init__(
        self, account: ProviderAccount, ledger: Ledger, book: PriceBook, selection: Selection
    ) -> None:
        self._account = account
        self._book = book
        self._interrupted = {one.provider: one for one in ledger.sum_interrupted(selection)}
        self._completeness = ledger.count_completeness(selection)

    def compare(self, name: str, ours: list[Spending], around: list[Spending]) -> ComparedProvider:
        """Return one provider's comparison; `around` is all that was ever used of it."""
        theirs = [line for line in self._account.lines if line.provider == name]
        whole = _part(name, theirs, ours)
        by_day = self._account.has_days and self._account.first != self._account.last
        return ComparedProvider(
            whole=whole,
            ours_estimated_usd=sum((one.usd for one in ours if not one.is_reported), Decimal(0)),
            quantities=tuple(_quantities(theirs, ours)),
            models=tuple(_parts(theirs, ours, _model_of_line, lambda one: plain_model(one.model))),
            days=tuple(_parts(theirs, ours, _day_of_line, lambda one: one.group[0] or "")) if by_day else (),
            explanations=tuple(self._explain(name, theirs, ours, around)),
            obstacles=tuple(self._find_obstacles(theirs, ours)),
        )

    def _find_obstacles(self, theirs: Sequence[BilledLine], ours: Sequence[Spending]) -> Iterator[str]:
        if all(line.usd is None for line in theirs):
            yield "their account has no amounts; only quantities are compared"
        elif any(line.usd is None for line in theirs):
            yield "not every line of their account has an amount"
        if not self._account.is_whole:
            yield "their file says that there is more than is in it"
        if not ours:
            yield "our events have nothing of this provider in these days"
        if any(one.unpriced for one in ours):
            yield "a part of our usage has no price"

    def _explain(
        self, name: str, theirs: Sequence[BilledLine], ours: Sequence[Spending], around: Sequence[Spending]
    ) -> Iterator[str]:
        estimated = sum((one.usd for one in ours if not one.is_reported), Decimal(0))
        if estimated:
            yield f"${estimated:.6f} of ours is for quantities that we estimated"
        unpriced: dict[tuple[str, str], Fraction] = {}
        for one in ours:
            if one.unpriced:
                unpriced[one.model, one.unit] = (
                    unpriced.get((one.model, one.unit), Fraction(0)) + one.unpriced
                )
        for (model, unit), quantity in unpriced.items():
            yield f"{float(quantity):,.6g} {unit} of {model} have no price in ours"
        if cut := self._interrupted.get(name):
            yield (
                f"{cut.requests} requests were cut off; providers report nothing of those, and ours are"
                f" estimated: ${cut.usd:.6f}"
            )
        yield from self._explain_gaps()
        yield from _explain_days(self._account, around)
        yield from _explain_rounding(ours)
        yield from self._explain_prices(ours)
        yield from _explain_models(theirs, ours)

    def _explain_gaps(self) -> Iterator[str]:
        if self._completeness.unended:
            yield (
                f"{self._completeness.unended} of {self._completeness.sessions} sessions have no end: what"
                " they used last may be missing"
            )
        if self._completeness.missing_events:
            yield f"{self._completeness.missing_events} events are missing in the journals"
        if self._completeness.undated_uses:
            yield f"{self._completeness.undated_uses} uses do not say their day and are not compared"

    def _explain_prices(self, ours: Sequence[Spending]) -> Iterator[str]:
        for model, unit in sorted({(one.model, one.unit) for one in ours}):
            before, after = (
                self._book.price(model, unit, noon(day)) for day in (self._account.first, self._account.last)
            )
            if before and after and before.usd != after.usd:
                yield (
                    f"the price of {unit} of {model} changed in these days, from ${before.usd:f} to"
                    f" ${after.usd:f} for {after.per:,}"
                )


def _explain_days(account: ProviderAccount, around: Sequence[Spending]) -> Iterator[str]:
    near = {str(account.first - timedelta(days=1)), str(account.last + timedelta(days=1))}
    beside = sum((one.usd for one in around if one.group[0] in near), Decimal(0))
    if beside:
        yield (
            f"${beside:.6f} of ours is on the days just before and after: it belongs to the account if its"
            " days are not those of UTC"
        )


def _explain_rounding(ours: Sequence[Spending]) -> Iterator[str]:
    """Say what it would come to if each session were rounded up to whole minutes."""
    minutes: dict[str | None, Fraction] = {}
    usd = Decimal(0)
    for one in ours:
        if one.unit == "minutes":
            minutes[one.group[1]] = minutes.get(one.group[1], Fraction(0)) + one.quantity
            usd += one.usd
    used = sum(minutes.values(), Fraction(0))
    more = sum((ceil(one) for one in minutes.values()), 0) - used
    if usd and used and more:
        cost = Fraction(usd) * more / used
        yield f"rounded up to a minute for each session, it would be ${float(cost):.6f} more"


def _explain_models(theirs: Sequence[BilledLine], ours: Sequence[Spending]) -> Iterator[str]:
    known = {plain_model(one.model) for one in ours}
    strange = sorted({plain_model(line.model) for line in theirs if line.model} - known)
    if strange and known:
        yield f"only in their account: {', '.join(strange[:_SHOWN])}; somebody else may use the same key"


def _part(name: str, theirs: Iterable[BilledLine], ours: Sequence[Spending]) -> ComparedPart:
    return ComparedPart(
        name=name,
        theirs_usd=add_known(line.usd for line in theirs),
        ours_usd=sum((one.usd for one in ours), Decimal(0)),
        ours_unpriced=any(one.unpriced for one in ours),
    )


def _parts(
    theirs: Sequence[BilledLine],
    ours: Sequence[Spending],
    name_line: Callable[[BilledLine], str | None],
    name_use: Callable[[Spending], str],
) -> Iterator[ComparedPart]:
    """Compare both sides by a name; nothing where their account does not have it in every line."""
    named = [(name_line(line), line) for line in theirs]
    if any(name is None for name, _ in named):
        return
    names = sorted({name for name, _ in named if name} | {name_use(one) for one in ours})
    parts = [
        _part(
            name, [line for of, line in named if of == name], [one for one in ours if name_use(one) == name]
        )
        for name in names
    ]
    yield from sorted(parts, key=lambda part: (-abs(part.difference or part.ours_usd), part.name))


def _quantities(theirs: Sequence[BilledLine], ours: Sequence[Spending]) -> Iterator[ComparedQuantity]:
    units = dict.fromkeys(line.unit for line in theirs if line.unit and line.quantity is not None)
    for unit in units:
        yield ComparedQuantity(
            unit=unit,
            theirs=sum((line.quantity or Fraction(0) for line in theirs if line.unit == unit), Fraction(0)),
            ours=sum((one.quantity for one in ours if one.unit == unit), Fraction(0)),
        )


def _model_of_line(line: BilledLine) -> str | None:
    return plain_model(line.model) if line.model else None


def _day_of_line(line: BilledLine) -> str | None:
    return line.day.isoformat() if line.day else None


def _of(spending: Iterable[Spending], provider: str) -> list[Spending]:
    return [one for one in spending if one.provider == provider]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
