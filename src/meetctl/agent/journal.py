"""The journal as the meeting writes it: a full disk costs events, never the meeting."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from meetctl.errors import OutputError

if TYPE_CHECKING:
    from meetctl.domain.events import Event
    from meetctl.ports import EventSink

logger = logging.getLogger(__name__)


class MeetingJournal:
    """Appends events, and tells the listeners of each one that was written."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink
        self._listeners: list[Callable[[Event], None]] = []
        self.lost = 0
        """How many events could not be written."""

    def write(self, kind: str, fields: Mapping[str, Any], *, t_us: int | None = None) -> Event | None:
        """Append one event; None when the disk refused it, which is logged once and counted.

        `t_us` is its time on the media clock; None for now.
        """
        try:
            event = self._sink.append(kind, fields, t_us=t_us)
        except OutputError as error:
            if self.lost == 0:
                logger.error("%s; the meeting goes on", error.message)
            self.lost += 1
            return None
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                # Whatever is wrong with one listener, the others and the meeting go on.
                logger.exception("a listener failed at %s", kind)
        return event

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Tell `listener` of every event from now on, on the thread and in the order of writing.

        A listener may not block, and may not write events itself while it is told of one.
        """
        self._listeners.append(listener)

    def close(self) -> None:
        """Make what was written durable."""
        self._sink.close()


def show_usd(usd: Decimal | None) -> str | None:
    """Return money as the journal has it: a decimal text, or null where there is no price."""
    return None if usd is None else format(usd, "f")
