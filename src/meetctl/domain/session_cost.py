"""What a session's usage cost, by provider, model and unit: a fold over its usage events.

Units are those of the price book: tokens, minutes, characters. Each event says itself what it cost, at the
price of the time the usage happened; nothing is priced again here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from meetctl.domain.pricing import Price, price_of

if TYPE_CHECKING:
    from meetctl.domain.events import Event

Basis = Literal["reported", "estimated", "reconciled", "mixed"]

USAGE_TYPES = ("llm.request", "llm.probe", "stt.usage", "tts.usage")
"""The events that cost something."""

OFFLINE = "offline"
"""The provider whose usage always costs nothing."""

TOKENS = "tokens"
"""The unit of a request's amount where nobody said which of its tokens cost what."""

_MOST_DIGITS = 18
"""An amount with more digits before or behind its point is none that anybody bills."""

_CHARACTERS_A_TOKEN = 4
"""English text: https://help.openai.com/en/articles/4936856-what-are-tokens-and-how-to-count-them"""

_UNCERTAINTY = 2
"""By this factor the estimate may be off: code and most other languages take more tokens."""

_FRAMING_TOKENS = 64
"""What roles and separators of some ten messages take besides their text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """All usage of one unit of one provider's model."""

    provider: str
    model: str
    unit: str
    quantity: Fraction
    usd: Decimal | None
    """None where any part has no price: never zero."""
    basis: Basis
    """How the quantity is known; "mixed" where parts of it are known differently."""
    image_tokens: int = 0
    """How many of the quantity are images."""
    image_usd: Decimal | None = Decimal(0)
    """The images' share of `usd`; None where any part has no price."""


def billed_quantities(kind: str, fields: Mapping[str, Any]) -> dict[str, Fraction]:
    """Return what one usage event counts, by the price book's units; nothing for other events.

    A model's input tokens contain the cached ones, which have a price of their own. A failed request is
    billed only where it says so: because it failed when its answer had begun.

    >>> billed_quantities("stt.usage", {"audio_s": 90})
    {'minutes': Fraction(3, 2)}
    >>> sorted(billed_quantities("llm.request", {"input_tokens": 900, "cached_input_tokens": 512}).items())
    [('cached_input_tokens', Fraction(512, 1)), ('input_tokens', Fraction(388, 1))]
    """
    quantities: dict[str, Fraction] = {}
    match kind:
        case "llm.request" | "llm.probe" if fields.get("outcome") != "failed" or fields.get("billed") is True:
            cached = _number(fields.get("cached_input_tokens"))
            quantities = {
                "input_tokens": max(Fraction(0), _number(fields.get("input_tokens")) - cached),
                "cached_input_tokens": cached,
                "output_tokens": _number(fields.get("output_tokens")),
            }
        case "stt.usage":
            quantities = {"minutes": _number(fields.get("audio_s")) / 60}
        case "tts.usage":
            quantities = {"characters": _number(fields.get("characters"))}
    return {unit: quantity for unit, quantity in quantities.items() if quantity}


def price_quantities(
    provider: str, quantities: Mapping[str, Fraction], price: Callable[[str], Price | None]
) -> dict[str, Decimal | None]:
    """Return what quantities cost in USD, by unit; None for a unit without a price.

    `price` gives the price of a unit of the model in question. Offline usage costs nothing.

    >>> price_quantities("offline", {"input_tokens": Fraction(900)}, lambda unit: None)
    {'input_tokens': Decimal('0')}
    """
    if provider == OFFLINE:
        return dict.fromkeys(quantities, Decimal(0))
    prices = {unit: price(unit) for unit in quantities}
    return {
        unit: price_of(quantity, found) if (found := prices[unit]) else None
        for unit, quantity in quantities.items()
    }


def add_usd(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum; None where any part has no price.

    >>> add_usd([Decimal("0.1"), Decimal("0.02")]), add_usd([Decimal(1), None]), add_usd([])
    (Decimal('0.12'), None, Decimal('0'))
    """
    total = Decimal(0)
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTotal:
    """What usage came to so far; each further use makes a new total.

    >>> use = {"provider": "cartesia", "model": "sonic-3", "characters": 120, "basis": "reported"}
    >>> total = UsageTotal().add("tts.usage", {**use, "usd": "0.006"}).add("tts.usage", use)
    >>> [(line.usd, int(line.quantity)) for line in total.parts], total.lines[0].usd
    ([(Decimal('0.006'), 120), (None, 120)], None)
    >>> total.usd, total.priced_uses, total.uses
    (Decimal('0.006'), 1, 2)
    """

    parts: tuple[CostLine, ...] = ()
    """One for each provider, model, unit and basis, in the order in which each first occurred; what has no
    price stands apart from what has one."""
    uses: int = 0
    """How many usage events it is made of."""
    priced_uses: int = 0
    """How many of them have a price in all their parts."""

    def add(self, kind: str, fields: Mapping[str, Any]) -> UsageTotal:
        """Return the total with what one event says; all but usage changes nothing."""
        lines = read_usage(kind, fields)
        if not lines:
            return self
        parts = {_part_key(part): part for part in self.parts}
        for line in lines:
            known = parts.get(_part_key(line))
            parts[_part_key(line)] = _join(known, line) if known else line
        is_priced = all(line.usd is not None for line in lines)
        return UsageTotal(
            parts=tuple(parts.values()), uses=self.uses + 1, priced_uses=self.priced_uses + is_priced
        )

    @property
    def lines(self) -> tuple[CostLine, ...]:
        """One for each provider, model and unit, in the order in which each first occurred."""
        lines: dict[tuple[str, str, str], CostLine] = {}
        for part in self.parts:
            key = (part.provider, part.model, part.unit)
            known = lines.get(key)
            lines[key] = _join(known, part) if known else part
        return tuple(lines.values())

    @property
    def usd(self) -> Decimal:
        """What all usage that has a price costs; `unpriced` says what is missing in it."""
        return sum((part.usd for part in self.parts if part.usd is not None), Decimal(0))

    @property
    def unpriced(self) -> tuple[CostLine, ...]:
        """The parts without a price, whose cost nobody knows."""
        return tuple(part for part in self.parts if part.usd is None)

    @property
    def image_usd(self) -> Decimal | None:
        """The images' share of all usage; None where any part of it has no price."""
        return add_usd(part.image_usd for part in self.parts)


class SessionCost:
    """The running cost of one session, for those who hold on to it while it grows.

    >>> from meetctl.domain.events import parse_event
    >>> cost = SessionCost()
    >>> cost.add(
    ...     parse_event(
    ...         '{"seq":7,"t":9,"type":"tts.usage","provider":"cartesia","model":"sonic-3",'
    ...         '"characters":120,"usd":"0.006","basis":"reported"}'
    ...     )
    ... )
    >>> [(line.unit, int(line.quantity), line.usd) for line in cost.lines]
    [('characters', 120, Decimal('0.006'))]
    """

    def __init__(self) -> None:
        self._total = UsageTotal()

    def add(self, event: Event) -> None:
        """Take one event; all but usage is ignored."""
        self.add_use(event.type, event.fields)

    def add_use(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Take what a usage event says, also where the event itself could not be written."""
        self._total = self._total.add(kind, fields)

    @property
    def lines(self) -> tuple[CostLine, ...]:
        """All usage so far, in the order in which each kind first occurred."""
        return self._total.lines

    @property
    def usd(self) -> Decimal:
        """What all usage that has a price costs; `unpriced` says what is missing in it."""
        return self._total.usd

    @property
    def unpriced(self) -> tuple[CostLine, ...]:
        """The lines of which any part has no price, so that their cost is not known."""
        return tuple(line for line in self.lines if line.usd is None)

    @property
    def image_usd(self) -> Decimal | None:
        """The images' share of all usage; None where any part of it has no price."""
        return self._total.image_usd


def fold_usage(events: Iterable[Event]) -> tuple[CostLine, ...]:
    """Return what all usage among the events cost, by provider, model and unit."""
    total = UsageTotal()
    for event in events:
        total = total.add(event.type, event.fields)
    return total.lines


def read_usage(kind: str, fields: Mapping[str, Any]) -> list[CostLine]:
    """Return one usage event as lines, one a unit; none for an event that is no usage.

    What each unit cost is in `usd_by_unit`. Where a request only says its whole amount, that stands on a
    single line for all its tokens. What does not say how it is known is taken for an estimate.
    """
    quantities = billed_quantities(kind, fields)
    if not quantities:
        return []
    provider, usd = str(fields.get("provider") or "unknown"), _amount(fields.get("usd"))
    basis: Basis = "estimated"
    if fields.get("basis") in ("reported", "reconciled", "mixed"):
        basis = fields["basis"]
    by_unit = fields.get("usd_by_unit")
    if provider == OFFLINE:
        amounts: dict[str, Decimal | None] = dict.fromkeys(quantities, Decimal(0))
    elif isinstance(by_unit, Mapping):
        amounts = {unit: _amount(by_unit.get(unit)) for unit in quantities}
    elif len(quantities) == 1 or usd is None:
        amounts = dict.fromkeys(quantities, usd)
    else:
        quantities, amounts = {TOKENS: sum(quantities.values(), Fraction(0))}, {TOKENS: usd}
    images = int(_number(fields.get("image_tokens")))
    image_usd = Decimal(0) if provider == OFFLINE or not images else _amount(fields.get("image_usd"))
    bearer = next(
        (unit for unit in ("input_tokens", TOKENS, "cached_input_tokens") if unit in quantities), ""
    )
    return [
        CostLine(
            provider=provider,
            model=str(fields.get("model") or "unknown"),
            unit=unit,
            quantity=quantity,
            usd=amounts[unit],
            basis=basis,
            image_tokens=images if unit == bearer else 0,
            image_usd=image_usd if unit == bearer else Decimal(0),
        )
        for unit, quantity in quantities.items()
    ]


def document_line(line: CostLine) -> dict[str, Any]:
    """Return a line in JSON's types, as `session.ended` has it: amounts are decimal strings or null.

    >>> line = CostLine(
    ...     provider="deepgram",
    ...     model="nova-3",
    ...     unit="minutes",
    ...     quantity=Fraction(3, 2),
    ...     usd=Decimal("0.0072"),
    ...     basis="estimated",
    ... )
    >>> document_line(line)["quantity"], document_line(line)["usd"]
    (1.5, '0.0072')
    """
    document: dict[str, Any] = {
        "provider": line.provider,
        "model": line.model,
        "unit": line.unit,
        "quantity": int(line.quantity) if line.quantity.denominator == 1 else round(float(line.quantity), 6),
        "usd": _text(line.usd),
        "basis": line.basis,
    }
    if line.image_tokens:
        document |= {"image_tokens": line.image_tokens, "image_usd": _text(line.image_usd)}
    return document


def estimate_text_tokens(text: str) -> int:
    """Return about how many tokens a text is: one for every four characters, rounded up.

    >>> estimate_text_tokens("What is on the screen?"), estimate_text_tokens("")
    (6, 0)
    """
    return -(-len(text) // _CHARACTERS_A_TOKEN)


def image_share(
    prompt_tokens: int | None, image_tokens_by_rule: int, text_tokens_estimate: int
) -> tuple[int, Literal["reconciled", "estimated"]]:
    """Return how many of a prompt's tokens are images, and how that is known.

    Providers report one sum for text and images. Where it is what the image rule gives plus a text of
    about the estimated length, the rule is "reconciled" with it; otherwise, or where nothing was
    reported, the rule's number is "estimated", and never more than was reported.

    >>> image_share(5_825, 5_525, 250), image_share(5_000, 5_525, 250), image_share(None, 5_525, 250)
    ((5525, 'reconciled'), (5000, 'estimated'), (5525, 'estimated'))
    """
    if not image_tokens_by_rule:
        return 0, "reconciled"
    if not prompt_tokens:
        return image_tokens_by_rule, "estimated"
    text_tokens = prompt_tokens - image_tokens_by_rule
    least = text_tokens_estimate // _UNCERTAINTY
    most = text_tokens_estimate * _UNCERTAINTY + _FRAMING_TOKENS
    if least <= text_tokens <= most:
        return image_tokens_by_rule, "reconciled"
    return min(image_tokens_by_rule, prompt_tokens), "estimated"


def _join(one: CostLine, other: CostLine) -> CostLine:
    return replace(
        one,
        quantity=one.quantity + other.quantity,
        usd=add_usd((one.usd, other.usd)),
        basis=one.basis if one.basis == other.basis else "mixed",
        image_tokens=one.image_tokens + other.image_tokens,
        image_usd=add_usd((one.image_usd, other.image_usd)),
    )


def _part_key(line: CostLine) -> tuple[str, str, str, str, bool]:
    return line.provider, line.model, line.unit, line.basis, line.usd is None


def _number(value: object) -> Fraction:
    """Read a count from JSON exactly as it is written; what is no count of anything is 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Fraction(0)
    if isinstance(value, int):
        return Fraction(max(0, value))
    try:
        return max(Fraction(0), Fraction(str(value)))
    except ValueError:
        return Fraction(0)  # "nan" and "inf", which Python's JSON reads


def _amount(value: object) -> Decimal | None:
    """Read an amount of USD, a decimal string; None where there is none."""
    try:
        amount = Decimal(value) if isinstance(value, str) else None
    except ArithmeticError:
        return None
    if amount is None or not amount.is_finite() or abs(amount.adjusted()) > _MOST_DIGITS:
        return None
    return amount


def _text(usd: Decimal | None) -> str | None:
    return None if usd is None else f"{usd:f}"
