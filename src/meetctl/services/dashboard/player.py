"""Recorded sessions played like live ones: a cursor that runs, jumps and steps, and the view at it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Literal

from meetctl.domain.events import moment_of
from meetctl.domain.view.alignment import Alignment, align_by_turn
from meetctl.domain.view.dashboard import DashboardView, Meeting, SourceHealth
from meetctl.domain.view.markers import (
    Marker,
    find_markers,
    find_next,
    find_previous,
    mark_missed,
    merge_markers,
)
from meetctl.errors import MeetctlError
from meetctl.services.dashboard.timeline import Timeline

if TYPE_CHECKING:
    from meetctl.domain.events import Event
    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.domain.state.about import Looking
    from meetctl.ports import Clock

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
VIEWS_A_SECOND = 10
_PIECE_EVENTS = 1_000
"""So many events are read at once: what is read is shown soon, and leaving waits for little."""
_EVENTS_SHOWN = 5_000
"""So many of the last events the logs panel is given."""

ReadEvents = Callable[["SessionBundle"], "Iterator[Event | None]"]
Direction = Literal[-1, 1]


@dataclass(slots=True, kw_only=True)
class _Played:
    """One session that is played."""

    key: str
    bundle: SessionBundle
    timeline: Timeline = field(default_factory=Timeline)
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Playhead:
    """Where the cursor is, and what there is to go to."""

    t: float
    """In seconds on the media clock."""
    end_s: float
    """The end of what was read so far."""
    is_playing: bool
    speed: float
    is_loading: bool
    """Whether the journal is still being read, so that the end is not known yet."""
    markers: tuple[Marker, ...]
    """Ascending; none while the journal is being read."""
    alignment: Alignment


class Player:
    """The DashboardFeed port over recorded sessions: one, or two side by side.

    The first session's times count; the other is shown at the same time, or at the same turn. All calls are
    for one event loop; journals are read in threads.
    """

    def __init__(self, bundles: Sequence[SessionBundle], read_events: ReadEvents, *, clock: Clock) -> None:
        self._read_events = read_events
        self._clock = clock
        names = Counter(bundle.session_id for bundle in bundles)
        self._played = [
            _Played(key=one.session_id if names[one.session_id] == 1 else f"{one.session_id}#{n}", bundle=one)
            for n, one in enumerate(bundles, 1)
        ]
        self._t = 0.0
        self._played_since = 0.0
        """The clock's time at which the cursor was at `_t`, while it runs."""
        self._is_playing = False
        self._speed = 1.0
        self._alignment: Alignment = "time"
        self._is_loading = True
        self._found: tuple[Marker, ...] = ()
        self._markers: tuple[Marker, ...] = ()
        self._changed = asyncio.Event()

    @property
    def keys(self) -> tuple[str, ...]:
        """What the sessions are called in views."""
        return tuple(played.key for played in self._played)

    @property
    def head(self) -> Playhead:
        """Where the cursor is now."""
        return Playhead(
            t=self._now_s(),
            end_s=self._end_s,
            is_playing=self._is_playing,
            speed=self._speed,
            is_loading=self._is_loading,
            markers=self._markers,
            alignment=self._alignment,
        )

    @property
    def first_looking(self) -> Looking:
        """By which policy the first session began to look."""
        return self._first.state_at(0.0).looking

    async def watch(self) -> AsyncGenerator[DashboardView, None]:
        """Read the journals, and yield the view at the cursor, at most ten times a second."""
        # No TaskGroup: closing a generator that waits in one would raise a group of GeneratorExit.
        loading = asyncio.create_task(self._load(), name="replay: journals")
        try:
            while True:
                self._changed.clear()
                if loading.done():
                    loading.result()
                yield self.view()
                await asyncio.sleep(1 / VIEWS_A_SECOND)
                if not self._is_playing:
                    await self._changed.wait()
        finally:
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)

    def view(self) -> DashboardView:
        """Return everything as it was at the cursor."""
        t = self._now_s()
        if self._is_playing and t >= self._end_s and not self._is_loading:
            self.pause()
        at = self._moment_at(t)
        meetings = tuple(self._show(played, t) for played in self._played)
        return DashboardView(at=at, meetings=meetings, sources=(SourceHealth(name="journals", seen_at=at),))

    def recent_events(self, key: str) -> Sequence[Event]:
        """Return the last events up to the cursor, oldest first."""
        for played in self._played:
            if played.key == key:
                return played.timeline.events_until(self._time_of(played, self._now_s()), _EVENTS_SHOWN)
        return ()

    def play(self) -> None:
        """Let the cursor run; from the end it begins anew."""
        if self._now_s() >= self._end_s and not self._is_loading:
            self._t = 0.0
        self._played_since, self._is_playing = self._clock.monotonic(), True
        self._changed.set()

    def pause(self) -> None:
        """Let the cursor stand."""
        self.seek(self._now_s())
        self._is_playing = False

    def toggle(self) -> None:
        """Play where it stands, and pause where it runs."""
        if self._is_playing:
            self.pause()
        else:
            self.play()

    def change_speed(self, steps: int) -> None:
        """Run faster or slower by so many steps of SPEEDS."""
        self.seek(self._now_s())
        place = SPEEDS.index(self._speed) + steps
        self._speed = SPEEDS[min(len(SPEEDS) - 1, max(0, place))]

    def seek(self, t: float) -> None:
        """Put the cursor at a time; before the beginning is the beginning, after the end is the end."""
        self._t = min(max(0.0, t), self._end_s)
        self._played_since = self._clock.monotonic()
        self._changed.set()

    def seek_by(self, seconds: float) -> None:
        """Move the cursor."""
        self.seek(self._now_s() + seconds)

    def step_frame(self, direction: Direction) -> bool:
        """Pause at the next or the last kept frame; False where there is none."""
        return self._step(self._first.step_frame(self._now_s(), direction))

    def step_turn(self, direction: Direction) -> bool:
        """Go to where the next or the last turn begins; False where there is none."""
        t = self._first.step_turn(self._now_s(), direction)
        if t is None:
            return False
        self.seek(t)
        return True

    def step_marker(self, direction: Direction) -> Marker | None:
        """Pause at the next or the last marker, and return it; None where there is none."""
        find = find_next if direction > 0 else find_previous
        marker = find(self._markers, self._now_s())
        self._step(marker.t if marker else None)
        return marker

    def align(self, alignment: Alignment) -> None:
        """Show the second session at the same time, or at the same turn."""
        self._alignment = alignment
        self._changed.set()

    def show_missed(self, missed_us: Sequence[int]) -> None:
        """Mark the changes of the first session's screen that no kept frame shows."""
        self._markers = merge_markers(self._found, mark_missed(missed_us))
        self._changed.set()

    @property
    def _first(self) -> Timeline:
        return self._played[0].timeline

    @property
    def _end_s(self) -> float:
        if self._alignment == "turn":
            return self._first.end_s
        return max(played.timeline.end_s for played in self._played)

    def _now_s(self) -> float:
        if not self._is_playing:
            return self._t
        passed_s = self._clock.monotonic() - self._played_since
        return min(self._end_s, self._t + passed_s * self._speed)

    def _step(self, t: float | None) -> bool:
        self.pause()
        if t is not None:
            self.seek(t)
        return t is not None

    def _time_of(self, played: _Played, t: float) -> float:
        timeline = played.timeline
        if self._alignment == "time" or timeline is self._first:
            return t
        return align_by_turn(t, self._first.turn_starts, timeline.turn_starts, timeline.end_s)

    def _show(self, played: _Played, t: float) -> Meeting:
        state = played.timeline.state_at(self._time_of(played, t))
        return Meeting(
            key=played.key,
            room=state.about.room or played.bundle.room or "",
            channel="journal",
            state=state,
            session_id=played.bundle.session_id,
            bundle=played.bundle.path,
            problem=played.problem,
        )

    def _moment_at(self, t: float) -> datetime:
        """Return when the first session's cursor was: so long after the last event as it is since then."""
        timeline = self._first
        position = timeline.position_at(t)
        if position:
            written_at = moment_of(timeline.events[position - 1])
            if written_at is not None:
                return written_at + timedelta(seconds=t - timeline.moments[position - 1])
        begun_at = self._played[0].bundle.started_at
        return begun_at + timedelta(seconds=t) if begun_at else self._clock.now()

    async def _load(self) -> None:
        try:
            await self._read_all()
        finally:
            self._is_loading = False
            self._changed.set()

    async def _read_all(self) -> None:
        await asyncio.gather(*(self._load_one(played) for played in self._played))
        timeline = self._first
        self._found = await asyncio.to_thread(find_markers, timeline.moments, timeline.events)
        missed = tuple(marker for marker in self._markers if marker.kind == "missed")
        self._markers = merge_markers(self._found, missed)

    async def _load_one(self, played: _Played) -> None:
        events = self._read_events(played.bundle)
        try:
            while await asyncio.to_thread(_take_piece, events, played.timeline):
                self._changed.set()
        except MeetctlError as error:
            played.problem = error.message


def _take_piece(events: Iterator[Event | None], timeline: Timeline) -> bool:
    """Read some events on; False where there are no more."""
    piece = list(islice(events, _PIECE_EVENTS))
    timeline.extend(event for event in piece if event is not None)
    return bool(piece)
