"""What people said in the turn under way: from the journal, so that only what was said counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from meetctl.domain.events import Event


class TurnWords:
    """Gathers a turn's final transcripts of people; nothing that a model says or is shown gets here."""

    def __init__(self, *, heard: Callable[[int, str], None] | None = None) -> None:
        """Begin without a turn; `heard` is told the turn and all of its words whenever there are more."""
        self.turn: int | None = None
        """The last turn in which somebody spoke; None before the first."""
        self.speakers: frozenset[str] = frozenset()
        """Who spoke in it, by identity; an unknown person is "", so that nobody else is taken for them."""
        self._said: list[str] = []
        self._heard = heard

    @property
    def said(self) -> str:
        """All words of the turn."""
        return " ".join(self._said)

    def read(self, event: Event) -> None:
        """Take what an event of the journal says; a listener of MeetingJournal."""
        fields = event.fields
        is_final = event.type == "transcript" and fields.get("role") == "user" and fields.get("final")
        turn, text = fields.get("turn"), str(fields.get("text") or "").strip()
        if not is_final or not isinstance(turn, int) or not text:
            return
        if self.turn is not None and turn < self.turn:
            return
        if turn != self.turn:
            self.turn, self.speakers, self._said = turn, frozenset(), []
        self.speakers |= {str(fields.get("participant") or "")}
        self._said.append(text)
        if self._heard is not None:
            self._heard(turn, self.said)
