"""What happens in another agent's session, told as events of a journal: numbered, timed, and in turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meetctl.domain.events import Event

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from meetctl.domain.events import JournalOwner
    from meetctl.ports import Clock


class Telling:
    """The events of one session, in the order in which they are told.

    Its turns are ours: somebody speaks or writes, the agent answers. Their media time is the time since the
    session began, as nobody else's clock is known.
    """

    def __init__(self, owner: JournalOwner, *, began_at: datetime, clock: Clock) -> None:
        self._owner = owner
        self.began_at = began_at
        """When the session began."""
        self._clock = clock
        self._events: list[Event] = []
        self._seq = 0
        self._turn = 0
        self._is_open = False
        self._has_heard = False
        self._latency: dict[str, float] = {}
        self._agent_state: str | None = None
        self._user_state: str | None = None
        self.people: dict[str, str] = {}
        """The names of the people who are there, by identity."""
        self.speaker: str | None = None
        """Whose words were heard last; None where nobody can tell."""

    def take_all(self) -> list[Event]:
        """Return what was told since the last call."""
        told, self._events = self._events, []
        return told

    def tell(self, kind: str, fields: Mapping[str, Any], at: datetime | None = None) -> None:
        """Tell one event, of a moment or of now."""
        moment = at or self._clock.now()
        self._events.append(
            Event(
                seq=self._seq,
                ts=f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}",
                t=max(0.0, round((moment - self.began_at).total_seconds(), 3)),
                type=kind,
                session_id=self._owner.session_id,
                tenant_id=self._owner.tenant_id,
                room=self._owner.room,
                fields=fields,
            )
        )
        self._seq += 1

    def join(self, identity: str, name: str, kind: str) -> None:
        """Tell that somebody is there."""
        if kind != "agent":
            self.people[identity] = name
        self.tell("participant.joined", {"participant": identity, "name": name, "kind": kind})

    def leave(self, identity: str) -> None:
        """Tell that somebody has left."""
        self.people.pop(identity, None)
        self.tell("participant.left", {"participant": identity})

    def change_agent(self, state: str, at: datetime | None = None) -> None:
        """Tell what the agent does; what it did before is told once."""
        if state != self._agent_state:
            self.tell("agent.state", {"old": self._agent_state, "new": state}, at)
            self._agent_state = state

    def change_user(self, state: str, at: datetime | None = None) -> None:
        """Tell what the person does whom the agent listens to."""
        if state != self._user_state:
            self.tell("user.state", {**self._who(), "old": self._user_state, "new": state}, at)
            self._user_state = state
        if state == "speaking":
            self._begin_turn(at)

    def hear(self, text: str, *, is_final: bool, at: datetime | None = None, is_typed: bool = False) -> None:
        """Tell what a person says; it begins a turn."""
        turn = self._begin_turn(at)
        said = {"turn": turn, "role": "user", **self._who(), "text": text, "final": is_final}
        self.tell("transcript", {**said, "typed": True} if is_typed else said, at)
        self._has_heard = self._has_heard or is_final

    def complete(self, text: str, latency: Mapping[str, float], at: datetime, *, was_live: bool) -> None:
        """Tell of a person's message that the agent is to answer; its words may have been heard before."""
        if text and not self._has_heard:
            # Of what was missed nobody says whether it was spoken; what nobody heard live was written.
            self.hear(text, is_final=True, at=at, is_typed=was_live)
        self._begin_turn(at)
        self._latency |= latency
        self._has_heard = False

    def answer(
        self,
        text: str,
        latency: Mapping[str, float] | None = None,
        at: datetime | None = None,
        *,
        is_interrupted: bool = False,
    ) -> None:
        """Tell what the agent says; it ends the turn that it answers."""
        turn = self.turn
        said = {"turn": turn, "role": "assistant", "text": text, "final": True}
        self.tell("transcript", {**said, "interrupted": is_interrupted}, at)
        if self._is_open:
            self._latency |= latency or {}
            self._end_turn("interrupted" if is_interrupted else "done", at)

    @property
    def turn(self) -> int | None:
        """The turn under way; None where none is."""
        return self._turn if self._is_open else None

    @property
    def last_turn(self) -> int | None:
        """The turn under way or the last one; None before the first."""
        return self._turn or None

    def end(self, reason: str) -> None:
        """Tell that the session is over."""
        if self._is_open:
            self._end_turn("unanswered", None)
        self.tell("session.ended", {"reason": reason})

    def _begin_turn(self, at: datetime | None) -> int:
        if not self._is_open:
            self._turn += 1
            self._is_open = True
            self._latency = {}
            self.tell("turn.started", {"turn": self._turn, **self._who()}, at)
        return self._turn

    def _end_turn(self, outcome: str, at: datetime | None) -> None:
        self._is_open = False
        self.tell("turn.ended", {"turn": self._turn, "outcome": outcome, "latency": self._latency}, at)

    def _who(self) -> dict[str, str | None]:
        """Return who speaks: the one who was heard last, or the only one who is there."""
        alone = next(iter(self.people)) if len(self.people) == 1 else None
        identity = self.speaker if self.speaker in self.people else alone
        return {"participant": identity, "name": self.people[identity] if identity is not None else None}
