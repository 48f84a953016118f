"""The conversation as events: states, transcripts with who spoke, and turns with their latency."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

from livekit.agents import llm, tts

from meetctl.agent.speaker_names import name_speakers
from meetctl.agent.turn_log import TurnLog
from meetctl.domain.person_names import label_people

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from livekit.agents import (
        AgentSession,
        AgentStateChangedEvent,
        ConversationItemAddedEvent,
        ErrorEvent,
        UserInputTranscribedEvent,
        UserStateChangedEvent,
    )

    from meetctl.agent.journal import MeetingJournal

logger = logging.getLogger(__name__)

ONSET_US = 500_000
"""How long somebody may have been speaking when the first is noticed of it."""

_USER_STAGES = {"transcription_delay": "transcript_s", "end_of_turn_delay": "end_of_turn_s"}
"""A person's message tells how long their words and the end of their turn took to find."""

_AGENT_STAGES = {"llm_node_ttft": "llm_s", "tts_node_ttfb": "tts_s", "e2e_latency": "total_s"}
"""The answer tells how long the model's and the voice's first pieces took, and all of it together."""


class Speakers(Protocol):
    """Who spoke when, at media time."""

    def now_us(self) -> int:
        """Return the present media time."""

    def since(self, begin_us: int) -> str | None:
        """Return who has spoken most since a media time; None when nobody is known to have."""


class Captions(Protocol):
    """Where people's words are shown in the room."""

    def show(self, identity: str, text: str, *, is_final: bool) -> None:
        """Show all words of an utterance that are known so far."""


class Conversation:
    """Journals what is said, by whom, in which turn, and how long it took."""

    def __init__(
        self,
        journal: MeetingJournal,
        *,
        speakers: Speakers,
        people: Callable[[], Mapping[str, str]],
        captions: Captions | None = None,
    ) -> None:
        """Begin without a turn; `people` gives the names of all who were there so far, by identity."""
        self._journal = journal
        self._speakers = speakers
        self._people = people
        self._captions = captions
        self._turns = TurnLog(journal)
        self._utterance_us: int | None = None
        self._message_us: int | None = None
        self._spoken_by: dict[str, str] = {}
        self._last_speaker: str | None = None
        self.has_spoken = False
        """Whether the agent has said anything."""

    @property
    def turn(self) -> int | None:
        """The turn under way or the last one; None before the first."""
        return self._turns.number

    @property
    def is_open(self) -> bool:
        """Whether somebody's words still wait for an answer, or the agent is answering them."""
        return self._turns.is_open

    def follow(self, session: AgentSession[Any]) -> None:
        """Journal what happens in the session from now on."""
        session.on("agent_state_changed", self._change_agent_state)
        session.on("user_state_changed", self._change_user_state)
        session.on("user_input_transcribed", self._hear)
        session.on("conversation_item_added", self._add_item)
        session.on("error", self._report_error)

    def begin_request(self) -> int:
        """Count a request of the turn under way, and return the turn; one that nobody began opens one."""
        if not self._turns.is_open:
            self._turns.begin(self._tell(self._speaker()))
        return self._turns.begin_request()

    def read_typed(self, message_id: str, identity: str, text: str) -> None:
        """Journal a message that a person typed, before it is answered; it opens a turn."""
        self._spoken_by[message_id] = identity
        self._utterance_us = None
        turn = self._turns.begin(self._tell(identity))
        self._journal.write(
            "transcript",
            {
                "turn": turn,
                "role": "user",
                **self._tell(identity),
                "text": text,
                "final": True,
                "typed": True,
            },
        )

    def name_speakers(self, context: llm.ChatContext) -> None:
        """Let a request's context tell who said what, where more than one person has been there.

        The context must be a copy, and its last message of the role user what is answered now: livekit-agents
        tells of that message only after the request has begun.
        """
        said = [message for message in context.messages() if message.role == "user"]
        if said:
            self._attribute(said[-1])
        people = self._people()
        if len(people) > 1:
            labels = label_people(people)
            name_speakers(
                context, {id_: labels[who] for id_, who in self._spoken_by.items() if who in labels}
            )

    def note_stage(self, name: str, seconds: float) -> None:
        """Note how long a stage of the turn under way took that livekit-agents does not know."""
        self._turns.note_latency({name: round(seconds, 3)})

    def close(self) -> None:
        """End the turn that is still open."""
        self._turns.close()

    def _change_agent_state(self, event: AgentStateChangedEvent) -> None:
        self._journal.write("agent.state", {"old": event.old_state, "new": event.new_state})
        if event.new_state == "speaking":
            self.has_spoken = True
        self._turns.set_agent_busy(event.new_state in ("thinking", "speaking"))

    def _change_user_state(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._begin_utterance()
        is_over = event.new_state != "speaking" and self._utterance_us is None
        who = self._tell(self._last_speaker if is_over else self._speaker())
        self._journal.write("user.state", {**who, "old": event.old_state, "new": event.new_state})
        if event.new_state == "speaking":
            self._turns.begin(who)

    def _hear(self, event: UserInputTranscribedEvent) -> None:
        self._begin_utterance()
        identity = self._speaker()
        who = self._tell(identity)
        said = {"text": event.transcript, "final": event.is_final}
        self._journal.write("transcript", {"turn": self._turns.begin(who), "role": "user", **who, **said})
        if self._captions is not None and identity is not None:
            self._captions.show(identity, event.transcript, is_final=event.is_final)
        if event.is_final:
            self._utterance_us = None

    def _add_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if item.type != "message":
            return
        if item.role == "user":
            self._attribute(item)
            self._turns.begin(self._tell(self._spoken_by.get(item.id)))
            self._turns.note_latency(_latency(item, _USER_STAGES))
        elif item.role == "assistant":
            self._answer(item)

    def _answer(self, item: llm.ChatMessage) -> None:
        self._turns.note_latency(_latency(item, _AGENT_STAGES))
        self._journal.write(
            "transcript",
            {
                "turn": self.turn if self.is_open else None,
                "role": "assistant",
                "text": item.text_content or "",
                "final": True,
                "interrupted": item.interrupted,
            },
        )
        self._turns.answer(is_interrupted=item.interrupted)

    def _begin_utterance(self) -> None:
        if self._utterance_us is None:
            self._utterance_us = self._speakers.now_us() - ONSET_US
        if self._message_us is None:
            self._message_us = self._utterance_us

    def _speaker(self) -> str | None:
        """Return whose the words under way are."""
        begin_us = self._utterance_us
        self._last_speaker = self._heard_since(
            self._speakers.now_us() - ONSET_US if begin_us is None else begin_us
        )
        return self._last_speaker

    def _attribute(self, message: llm.ChatMessage) -> None:
        """Note who said a message: whoever spoke most since the last one."""
        if message.id in self._spoken_by:
            return
        identity = self._heard_since(self._message_us) if self._message_us is not None else None
        self._message_us = None
        if identity is not None:
            self._spoken_by[message.id] = identity

    def _heard_since(self, begin_us: int) -> str | None:
        people = self._people()
        return self._speakers.since(begin_us) or (next(iter(people)) if len(people) == 1 else None)

    def _tell(self, identity: str | None) -> dict[str, Any]:
        name = self._people().get(identity) if identity is not None else None
        return {"participant": identity, "name": name}

    def _report_error(self, event: ErrorEvent) -> None:
        """Journal a provider's failure by its kind only: its text may quote what people said."""
        failure = getattr(event.error, "error", event.error)
        recoverable = getattr(event.error, "recoverable", None)
        self._journal.write(
            "error",
            {
                "component": type(event.source).__module__.rpartition(".")[0].removeprefix("livekit."),
                "error": type(failure).__name__,
                "status": getattr(failure, "status_code", None),
                "recoverable": recoverable,
            },
        )
        logger.warning("%s failed: %s", type(event.source).__name__, type(failure).__name__)
        if not recoverable and isinstance(event.source, llm.LLM | tts.TTS):
            self._turns.fail()


def _latency(message: llm.ChatMessage, stages: Mapping[str, str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for key, name in stages.items():
        seconds = message.metrics.get(key)
        if isinstance(seconds, int | float):
            found[name] = round(seconds, 3)
    return found
