"""Which meetings the live feed follows, and through whom: what journals and rooms show decides."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meetctl.services.dashboard.followed import Followed, Turns
from meetctl.services.dashboard.sightings import find_sightings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from meetctl.domain.room_view import RoomView
    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.domain.state import SessionState
    from meetctl.ports import Clock, EventSource
    from meetctl.services.dashboard.sightings import Sighting
    from meetctl.services.dashboard.sources import FeedSources

KEPT_AFTER_END = timedelta(minutes=5)
"""So long a meeting that is over is still shown."""

ALONE = "nobody but the agent is in the room, and whoever watched it would keep the room open"
LEFT = "its agent has left, and has not told of an end"
KILLED = "its process was killed"
GONE = "its bundle is gone"


class Gathering:
    """All meetings that are known, by their keys."""

    def __init__(
        self,
        sources: FeedSources,
        *,
        clock: Clock,
        rooms: Collection[str],
        start: Callable[[Followed], None],
        stop: Callable[[Followed], None],
    ) -> None:
        """Gather meetings, of these rooms or of all; `start` and `stop` begin and end following one."""
        self.meetings: dict[str, Followed] = {}
        self._sources = sources
        self._clock = clock
        self._rooms = rooms
        self._start = start
        self._stop = stop
        self._seen: set[str] = set()
        self._turns = Turns()

    async def read(self, session_id: str) -> SessionState | None:
        """Return what a session has come to, as the SessionStates port does; None for others."""
        known = self.meetings.get(session_id)
        return known.state if known is not None else None

    def take_sessions(self, bundles: Sequence[SessionBundle]) -> None:
        """Follow the journals of sessions that run; note which are over."""
        listed = {bundle.session_id: bundle for bundle in bundles}
        for bundle in bundles:
            if bundle.is_running and bundle.journal is not None:
                self._follow_journal(bundle)
        for known in self.meetings.values():
            if known.channel != "journal" or known.over_at is not None:
                continue
            found = listed.get(known.key)
            if found is None:
                self._end(known, GONE)
            elif not found.is_running:
                self._end(known, KILLED if found.state == "killed" else None)
        self._forget()

    def take_rooms(self, views: Iterable[RoomView]) -> None:
        """Follow the agents in rooms whose journals are not here; note which have left."""
        sightings = {one.key: one for view in views for one in find_sightings(view)}
        for sighting in sightings.values():
            self._see(sighting)
        by_room = {one.view.room.name: one.view for one in sightings.values()}
        told = {one.room for one in self.meetings.values() if one.channel != "room" and not one.is_over}
        for known in list(self.meetings.values()):
            if known.channel == "journal":
                known.room_view = None if known.is_over else by_room.get(known.room)
            elif known.channel == "room" and (known.key not in sightings or known.room in told):
                self._drop(known)
            elif known.key not in sightings:
                self._miss(known)
        self._seen = set(sightings)

    def _follow_journal(self, bundle: SessionBundle) -> None:
        known = self.meetings.get(bundle.session_id)
        journal = bundle.journal
        if journal is None or (self._rooms and bundle.room not in self._rooms):
            return
        if known is not None and known.channel == "journal":
            return
        if known is not None:
            # It was followed through its room until its journal turned up.
            self._drop(known)

        def open_journal() -> EventSource:
            return self._sources.open_journal(journal)

        self._add(
            Followed(
                key=bundle.session_id,
                room=bundle.room or "",
                channel="journal",
                open_events=open_journal,
                session_id=bundle.session_id,
                bundle=bundle.path,
                turns=self._turns,
            )
        )

    def _see(self, sighting: Sighting) -> None:
        """Follow what a room shows, from the second look on.

        By then its journal has turned up if it is on this machine, and our agent has said who it is.
        """
        known = self.meetings.get(sighting.key)
        if known is None:
            if sighting.channel != "room" and sighting.key not in self._seen:
                return
            known = self.meetings[sighting.key] = Followed(
                key=sighting.key,
                room=sighting.view.room.name,
                channel=sighting.channel,
                open_events=self._open(sighting),
                session_id=sighting.session_id,
                turns=self._turns,
            )
        known.room_view = sighting.view
        if known.channel in ("journal", "room") or known.state.about.has_ended:
            return
        known.over_at = known.outcome = None
        if known.channel == "session" and not sighting.view.people:
            known.problem = ALONE
        elif known.task is None or known.task.done():
            known.problem = None
            self._start(known)

    def _open(self, sighting: Sighting) -> Callable[[], EventSource] | None:
        livekit, room = self._sources.livekit, sighting.view.room.name
        if livekit is None:
            return None
        if (session_id := sighting.session_id) is not None:
            return lambda: livekit.open_agent(room, session_id)
        if (identity := sighting.identity) is not None:
            return lambda: livekit.open_session(room, identity, sighting.key)
        return None

    def _miss(self, known: Followed) -> None:
        """Note that an agent is not in its room any more; what it told last may still be on its way."""
        if not known.state.events:
            self._drop(known)
        elif known.over_at is None:
            if known.problem is not None:
                self._stop(known)
            self._end(known, LEFT)

    def _end(self, known: Followed, outcome: str | None) -> None:
        known.over_at = self._clock.now()
        known.room_view = None
        known.outcome = outcome

    def _forget(self) -> None:
        """Let go of meetings that have been over for long."""
        now = self._clock.now()
        for known in list(self.meetings.values()):
            if not known.is_over:
                continue
            if known.over_at is None:
                known.over_at = now
            elif now - known.over_at >= KEPT_AFTER_END:
                self._drop(known)

    def _add(self, known: Followed) -> None:
        self.meetings[known.key] = known
        self._start(known)

    def _drop(self, known: Followed) -> None:
        self._stop(known)
        self.meetings.pop(known.key, None)
