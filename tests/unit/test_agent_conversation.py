"""The conversation in the journal: states, words and whose they are, turns, and failures without words."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

import pytest
from livekit import rtc
from livekit.agents import APIStatusError, ErrorEvent
from livekit.agents.llm import AgentHandoff, LLMError
from tests.agent_conversation import Meeting
from tests.fakes.clock import ManualClock
from tests.fakes.event_sink import InMemoryEventSink
from tests.fakes.speakers import ScriptedSpeakers

from meetctl.agent.conversation import Conversation
from meetctl.agent.journal import MeetingJournal

if TYPE_CHECKING:
    from livekit.agents import AgentSession

SECRET = "my salary is 90000"


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
    conversation = Conversation(MeetingJournal(sink), speakers=ScriptedSpeakers(), people=dict)
    conversation.follow(cast("AgentSession[Any]", session))
    source = openai.LLM(model="gpt-4.1", api_key="sk-secret")
    session.emit("error", ErrorEvent(error=TimeoutError(), source=source))
    assert sink.fields("error") == [
        {"component": "plugins.openai", "error": "TimeoutError", "status": None, "recoverable": None}
    ]


def test_a_request_that_nobody_asked_for_opens_a_turn() -> None:
    meeting = Meeting()
    assert meeting.conversation.begin_request() == 1
    assert meeting.conversation.turn == 1


def test_text_before_a_call_of_a_tool_and_the_answer_after_it_are_one_turn() -> None:
    meeting = Meeting()
    meeting.speak()
    meeting.hear("Look again.")
    meeting.become("thinking")
    meeting.conversation.begin_request()
    meeting.become("speaking")
    meeting.say("Let me look.")
    meeting.become("thinking")
    assert meeting.conversation.begin_request() == 1
    meeting.become("speaking")
    meeting.say("It is a slide.")
    assert meeting.conversation.is_open
    meeting.become("listening")
    assert meeting.fields("turn.ended") == [{"turn": 1, "outcome": "done", "requests": 2, "latency": {}}]
    assert {fields["turn"] for fields in meeting.fields("transcript")} == {1}


def test_a_next_step_that_says_nothing_leaves_the_turn_as_it_was() -> None:
    meeting = Meeting()
    meeting.speak()
    meeting.become("speaking")
    meeting.say("Goodbye.")
    meeting.become("thinking")
    meeting.conversation.begin_request()
    meeting.become("listening")
    assert meeting.turns == [(1, "done")]


def test_a_question_into_the_last_words_of_an_answer_is_the_next_turn() -> None:
    meeting = Meeting()
    meeting.speak()
    meeting.become("speaking")
    meeting.say("A slide.")
    meeting.speak()
    meeting.become("listening")
    assert meeting.turns == [(1, "done")]
    assert meeting.conversation.turn == 2
    assert meeting.conversation.is_open


def test_a_voice_that_breaks_off_before_its_first_word_ends_the_turn() -> None:
    meeting = Meeting()
    meeting.speak()
    meeting.become("thinking")
    meeting.conversation.begin_request()
    meeting.become("speaking")
    meeting.fail_for_good()
    assert meeting.turns == []
    meeting.become("listening")
    meeting.speak()
    assert meeting.turns == [(1, "failed")]
    assert meeting.conversation.turn == 2


def test_an_answer_that_a_failure_cut_off_has_failed_and_was_not_interrupted() -> None:
    meeting = Meeting()
    meeting.speak()
    meeting.become("speaking")
    meeting.fail_for_good()
    meeting.say("It is a", interrupted=True)
    meeting.become("listening")
    assert meeting.turns == [(1, "failed")]


def test_what_is_said_after_a_failure_is_no_answer() -> None:
    meeting = Meeting()
    meeting.speak()
    meeting.become("thinking")
    meeting.fail_for_good()
    meeting.become("speaking")
    meeting.say("I am sorry, I have to leave.")
    meeting.become("listening")
    assert meeting.turns == [(1, "failed")]


def test_a_failure_that_is_mended_or_before_any_turn_ends_none() -> None:
    meeting = Meeting()
    meeting.fail_for_good()
    meeting.speak()
    meeting.fail(LLMError(timestamp=0, label="test", error=TimeoutError(), recoverable=True))
    assert meeting.turns == []
    meeting.say("A slide.")
    assert meeting.turns == [(1, "done")]


def test_what_is_said_between_turns_belongs_to_none() -> None:
    meeting = Meeting()
    meeting.speak()
    meeting.say("Yes.")
    meeting.say("Hello Noor, welcome.")
    assert [fields["turn"] for fields in meeting.fields("transcript")] == [1, None]
    assert meeting.turns == [(1, "done")]
