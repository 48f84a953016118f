"""What the price book said of the models that a session used, on its day."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from meetctl.domain.session_cost import OFFLINE
from meetctl.errors import UnknownModelError
from meetctl.services.prices import PriceCatalogue, PriceListing, list_prices

if TYPE_CHECKING:
    from meetctl.domain.session_reading import SessionReading


def find_session_prices(reading: SessionReading, book: PriceCatalogue, at: datetime) -> PriceListing:
    """Return the prices and image rules in force at `at` of all models that were used.

    Of an offline stand-in they are those of the model it stands in for; it is never billed by them.
    """
    listings = []
    for provider, model in reading.models:
        try:
            listings.append(
                list_prices(book, model if provider in (OFFLINE, "unknown") else f"{provider}/{model}", at)
            )
        except UnknownModelError:
            continue
    return PriceListing(
        prices=tuple(dict.fromkeys(price for one in listings for price in one.prices)),
        rules=tuple({rule.id: rule for one in listings for rule in one.rules}.values()),
    )
