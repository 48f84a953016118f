"""What the agent is given from outside: made anew in each process, named only by bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from meetctl.domain.events import JournalOwner
    from meetctl.ports import Clock, EventSink, FrameEncoder, MeetingRecorder, PriceBook


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingAdapters:
    """The agent's ports, and how a session's own are opened."""

    clock: Clock
    book: PriceBook
    encoder: FrameEncoder
    make_directory: Callable[[Path, str], Path]
    """Makes a bundle's directory from the sessions' one and the session's id."""
    open_journal: Callable[[Path, JournalOwner, Callable[[], int]], EventSink]
    """Opens a bundle's journal; the last argument tells the media time in microseconds."""
    open_recorder: Callable[[Path, Callable[[], int], Callable[[str], None]], MeetingRecorder]
    """Opens a bundle's recording; the arguments after its directory tell the media time in microseconds,
    and are told, from any thread, why it stopped early."""
    write_session: Callable[[Path, Mapping[str, Any]], None]
    """Writes a bundle's session.json."""


AdaptersFactory: TypeAlias = Callable[[Sequence[Path]], MeetingAdapters]
"""Makes them in a job's process, from the user's price files; a module's function, so that it can be sent."""
