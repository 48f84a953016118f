"""What a meeting's parts are given from outside: made anew in each process, named only by bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from meetctl.agent.observers import JournalBytes
    from meetctl.core.config import AgentSettings
    from meetctl.domain.events import JournalOwner
    from meetctl.ports import (
        Backend,
        Clock,
        EventSink,
        FrameEncoder,
        MeetingRecorder,
        PriceBook,
        SpendingBook,
    )
    from meetctl.services.delivery import Outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleAdapters:
    """What a bundle is written with: the clock, and how a session's journal and recording are opened."""

    clock: Clock
    book: PriceBook
    make_directory: Callable[[Path, str], Path]
    """Makes a bundle's directory from the sessions' one and the session's id."""
    open_journal: Callable[[Path, JournalOwner, Callable[[], int]], EventSink]
    """Opens a bundle's journal; the last argument tells the media time in microseconds."""
    open_recorder: Callable[[Path, Callable[[], int], Callable[[str], None]], MeetingRecorder]
    """Opens a bundle's recording; the arguments after its directory tell the media time in microseconds,
    and are told, from any thread, why it stopped early."""
    write_session: Callable[[Path, Mapping[str, Any]], None]
    """Writes a bundle's session.json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingAdapters(BundleAdapters):
    """The agent's ports, and how a session's own are opened."""

    encoder: FrameEncoder
    read_journal: Callable[[Path], JournalBytes]
    """Reads a bundle's journal while it is written."""
    backend: Backend | None
    """The platform's backend; None for an agent without one."""
    spending: SpendingBook
    """What the sessions of this machine have spent."""
    begin_outbox: Callable[[Path], Outbox]
    """Notes, before there is a journal, that what will be in a bundle's has to be delivered."""


AdaptersFactory: TypeAlias = Callable[["AgentSettings"], MeetingAdapters]
"""Makes them in a job's process; a module's function, so that it can be sent."""
