"""Runs meetctl with its clock standing still on the day of the price book.

The age of a price is a different one every day; examples in the documentation show it as of that day.
"""

from __future__ import annotations

from datetime import UTC, datetime

from meetctl import bootstrap
from meetctl.cli.main import run


class StandingClock:
    """The Clock port at one moment."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        """Return always the same moment."""
        return self._moment

    def monotonic(self) -> float:
        """Return always zero."""
        return 0.0


def main() -> None:
    """Run the command line with the arguments of this process."""
    clock = StandingClock(datetime.fromisoformat(bootstrap.price_book(()).version).replace(tzinfo=UTC))
    bootstrap.system_clock = lambda: clock
    run()


if __name__ == "__main__":
    main()
