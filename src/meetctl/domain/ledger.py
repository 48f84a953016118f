"""What the ledger is asked, and what it answers: sums of usage, exactly as the journals' events say it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal, get_args

Dimension = Literal["tenant", "session", "room", "provider", "model", "day"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

REPORTED = ("reported", "reconciled")
"""The bases of what a provider said itself; everything else is an estimate of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldReport:
    """What was folded in."""

    journals: int
    """How many there are."""
    events: int
    """How many of their events were new."""
    unreadable_lines: int = 0
    unread_journals: tuple[str, ...] = ()
    """Each with the reason."""
    careful_batches: int = 0
    """How many batches held lines that SQL must not read by itself, and took the slower way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which usage is asked for; None means all."""

    since: datetime | None = None
    until: datetime | None = None
    """The first moment that no longer belongs to it."""
    tenant: str | None = None
    room: str | None = None
    session: str | None = None

    @property
    def has_period(self) -> bool:
        """Whether it leaves out what does not say when it was used."""
        return self.since is not None or self.until is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """The sum of all usage that is alike in everything named here."""

    group: tuple[str | None, ...]
    """One value for each dimension that was asked for; None where the events do not say."""
    provider: str
    model: str
    unit: str
    basis: str
    quantity: Fraction
    usd: Decimal
    """What has a price, exactly."""
    unpriced: Fraction
    """The part of the quantity that has none."""
    uses: int
    """How many usage events begin with this unit; over all units, each event counts once."""
    priced_uses: int
    """Those of them that have a price in all their parts."""
    image_tokens: int
    image_usd: Decimal
    """The images' share of `usd`, as far as it has a price."""
    has_unpriced_images: bool

    @property
    def is_reported(self) -> bool:
        """Whether a provider said the quantity itself."""
        return self.basis in REPORTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """What may be missing in the sums."""

    sessions: int
    unended: int
    """Sessions without an end: they run, or their process was killed."""
    missing_events: int
    """By the numbers of the events."""
    unreadable_lines: int
    undated_uses: int
    """Uses that do not say when they were; no period has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentImages:
    """Images of one size that requests sent on one day."""

    group: tuple[str | None, ...]
    day: date | None
    provider: str
    model: str
    width: int | None
    """None where the journal does not say which frame it was, or of what size."""
    height: int | None
    side: int | None
    """Longest side that frames were sent in; None for their own size."""
    detail: str
    is_looked: bool
    """Whether the model had asked to look closely, which is sent in its own size and detail."""
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTokens:
    """The tokens of billed requests to one model on one day, as the events say them."""

    group: tuple[str | None, ...]
    day: date | None
    provider: str
    model: str
    basis: str
    requests: int
    input_tokens: int
    """All of them: text, images, and what was cached."""
    cached_text_tokens: int
    """As many of the cached tokens as can be text, which stands before the images."""
    cached_image_tokens: int
    output_tokens: int
    image_tokens: int
    """The images' part of the input."""

    @property
    def text_tokens(self) -> int:
        """The text that was not cached."""
        return self.input_tokens - self.image_tokens - self.cached_text_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """One billed request's images."""

    session: int
    """A number that tells sessions apart."""
    group: tuple[str | None, ...]
    day: date | None
    provider: str
    model: str
    images: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """What requests cost that were cut off, of which the provider says nothing."""

    provider: str
    requests: int
    usd: Decimal
    """As estimated, as far as it has a price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFrames:
    """Frames of one size that were kept on one day under one policy."""

    group: tuple[str | None, ...]
    day: date | None
    provider: str | None
    model: str | None
    detail: str | None
    side: int | None
    width: int | None
    height: int | None
    frames: int
