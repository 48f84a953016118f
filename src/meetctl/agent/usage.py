"""What the meeting uses and costs, as it happens: one event a use, priced at its own time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from meetctl.agent.journal import show_usd
from meetctl.domain.session_cost import (
    CostLine,
    SessionCost,
    add_usd,
    billed_quantities,
    price_quantities,
)

if TYPE_CHECKING:
    from decimal import Decimal

    from meetctl.agent.journal import MeetingJournal
    from meetctl.core.config import ProviderAccess
    from meetctl.ports import Clock, PriceBook


logger = logging.getLogger(__name__)

UseListener: TypeAlias = Callable[[str, Mapping[str, Any]], None]
"""Told of each use: the type and the fields of its event."""


class UsageMeter:
    """Prices usage, journals it, and keeps the session's cost."""

    def __init__(self, journal: MeetingJournal, *, book: PriceBook, clock: Clock) -> None:
        self._journal = journal
        self._book = book
        self._clock = clock
        self._cost = SessionCost()
        self._listeners: list[UseListener] = []

    @property
    def lines(self) -> tuple[CostLine, ...]:
        """The cost so far, by provider, model and unit."""
        return self._cost.lines

    @property
    def usd(self) -> Decimal:
        """What everything that has a price has cost so far."""
        return self._cost.usd

    @property
    def book(self) -> PriceBook:
        """The price book."""
        return self._book

    def record(
        self,
        kind: str,
        provider: ProviderAccess,
        fields: Mapping[str, Any],
        *,
        image_tokens: int = 0,
        t_us: int | None = None,
    ) -> None:
        """Price one use and write its event; `image_tokens` is the images' part of its input tokens."""
        at = self._clock.now()

        def price(quantities: Mapping[str, Any]) -> dict[str, Decimal | None]:
            return price_quantities(
                provider.billed_as,
                quantities,
                lambda unit: self._book.price(provider.priced_model, unit, at),
            )

        amounts = price(billed_quantities(kind, fields))
        priced: dict[str, Any] = {
            **fields,
            "provider": provider.billed_as,
            "model": provider.model,
            "usd": show_usd(add_usd(amounts.values())),
            "usd_by_unit": {unit: show_usd(usd) for unit, usd in amounts.items()},
        }
        if image_tokens:
            images = billed_quantities("llm.request", {"input_tokens": image_tokens})
            priced["image_usd"] = show_usd(add_usd(price(images).values()))
        self._journal.write(kind, priced, t_us=t_us)
        # What was used is billed, whether a full disk took the event or not.
        self._cost.add_use(kind, priced)
        for listener in self._listeners:
            try:
                listener(kind, priced)
            except Exception:
                # Whatever is wrong with one listener, the meeting goes on.
                logger.exception("a listener failed at %s", kind)

    def listen(self, listener: UseListener) -> None:
        """Tell `listener` of each use from now on, be its event in the journal or not; it may not block."""
        self._listeners.append(listener)
