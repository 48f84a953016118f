"""The conversation as events: states, transcripts, and turns with their latency."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.agents import (
        AgentSession,
        AgentStateChangedEvent,
        ConversationItemAddedEvent,
        ErrorEvent,
        UserInputTranscribedEvent,
        UserStateChangedEvent,
    )
    from livekit.agents.llm import ChatMessage

    from meetctl.agent.journal import MeetingJournal

logger = logging.getLogger(__name__)

_USER_STAGES = {"transcription_delay": "transcript_s", "end_of_turn_delay": "end_of_turn_s"}
"""A person's message tells how long their words and the end of their turn took to find."""

_AGENT_STAGES = {"llm_node_ttft": "llm_s", "tts_node_ttfb": "tts_s", "e2e_latency": "total_s"}
"""The answer tells how long the model's and the voice's first pieces took, and all of it together."""


class Conversation:
    """Numbers the turns of one session, and journals what is said and how long it took."""

    def __init__(self, journal: MeetingJournal, *, speaker: Callable[[], str | None]) -> None:
        self._journal = journal
        self._speaker = speaker
        self._turn = 0
        self._is_open = False
        self._latency: dict[str, float] = {}
        self._requests = 0
        self.has_spoken = False
        """Whether the agent has said anything."""

    @property
    def turn(self) -> int | None:
        """The turn under way or the last one; None before the first."""
        return self._turn or None

    def follow(self, session: AgentSession[Any]) -> None:
        """Journal what happens in the session from now on."""
        session.on("agent_state_changed", self._change_agent_state)
        session.on("user_state_changed", self._change_user_state)
        session.on("user_input_transcribed", self._hear)
        session.on("conversation_item_added", self._add_item)
        session.on("error", self._report_error)

    def begin_request(self) -> int:
        """Count a request of the turn under way, and return the turn.

        A typed message opens its turn here: livekit-agents tells of it only after the request has begun.
        """
        self._start_turn()
        self._requests += 1
        return self._turn

    def close(self) -> None:
        """End the turn that is still open."""
        self._end_turn("unanswered")

    def _change_agent_state(self, event: AgentStateChangedEvent) -> None:
        self._journal.write("agent.state", {"old": event.old_state, "new": event.new_state})
        if event.new_state == "speaking":
            self.has_spoken = True

    def _change_user_state(self, event: UserStateChangedEvent) -> None:
        self._journal.write(
            "user.state", {"participant": self._speaker(), "old": event.old_state, "new": event.new_state}
        )
        if event.new_state == "speaking":
            self._start_turn()

    def _hear(self, event: UserInputTranscribedEvent) -> None:
        self._start_turn()
        self._journal.write(
            "transcript",
            {
                "turn": self._turn,
                "role": "user",
                "participant": event.speaker_id or self._speaker(),
                "text": event.transcript,
                "final": event.is_final,
            },
        )

    def _add_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if item.type != "message":
            return
        if item.role == "user":
            self._start_turn()
            self._note_latency(item, _USER_STAGES)
        elif item.role == "assistant":
            self._answer(item)

    def _answer(self, item: ChatMessage) -> None:
        self._note_latency(item, _AGENT_STAGES)
        self._journal.write(
            "transcript",
            {
                "turn": self.turn,
                "role": "assistant",
                "text": item.text_content or "",
                "final": True,
                "interrupted": item.interrupted,
            },
        )
        self._end_turn("interrupted" if item.interrupted else "done")

    def _start_turn(self) -> None:
        """Open a turn, unless the person is still in one that nobody has answered."""
        if self._is_open:
            return
        self._turn += 1
        self._is_open = True
        self._latency, self._requests = {}, 0
        self._journal.write("turn.started", {"turn": self._turn, "participant": self._speaker()})

    def _end_turn(self, outcome: str) -> None:
        if not self._is_open:
            return
        self._is_open = False
        self._journal.write(
            "turn.ended",
            {
                "turn": self._turn,
                "outcome": outcome,
                "requests": self._requests,
                "latency": self._latency,
            },
        )

    def _note_latency(self, message: ChatMessage, stages: dict[str, str]) -> None:
        for key, name in stages.items():
            seconds = message.metrics.get(key)
            if isinstance(seconds, int | float):
                self._latency[name] = round(seconds, 3)

    def _report_error(self, event: ErrorEvent) -> None:
        """Journal a provider's failure by its kind only: its text may quote what people said."""
        failure = getattr(event.error, "error", event.error)
        self._journal.write(
            "error",
            {
                "component": type(event.source).__module__.rpartition(".")[0].removeprefix("livekit."),
                "error": type(failure).__name__,
                "status": getattr(failure, "status_code", None),
                "recoverable": getattr(event.error, "recoverable", None),
            },
        )
        logger.warning("%s failed: %s", type(event.source).__name__, type(failure).__name__)
