"""Pricing past usage anew: the ledger's quantities, another image rule, other prices. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from meetctl.domain.ledger import RequestTokens, Selection, SentImages, Spending
from meetctl.domain.repricing import Repriced, Repricing, Target
from meetctl.domain.vision_tokens import resolve_detail
from meetctl.services.image_prices import DatedPrices, noon

if TYPE_CHECKING:
    from meetctl.ports import Ledger, PriceBook

_SPEECH = ("minutes", "characters")
_Alike = tuple[str, str]
"""Provider and model."""


def reprice(ledger: Ledger, book: PriceBook, selection: Selection, target: Target, today: date) -> Repricing:
    """Return what the selected usage cost and what it would have cost.

    Raises:
        UnknownModelError: No image rule covers the target's model; the message names close matches.
        UsageError: The target's model does not know the detail.
    """
    if target.model is not None:
        rule = book.image_rule(target.model, noon(target.at or today))
        resolve_detail(rule, target.detail or "auto")
    prices = DatedPrices(book)
    spending = ledger.sum_spending(selection, ("day",))
    tokens, images = ledger.sum_tokens(selection), ledger.count_images(selection)
    rows = [*_language(spending, tokens, images, target, prices), *_speech(spending, target, prices)]
    return Repricing(
        target=target,
        selection=selection,
        rows=tuple(
            sorted(rows, key=lambda row: (not row.is_language_model, -row.usd, row.provider, row.model))
        ),
        completeness=ledger.count_completeness(selection),
        assumptions=tuple(_assumptions(target)),
    )


def _language(
    spending: Iterable[Spending],
    tokens: Iterable[RequestTokens],
    images: Iterable[SentImages],
    target: Target,
    prices: DatedPrices,
) -> Iterator[Repriced]:
    spent: dict[_Alike, list[Spending]] = {}
    for one in spending:
        if one.unit not in _SPEECH:
            spent.setdefault((one.provider, one.model), []).append(one)
    requests: dict[_Alike, list[RequestTokens]] = {}
    for part in tokens:
        requests.setdefault((part.provider, part.model), []).append(part)
    pictures: dict[_Alike, list[SentImages]] = {}
    for image in images:
        pictures.setdefault((image.provider, image.model), []).append(image)
    for alike in dict.fromkeys([*spent, *requests]):
        days = _Days(alike, target, prices)
        for image in pictures.get(alike, []):
            days.add_images(image)
        for part in requests.get(alike, []):
            days.add_tokens(part)
        parts = spent.get(alike, [])
        yield days.conclude(parts)


class _Days:
    """One model's usage, day by day, on its way to another price."""

    def __init__(self, alike: _Alike, target: Target, prices: DatedPrices) -> None:
        self._provider, self._model = alike
        self._target = target
        self._prices = prices
        self._new_model = target.model or self._model
        # Another model is somebody else's: what was free offline has a price there.
        self._new_provider = "" if target.model is not None else self._provider
        self._image_tokens: dict[date | None, int] = {}
        self._quantities: dict[tuple[date | None, str], int] = {}
        self._uncounted = self._old_images = self._text = 0

    def add_images(self, sent: SentImages) -> None:
        """Count images by the rule of the target's model, each in its own size and detail."""
        detail = sent.detail if sent.is_looked else self._target.detail or sent.detail
        side = sent.side if sent.is_looked else self._target.side or sent.side
        day = self._target.at or sent.day
        each = self._prices.image_tokens(self._new_model, (sent.width, sent.height), side, detail, day)
        if each is None:
            self._uncounted += sent.images
        else:
            self._image_tokens[sent.day] = self._image_tokens.get(sent.day, 0) + each * sent.images

    def add_tokens(self, part: RequestTokens) -> None:
        """Take text and answers as they were."""
        self._old_images += part.image_tokens
        self._text += part.text_tokens + part.cached_text_tokens
        kept = 0 if self._target.changes_pictures else part.cached_image_tokens
        self._add(part.day, "input_tokens", part.text_tokens - kept)
        self._add(part.day, "cached_input_tokens", part.cached_text_tokens + kept)
        self._add(part.day, "output_tokens", part.output_tokens)

    def conclude(self, spent: list[Spending]) -> Repriced:
        """Price everything, and put it beside what it cost."""
        for day, tokens in self._image_tokens.items():
            self._add(day, "input_tokens", tokens)
        usd = Decimal(0)
        unpriced: dict[str, Fraction] = {}
        for (day, unit), quantity in self._quantities.items():
            cost = self._prices.cost(
                self._new_provider, self._new_model, unit, quantity, self._target.at or day
            )
            if cost is None:
                unpriced[unit] = unpriced.get(unit, Fraction(0)) + quantity
            else:
                usd += cost
        return Repriced(
            provider=self._provider,
            model=self._model,
            new_model=self._new_model,
            usd=sum((one.usd for one in spent), Decimal(0)),
            has_unpriced=any(one.unpriced for one in spent),
            new_usd=usd,
            unpriced=tuple(unpriced.items()),
            image_tokens=self._old_images,
            new_image_tokens=sum(self._image_tokens.values()),
            uncounted_images=self._uncounted,
            text_tokens=self._text,
            is_language_model=True,
        )

    def _add(self, day: date | None, unit: str, quantity: int) -> None:
        self._quantities[day, unit] = self._quantities.get((day, unit), 0) + quantity


def _speech(spending: Iterable[Spending], target: Target, prices: DatedPrices) -> Iterator[Repriced]:
    """Price speech anew where the day or the book is another; with another model alone it stays as it was."""
    alike: dict[_Alike, list[Spending]] = {}
    for one in spending:
        if one.unit in _SPEECH:
            alike.setdefault((one.provider, one.model), []).append(one)
    for (provider, model), parts in alike.items():
        usd = sum((one.usd for one in parts), Decimal(0))
        new_usd = usd
        unpriced: dict[str, Fraction] = {}
        if target.at is not None or target.has_other_book:
            new_usd = Decimal(0)
            for one in parts:
                day = target.at or (date.fromisoformat(one.group[0]) if one.group[0] else None)
                cost = prices.cost(provider, model, one.unit, one.quantity, day)
                if cost is None:
                    unpriced[one.unit] = unpriced.get(one.unit, Fraction(0)) + one.quantity
                else:
                    new_usd += cost
        else:
            for one in parts:
                if one.unpriced:
                    unpriced[one.unit] = unpriced.get(one.unit, Fraction(0)) + one.unpriced
        yield Repriced(
            provider=provider,
            model=model,
            new_model=model,
            usd=usd,
            has_unpriced=any(one.unpriced for one in parts),
            new_usd=new_usd,
            unpriced=tuple(unpriced.items()),
        )


def _assumptions(target: Target) -> Iterator[str]:
    if target.model is not None:
        yield "text and answers have as many tokens as they had; another model's tokenizer counts otherwise"
        yield "an answer of another model may be longer or shorter"
    if target.changes_pictures:
        yield "what was cached of the text is cached again, pictures are not"
    if target.at is None and not target.has_other_book:
        yield "each use at the price of its own day; speech stays as it was"
    yield "list prices; batch and priority tiers and prices of long prompts are not modelled"
