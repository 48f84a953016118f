"""Refused control messages, told in a way that a flood of them fills neither journal nor log."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.agent.journal import MeetingJournal
    from meetctl.domain.control_token import RefusalReason

logger = logging.getLogger(__name__)

WINDOW_S = 60.0
MOST_IN_A_WINDOW = 10
"""After this many a minute the rest is only counted, and told at the minute's end."""


class Refusals:
    """Writes a `control.refused` for each of the first in a minute, and one for each reason of the rest."""

    def __init__(self, journal: MeetingJournal) -> None:
        self._journal = journal
        self._told = 0
        self._untold: Counter[RefusalReason] = Counter()
        self._window: asyncio.TimerHandle | None = None

    def note(self, reason: RefusalReason) -> None:
        """Tell, or count, one refused message."""
        if self._window is None:
            self._window = asyncio.get_running_loop().call_later(WINDOW_S, self._end_window)
        if self._told < MOST_IN_A_WINDOW:
            self._told += 1
            self._tell(reason, 1)
        else:
            self._untold[reason] += 1

    def close(self) -> None:
        """Tell what is untold."""
        if self._window is not None:
            self._window.cancel()
            self._end_window()

    def _end_window(self) -> None:
        self._window = None
        self._told = 0
        untold, self._untold = self._untold, Counter()
        for reason, count in untold.items():
            self._tell(reason, count)

    def _tell(self, reason: RefusalReason, count: int) -> None:
        logger.warning("refused %d control message(s): %s", count, reason)
        self._journal.write("control.refused", {"reason": reason, "count": count})
