"""Holding the image tokens and image costs of a journal's requests against the price book."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from meetctl.domain.model_names import OFFLINE, strip_offline
from meetctl.domain.pricing import price_of
from meetctl.domain.session_cost import add_usd, document_line
from meetctl.domain.verification import BothAmounts, BothSides
from meetctl.domain.vision_tokens import image_tokens

if TYPE_CHECKING:
    from meetctl.domain.journal import RequestEntry, SessionJournal
    from meetctl.domain.policy import Policy
    from meetctl.domain.recording import Recording
    from meetctl.ports import PriceBook

_UNIT = "input_tokens"
"""What providers bill images as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentImage:
    """An image as a request sends it."""

    width: int
    height: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CostComparison:
    """What all requests' images are in tokens and money, by both sides."""

    differences: tuple[tuple[int, str], ...]
    """Each with its media time in microseconds."""
    tokens: BothSides
    usd: BothAmounts
    list_usd: BothAmounts
    model: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """One request's images by the price book."""

    tokens: int
    usd: Decimal | None


def compare_costs(
    recording: Recording,
    journal: SessionJournal,
    policy: Policy,
    sent: Sequence[Sequence[SentImage]],
    book: PriceBook,
) -> CostComparison:
    """Count and price what each of the journal's requests sends by the rule, and compare.

    `sent` has each request's images.

    Raises:
        UnknownModelError: A request's model has no image rule.
        UsageError: A model does not know the detail.
    """
    counted: list[_Counted] = []
    differences: list[tuple[int, str]] = []
    for request, images in zip(journal.requests, sent, strict=True):
        at = _moment(request.ts, recording.recorded_at)
        counted.append(_count(request, images, policy, book, at))
        difference = _compare(request, counted[-1])
        if difference:
            differences.append((request.takes_until_us, difference))
    differences += [(journal.end_us, text) for text in _compare_sums(journal)]
    tokens = BothSides(
        journal=sum(request.image_tokens or 0 for request in journal.requests),
        replay=sum(one.tokens for one in counted),
    )
    says_usd = all(request.says_image_usd for request in journal.requests)
    model = strip_offline(policy.model)
    price = book.price(model, _UNIT, recording.recorded_at)
    amounts = [None if price is None else price_of(side, price) for side in (tokens.journal, tokens.replay)]
    return CostComparison(
        differences=tuple(differences),
        tokens=tokens,
        usd=BothAmounts(
            journal=add_usd(r.image_usd for r in journal.requests if r.is_billed) if says_usd else None,
            replay=add_usd(
                one.usd for request, one in zip(journal.requests, counted, strict=True) if request.is_billed
            ),
        ),
        list_usd=BothAmounts(journal=amounts[0], replay=amounts[1]),
        model=model,
        notes=() if says_usd else ("the journal does not say what images cost; their tokens are compared",),
    )


def _count(
    request: RequestEntry, images: Sequence[SentImage], policy: Policy, book: PriceBook, at: datetime
) -> _Counted:
    """Count and price one request's images."""
    model = request.model or policy.model
    rule = book.image_rule(model, at)
    tokens = sum(image_tokens(rule, image.width, image.height, image.detail) for image in images)
    if request.provider == OFFLINE:
        return _Counted(tokens=tokens, usd=Decimal(0))
    price = book.price(model, _UNIT, at)
    return _Counted(tokens=tokens, usd=price_of(tokens, price) if price else None)


def _compare(request: RequestEntry, counted: _Counted) -> str | None:
    where = f"{request.request} at {request.takes_until_us / 1_000_000:.3f} s"
    if request.image_tokens != counted.tokens:
        told = "none" if request.image_tokens is None else f"{request.image_tokens:,}"
        return f"{where}: {told} image tokens by the journal, {counted.tokens:,} by the rule"
    if request.says_image_usd and request.is_billed and request.image_usd != counted.usd:
        told, rule = (_show(usd) for usd in (request.image_usd, counted.usd))
        return f"{where}: its images cost {told} by the journal, {rule} by the price book"
    return None


def _compare_sums(journal: SessionJournal) -> Iterator[str]:
    """Compare what the session's end says that it cost with the sum of all usage events."""
    if journal.told_cost is None:
        return
    told = {_key(line): line for line in journal.told_cost}
    added = {_key(line): line for line in map(document_line, journal.usage)}
    for key in sorted(told.keys() | added.keys()):
        both = [
            None if line is None else (line.get("quantity"), line.get("usd"))
            for line in (told.get(key), added.get(key))
        ]
        if both[0] != both[1]:
            says, comes = ("nothing" if one is None else f"{one[0]} for {one[1]} USD" for one in both)
            yield f"session.ended: it says {says} of {' '.join(key)}, the usage events come to {comes}"


def _key(line: Mapping[str, Any]) -> tuple[str, str, str]:
    return (str(line.get("provider")), str(line.get("model")), str(line.get("unit")))


def _show(usd: Decimal | None) -> str:
    return "an unknown amount" if usd is None else f"${usd.normalize():f}"


def _moment(text: str, otherwise: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return otherwise
    return moment.astimezone(UTC) if moment.tzinfo else otherwise
