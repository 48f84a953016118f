"""Outboxes in memory, over journals in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.domain.delivery import STREAMS, LeftSession, Stream, find_owner, stream_of
from meetctl.errors import MeetctlError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.fakes.event_sink import InMemoryEventSink

    from meetctl.domain.events import Event


class InMemoryOutbox:
    """The Outbox port; what it remembers outlives closing it, as a file does."""

    def __init__(self, sink: InMemoryEventSink) -> None:
        self.sink = sink
        self.seqs: dict[Stream, int] = dict.fromkeys(STREAMS, -1)
        self.tenant_id: str | None = None
        self.is_complete = False
        self.is_open = True
        self.is_readable = True

    async def read(self, stream: Stream, *, limit: int) -> Sequence[Event]:
        if not self.is_readable:
            raise MeetctlError("the journal cannot be read")
        waiting = [event for event in self.sink.events if event.seq > self.seqs[stream]]
        return [event for event in waiting if stream_of(event) == stream][:limit]

    async def confirm(self, stream: Stream, seq: int, *, tenant_id: str) -> None:
        self.seqs[stream] = seq
        self.tenant_id = tenant_id

    async def find_owner(self) -> LeftSession | None:
        return find_owner(self.sink.events)

    async def complete(self) -> None:
        self.is_complete = True

    async def close(self) -> None:
        self.is_open = False


class InMemoryOutboxes:
    """The Outboxes port over a dictionary, by the session's id."""

    def __init__(self, outboxes: dict[str, InMemoryOutbox]) -> None:
        self.outboxes = outboxes
        self.running: set[str] = set()

    async def list_waiting(self) -> Sequence[str]:
        return [name for name, outbox in self.outboxes.items() if not outbox.is_complete]

    async def open(self, session_id: str) -> InMemoryOutbox | None:
        outbox = self.outboxes[session_id]
        if session_id in self.running or outbox.is_complete:
            return None
        outbox.is_open = True
        return outbox
