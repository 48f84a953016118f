"""The price book, loaded once when somebody first asks, beside everything else that goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from meetctl.services.image_prices import DatedPrices

if TYPE_CHECKING:
    from collections.abc import Callable

    from meetctl.ports import PriceBook


class SharedPrices:
    """Prices for all who need them; loading them takes half a second, and is done in a thread."""

    def __init__(self, load: Callable[[], PriceBook]) -> None:
        self._load = load
        self._turn = asyncio.Lock()
        self._prices: DatedPrices | None = None

    async def get(self) -> DatedPrices:
        """Return the prices.

        Raises:
            UsageError: A price file is missing or wrong.
        """
        async with self._turn:
            if self._prices is None:
                self._prices = DatedPrices(await asyncio.to_thread(self._load))
            return self._prices
