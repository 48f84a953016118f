"""The turns of one session in its journal: each from somebody's words to the end of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from meetctl.agent.journal import MeetingJournal


class TurnLog:
    """Numbers the turns, and writes how each began and ended.

    A turn ends when the agent has fallen silent after an answer, or after a failure; several answers with
    calls of tools between them are one turn. Whoever goes on speaking before there is an answer stays in it.
    """

    def __init__(self, journal: MeetingJournal) -> None:
        self._journal = journal
        self._number = 0
        self._is_open = False
        self._is_agent_busy = False
        self._has_failed = False
        self._answer: str | None = None
        self._earlier_answer: str | None = None
        self._requests = 0
        self._latency: dict[str, float] = {}

    @property
    def number(self) -> int | None:
        """The turn under way or the last one; None before the first."""
        return self._number or None

    @property
    def is_open(self) -> bool:
        """Whether somebody's words still wait for an answer, or the agent is answering them."""
        return self._is_open

    def begin(self, who: Mapping[str, Any]) -> int:
        """Open a turn of somebody and return it, or the one that nobody has answered yet."""
        if self._is_open and self._answer is not None:
            self._end(self._answer)
        if not self._is_open:
            self._number += 1
            self._is_open, self._has_failed = True, False
            self._answer = self._earlier_answer = None
            self._latency, self._requests = {}, 0
            self._journal.write("turn.started", {"turn": self._number, **who})
        return self._number

    def begin_request(self) -> int:
        """Count a request of the turn and return it; after an answer the request is the turn's next step."""
        self._requests += 1
        self._earlier_answer, self._answer = self._answer or self._earlier_answer, None
        return self._number

    def note_latency(self, seconds: Mapping[str, float]) -> None:
        """Add what a stage of the turn under way took."""
        self._latency |= seconds

    def answer(self, *, is_interrupted: bool) -> None:
        """Note that the agent has said something to it, whole or not."""
        if self._has_failed:
            # Whatever was said, such as a farewell, it is not the answer.
            self._answer = "failed"
        else:
            self._answer = "interrupted" if is_interrupted else "done"
        self._settle()

    def fail(self) -> None:
        """Note that what was needed for an answer has failed for good."""
        self._has_failed = self._is_open
        self._settle()

    def set_agent_busy(self, is_busy: bool) -> None:
        """Note whether the agent thinks or speaks."""
        self._is_agent_busy = is_busy
        self._settle()

    def close(self) -> None:
        """End the turn that is still open."""
        if self._is_open:
            self._end(self._answer or self._earlier_answer or "unanswered")

    def _settle(self) -> None:
        if not self._is_open or self._is_agent_busy:
            return
        outcome = self._answer or self._earlier_answer or ("failed" if self._has_failed else None)
        if outcome is not None:
            self._end(outcome)

    def _end(self, outcome: str) -> None:
        self._is_open = False
        self._journal.write(
            "turn.ended",
            {
                "turn": self._number,
                "outcome": outcome,
                "requests": self._requests,
                "latency": self._latency,
            },
        )
