"""Events of a session: written, and followed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from meetctl.domain.events import Event


class EventSink(Protocol):
    """A session's journal, open for writing; it has one writer."""

    def append(self, kind: str, fields: Mapping[str, Any], *, t_us: int | None = None) -> Event:
        """Write one event at once, complete or not at all, and return it.

        `t_us` is its time on the media clock in microseconds; None for now.
        """

    def assign_tenant(self, tenant_id: str) -> None:
        """Let every event from now on say that it is this tenant's."""

    def close(self) -> None:
        """Make everything durable; a second call does nothing."""


class EventSource(Protocol):
    """One session's events, from wherever they can be had."""

    def follow(self) -> AsyncGenerator[Event, None]:
        """Yield the events in their order, each once, from the session's first on, as they come.

        It ends with the session's end, or when nothing more can come of it. Close it (`contextlib.aclosing`)
        where it is not read to its end.

        Raises:
            ServiceError: They cannot be had from there.
            MediaError: The journal cannot be read.
        """
