"""What the frames of past sessions cost in each of the three meanings, by their events and the price book."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from meetctl.domain.billing import MEANINGS, Meaning, Usage, follow_requests
from meetctl.domain.ledger import Dimension, ImageRequest, KeptFrames, Selection
from meetctl.domain.meanings import MeaningCost, MeaningRow, MeaningSummary
from meetctl.services.image_prices import DatedPrices

if TYPE_CHECKING:
    from meetctl.ports import Ledger, PriceBook

_UNIT = "input_tokens"
"""What providers bill images as."""

_OWN: Meaning = "per_turn"
_HISTORY: Meaning = "history"
_ZERO = Decimal(0)

_Requests = tuple[tuple[str | None, ...], date | None, str, str]
_Costs = dict[tuple[tuple[str | None, ...], Meaning], MeaningCost]


def cost_by_meaning(
    ledger: Ledger, book: PriceBook, selection: Selection, by: Sequence[Dimension]
) -> MeaningSummary:
    """Return what images cost in the three meanings, at the list price of each one's day.

    What requests sent is counted as their events say it; what every kept frame would be, by the image rule.
    In a session's history are the images of all its earlier requests within the selection.
    """
    prices = DatedPrices(book)
    costs: _Costs = {}
    for frames in ledger.count_kept(selection, by):
        _add(costs, frames.group, "every_frame", _cost_of_frames(frames, prices))
    for (request, meaning), usage in _count_requests(ledger.list_image_requests(selection, by)).items():
        group, day, provider, model = request
        usd = prices.cost(provider, model, _UNIT, usage.tokens, day)
        unpriced = usage.sent if usd is None else 0
        _add(
            costs,
            group,
            meaning,
            MeaningCost(sent=usage.sent, tokens=usage.tokens, usd=usd or _ZERO, unpriced=unpriced),
        )
    groups = dict.fromkeys(group for group, _ in costs)
    return MeaningSummary(
        by=tuple(by),
        selection=selection,
        rows=tuple(
            MeaningRow(group=group, meaning=meaning, cost=costs.get((group, meaning), MeaningCost()))
            for group in sorted(groups, key=lambda group: tuple(value or "" for value in group))
            for meaning in MEANINGS
        ),
        completeness=ledger.count_completeness(selection),
    )


def _count_requests(requests: Iterable[ImageRequest]) -> dict[tuple[_Requests, Meaning], Usage]:
    """Count the images of requests, session by session, for all that are alike together."""
    counted: dict[tuple[_Requests, Meaning], Usage] = {}
    for _, session in groupby(requests, key=lambda request: request.session):
        listed = list(session)
        steps = follow_requests(Usage(sent=one.images, tokens=one.tokens) for one in listed)
        for one, (own, history) in zip(listed, steps, strict=True):
            alike = (one.group, one.day, one.provider, one.model)
            for key, usage in (((alike, _OWN), own), ((alike, _HISTORY), history)):
                counted[key] = counted[key] + usage if key in counted else usage
    return counted


def _cost_of_frames(frames: KeptFrames, prices: DatedPrices) -> MeaningCost:
    """Price kept frames as if each were sent once, as its policy would send it."""
    size = (frames.width, frames.height)
    each = None
    if frames.model is not None:
        each = prices.image_tokens(frames.model, size, frames.side, frames.detail or "high", frames.day)
    if each is None or frames.model is None:
        return MeaningCost(sent=frames.frames, unpriced=frames.frames)
    tokens = each * frames.frames
    usd = prices.cost(frames.provider or "", frames.model, _UNIT, tokens, frames.day)
    return MeaningCost(
        sent=frames.frames, tokens=tokens, usd=usd or _ZERO, unpriced=frames.frames if usd is None else 0
    )


def _add(costs: _Costs, group: tuple[str | None, ...], meaning: Meaning, cost: MeaningCost) -> None:
    costs[group, meaning] = costs.get((group, meaning), MeaningCost()) + cost
