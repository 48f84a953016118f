"""A session as it was at any of its times: its events, and its state every few of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from meetctl.domain.state import SessionState, reduce

if TYPE_CHECKING:
    from meetctl.domain.events import Event

CHECKPOINT_EVERY = 256
"""So many events are folded at most to reach a time: a few milliseconds."""


class Timeline:
    """Events in their written order, each reached at the latest time that any event up to it has.

    An event may tell of an earlier time than the one before it; it is reached when that one is, so that the
    state at a time is always what the journal's first events fold to. It grows while a journal is read.
    """

    def __init__(self, *, checkpoint_every: int = CHECKPOINT_EVERY) -> None:
        self._every = checkpoint_every
        self._events: list[Event] = []
        self._moments: list[float] = []
        self._checkpoints = [SessionState()]
        """The state before event 0, before event `checkpoint_every`, and so on."""
        self._frames: list[float] = []
        self._turns: list[float] = []
        self._tip = SessionState()
        self._shown = (0, SessionState())
        """The position that was asked for last, and its state: whoever plays goes on from there."""

    @property
    def events(self) -> Sequence[Event]:
        """All events so far, in their written order."""
        return self._events

    @property
    def moments(self) -> Sequence[float]:
        """When each event is reached, in seconds on the media clock; ascending."""
        return self._moments

    @property
    def end_s(self) -> float:
        """When the last event is reached; 0 where there is none."""
        return self._moments[-1] if self._moments else 0.0

    @property
    def end_state(self) -> SessionState:
        """The state after all events so far."""
        return self._tip

    @property
    def turn_starts(self) -> Sequence[float]:
        """When each turn begins; ascending."""
        return self._turns

    def extend(self, events: Iterable[Event]) -> None:
        """Take further events; a reader in another thread sees the earlier ones meanwhile."""
        for event in events:
            # Moments come last: whoever asks for a time meanwhile finds everything up to it.
            state = reduce(self._tip, event)
            moment = max(self.end_s, event.t)
            self._events.append(event)
            if event.type == "frame.kept":
                self._frames.append(moment)
            elif event.type == "turn.started":
                self._turns.append(moment)
            if len(self._events) % self._every == 0:
                self._checkpoints.append(state)
            self._tip = state
            self._moments.append(moment)

    def position_at(self, t: float) -> int:
        """Return how many events are reached at a time."""
        return bisect_right(self._moments, t)

    def state_at(self, t: float) -> SessionState:
        """Return the state at a time: what all events that are reached by then fold to."""
        position = self.position_at(t)
        checkpoint = position // self._every
        start, state = checkpoint * self._every, self._checkpoints[checkpoint]
        shown_at, shown = self._shown
        if start <= shown_at <= position:
            start, state = shown_at, shown
        for event in self._events[start:position]:
            state = reduce(state, event)
        self._shown = (position, state)
        return state

    def events_until(self, t: float, most: int) -> Sequence[Event]:
        """Return the last events that are reached at a time, oldest first."""
        position = self.position_at(t)
        return tuple(self._events[max(0, position - most) : position])

    def step_frame(self, t: float, steps: int) -> float | None:
        """Return the time of the next or last kept frame, so many steps on; None where there is none."""
        return _step(self._frames, t, steps)

    def step_turn(self, t: float, steps: int) -> float | None:
        """Return the time when the next or last turn begins, so many steps on; None where there is none."""
        return _step(self._turns, t, steps)


def _step(times: Sequence[float], t: float, steps: int) -> float | None:
    place = bisect_right(times, t) + steps - 1 if steps > 0 else bisect_left(times, t) + steps
    return times[place] if 0 <= place < len(times) else None
