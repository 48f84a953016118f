"""The conversation in the journal: states, words, turns with their latency, and failures without words."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

import pytest
from livekit import rtc
from livekit.agents import (
    AgentStateChangedEvent,
    APIStatusError,
    ConversationItemAddedEvent,
    ErrorEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
)
from livekit.agents.llm import AgentHandoff, ChatMessage, LLMError
from tests.fakes.clock import ManualClock
from tests.fakes.event_sink import InMemoryEventSink
from tests.fakes.language_model import ScriptedModel

from meetctl.agent.conversation import Conversation
from meetctl.agent.journal import MeetingJournal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from livekit.agents import AgentSession

SECRET = "my salary is 90000"


class Meeting:
    """A session's events as livekit emits them."""

    def __init__(self) -> None:
        self.sink = InMemoryEventSink(clock=ManualClock())
        self.conversation = Conversation(MeetingJournal(self.sink), speaker=lambda: "maya")
        self._session: rtc.EventEmitter[str] = rtc.EventEmitter()
        self.conversation.follow(cast("AgentSession[Any]", self._session))

    def speak(self) -> None:
        event = UserStateChangedEvent(old_state="listening", new_state="speaking")
        self._session.emit("user_state_changed", event)

    def stop(self) -> None:
        event = UserStateChangedEvent(old_state="speaking", new_state="listening")
        self._session.emit("user_state_changed", event)

    def hear(self, text: str, *, final: bool = True, speaker: str | None = None) -> None:
        event = UserInputTranscribedEvent(transcript=text, is_final=final, speaker_id=speaker)
        self._session.emit("user_input_transcribed", event)

    def say(self, text: str, *, interrupted: bool = False, role: str = "assistant", **metrics: Any) -> None:
        message = ChatMessage(
            role=cast("Any", role), content=[text], interrupted=interrupted, metrics=cast("Any", metrics)
        )
        self.add(message)

    def add(self, item: Any) -> None:
        self._session.emit("conversation_item_added", ConversationItemAddedEvent(item=item))

    def become(self, state: Any) -> None:
        event = AgentStateChangedEvent(old_state="listening", new_state=state)
        self._session.emit("agent_state_changed", event)

    def fail(self, error: object) -> None:
        self._session.emit("error", ErrorEvent(error=error, source=ScriptedModel()))

    def fields(self, kind: str) -> list[Mapping[str, Any]]:
        return self.sink.fields(kind)

    @property
    def turns(self) -> list[tuple[int, str]]:
        return [(fields["turn"], fields["outcome"]) for fields in self.fields("turn.ended")]


def test_a_turn_goes_from_the_first_sound_to_the_answer() -> None:
    meeting = Meeting()
    assert meeting.conversation.turn is None
    meeting.speak()
    meeting.hear("what is", final=False)
    meeting.hear("What is on the screen?")
    meeting.stop()
    meeting.say("What is on the screen?", role="user")
    meeting.conversation.begin_request()
    meeting.say("A slide.")
    assert [(event.type, event.fields.get("turn")) for event in meeting.sink.events] == [
        ("user.state", None),
        ("turn.started", 1),
        ("transcript", 1),
        ("transcript", 1),
        ("user.state", None),
        ("transcript", 1),
        ("turn.ended", 1),
    ]
    assert meeting.fields("turn.ended") == [{"turn": 1, "outcome": "done", "requests": 1, "latency": {}}]
    assert meeting.conversation.turn == 1


def test_turns_are_numbered_and_each_counts_its_own_requests() -> None:
    meeting = Meeting()
    for requests in (1, 2, 0):
        meeting.speak()
        for _ in range(requests):
            meeting.conversation.begin_request()
        meeting.say("Yes.")
    assert [(f["turn"], f["requests"]) for f in meeting.fields("turn.ended")] == [(1, 1), (2, 2), (3, 0)]


def test_people_who_go_on_speaking_are_in_the_same_turn() -> None:
    meeting = Meeting()
    for _ in range(3):
        meeting.speak()
        meeting.hear("And another thing,")
        meeting.stop()
    meeting.say("Yes.")
    assert len(meeting.fields("turn.started")) == 1
    assert meeting.turns == [(1, "done")]


def test_an_interruption_ends_the_turn_and_begins_the_next() -> None:
    meeting = Meeting()
    meeting.speak()
    meeting.hear("What is it?")
    meeting.speak()
    meeting.say("It is a", interrupted=True)
    meeting.hear("No, the other one.")
    meeting.say("That is a chart.")
    assert meeting.turns == [(1, "interrupted"), (2, "done")]
    assert [f["interrupted"] for f in meeting.fields("transcript") if f["role"] == "assistant"] == [
        True,
        False,
    ]


def test_a_question_that_nobody_answers_is_told_at_the_end() -> None:
    meeting = Meeting()
    meeting.speak()
    meeting.conversation.close()
    meeting.conversation.close()
    assert meeting.turns == [(1, "unanswered")]


def test_the_greeting_belongs_to_no_turn() -> None:
    meeting = Meeting()
    meeting.become("speaking")
    meeting.say("Hello.")
    assert meeting.conversation.has_spoken
    assert meeting.fields("turn.started") == meeting.fields("turn.ended") == []
    assert meeting.fields("transcript") == [
        {"turn": None, "role": "assistant", "text": "Hello.", "final": True, "interrupted": False}
    ]
    assert meeting.fields("agent.state") == [{"old": "listening", "new": "speaking"}]


def test_latency_comes_by_stage_from_both_sides() -> None:
    meeting = Meeting()
    meeting.speak()
    meeting.say("What?", role="user", transcription_delay=0.3014, end_of_turn_delay=0.52)
    meeting.say("This.", llm_node_ttft=0.4, tts_node_ttfb=0.1999, e2e_latency=1.25, llm_metadata={"a": "b"})
    (ended,) = meeting.fields("turn.ended")
    assert ended["latency"] == {
        "transcript_s": 0.301,
        "end_of_turn_s": 0.52,
        "llm_s": 0.4,
        "tts_s": 0.2,
        "total_s": 1.25,
    }


def test_latency_of_one_turn_does_not_stay_for_the_next() -> None:
    meeting = Meeting()
    meeting.speak()
    meeting.say("Yes.", e2e_latency=1.0)
    meeting.speak()
    meeting.say("Yes.")
    assert [fields["latency"] for fields in meeting.fields("turn.ended")] == [{"total_s": 1.0}, {}]


def test_the_speaker_is_whom_recognition_names_or_else_who_is_listened_to() -> None:
    meeting = Meeting()
    meeting.hear("One.", speaker="noor")
    meeting.hear("Two.")
    assert [fields["participant"] for fields in meeting.fields("transcript")] == ["noor", "maya"]


def test_an_agent_that_takes_over_says_nothing() -> None:
    meeting = Meeting()
    meeting.speak()
    meeting.add(AgentHandoff(new_agent_id="other"))
    assert meeting.fields("transcript") == []
    assert meeting.turns == []


@pytest.mark.parametrize("is_wrapped", [True, False])
def test_failures_are_told_by_kind_and_never_quote_people(
    is_wrapped: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    meeting = Meeting()
    failure = APIStatusError(f"invalid request: {SECRET}", status_code=400, body={"message": SECRET})
    wrapped = LLMError(timestamp=0, label="test", error=failure, recoverable=True)
    meeting.fail(wrapped if is_wrapped else failure)
    (fields,) = meeting.fields("error")
    assert (fields["error"], fields["status"]) == ("APIStatusError", 400)
    assert fields["recoverable"] is (True if is_wrapped else None)
    assert SECRET not in "".join(meeting.sink.lines) + caplog.text


def test_a_failing_plugin_is_named() -> None:
    from livekit.plugins import openai

    sink = InMemoryEventSink(clock=ManualClock())
    session: rtc.EventEmitter[str] = rtc.EventEmitter()
    Conversation(MeetingJournal(sink), speaker=lambda: None).follow(cast("AgentSession[Any]", session))
    source = openai.LLM(model="gpt-4.1", api_key="sk-secret")
    session.emit("error", ErrorEvent(error=TimeoutError(), source=source))
    assert sink.fields("error") == [
        {"component": "plugins.openai", "error": "TimeoutError", "status": None, "recoverable": None}
    ]


def test_a_typed_message_opens_its_turn_with_its_request() -> None:
    meeting = Meeting()
    assert meeting.conversation.begin_request() == 1
    assert meeting.conversation.turn == 1
