"""A journal in memory, whose disk is full when the test says so."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from meetctl.domain.events import Event, JournalOwner, format_event, parse_event
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from meetctl.ports import Clock

OWNER = JournalOwner(session_id="20261116T090000Z-demo-5c1e77", tenant_id="acme", room="demo")


class InMemoryEventSink:
    """The EventSink port over a list."""

    def __init__(
        self, *, clock: Clock, media_us: Callable[[], int] = lambda: 0, owner: JournalOwner = OWNER
    ) -> None:
        self.lines: list[str] = []
        self.is_full = False
        """Set to refuse events, as a full disk does."""
        self.is_closed = False
        self._clock = clock
        self._media_us = media_us
        self._owner = owner
        self._seq = 0

    def append(self, kind: str, fields: Mapping[str, Any], *, t_us: int | None = None) -> Event:
        if self.is_closed:
            raise OutputError("the journal is closed")
        event = Event(
            seq=self._seq,
            ts=self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            t=(self._media_us() if t_us is None else t_us) / 1_000_000,
            type=kind,
            session_id=self._owner.session_id,
            tenant_id=self._owner.tenant_id,
            room=self._owner.room,
            fields=dict(fields),
        )
        self._seq += 1
        if self.is_full:
            raise OutputError("the journal cannot be written: no space is left")
        self.lines.append(json.dumps(format_event(event)))
        return event

    def assign_tenant(self, tenant_id: str) -> None:
        self._owner = replace(self._owner, tenant_id=tenant_id)

    def close(self) -> None:
        self.is_closed = True

    @property
    def events(self) -> list[Event]:
        """What a reader of the journal finds."""
        return [parse_event(line) for line in self.lines]

    def fields(self, kind: str) -> list[Mapping[str, Any]]:
        """The own fields of all events of a type."""
        return [event.fields for event in self.events if event.type == kind]
