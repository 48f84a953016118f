"""A session's events as livekit emits them, and the conversation that journals them, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from livekit import rtc
from livekit.agents import (
    AgentStateChangedEvent,
    ConversationItemAddedEvent,
    ErrorEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
)
from livekit.agents.llm import ChatMessage, LLMError
from tests.fakes.clock import ManualClock
from tests.fakes.event_sink import InMemoryEventSink
from tests.fakes.language_model import ScriptedModel
from tests.fakes.speakers import ScriptedSpeakers

from meetctl.agent.conversation import Conversation
from meetctl.agent.journal import MeetingJournal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from livekit.agents import AgentSession

MAYA = {"participant": "maya", "name": "Maya"}
NOOR = {"participant": "noor", "name": "Noor"}


class Captions:
    """What the room was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str, bool]] = []

    def show(self, identity: str, text: str, *, is_final: bool) -> None:
        self.shown.append((identity, text, is_final))


class Meeting:
    """A session's events as livekit emits them."""

    def __init__(self) -> None:
        self.sink = InMemoryEventSink(clock=ManualClock())
        self.speakers = ScriptedSpeakers()
        self.people = {"maya": "Maya"}
        self.captions = Captions()
        self.conversation = Conversation(
            MeetingJournal(self.sink),
            speakers=self.speakers,
            people=lambda: self.people,
            captions=self.captions,
        )
        self._session: rtc.EventEmitter[str] = rtc.EventEmitter()
        self.conversation.follow(cast("AgentSession[Any]", self._session))

    def speak(self) -> None:
        event = UserStateChangedEvent(old_state="listening", new_state="speaking")
        self._session.emit("user_state_changed", event)

    def stop(self) -> None:
        event = UserStateChangedEvent(old_state="speaking", new_state="listening")
        self._session.emit("user_state_changed", event)

    def hear(self, text: str, *, final: bool = True) -> None:
        event = UserInputTranscribedEvent(transcript=text, is_final=final)
        self._session.emit("user_input_transcribed", event)

    def say(
        self, text: str, *, interrupted: bool = False, role: str = "assistant", **metrics: Any
    ) -> ChatMessage:
        message = ChatMessage(
            role=cast("Any", role), content=[text], interrupted=interrupted, metrics=cast("Any", metrics)
        )
        self.add(message)
        return message

    def add(self, item: Any) -> None:
        self._session.emit("conversation_item_added", ConversationItemAddedEvent(item=item))

    def become(self, state: Any) -> None:
        event = AgentStateChangedEvent(old_state="listening", new_state=state)
        self._session.emit("agent_state_changed", event)

    def fail(self, error: object) -> None:
        self._session.emit("error", ErrorEvent(error=error, source=ScriptedModel()))

    def fail_for_good(self) -> None:
        self.fail(LLMError(timestamp=0, label="test", error=TimeoutError(), recoverable=False))

    def fields(self, kind: str) -> list[Mapping[str, Any]]:
        return self.sink.fields(kind)

    @property
    def turns(self) -> list[tuple[int, str]]:
        return [(fields["turn"], fields["outcome"]) for fields in self.fields("turn.ended")]
