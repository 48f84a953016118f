"""What livekit-agents' own messages become as events: turns, latency, usage, and each thing once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from livekit.protocol.agent_pb import agent_session as pb
from tests.fakes.clock import START, ManualClock

from meetctl import bootstrap
from meetctl.adapters.agent_session_observer.telling import Telling
from meetctl.adapters.agent_session_observer.translation import Translation
from meetctl.adapters.agent_session_observer.usage import UsageGrowth
from meetctl.domain.events import JournalOwner
from meetctl.domain.state import SessionState, fold_events

if TYPE_CHECKING:
    from meetctl.domain.events import Event

OWNER = JournalOwner(session_id="RM_1/assistant", tenant_id=None, room="standup")


def moment(seconds: float) -> Timestamp:
    at = Timestamp()
    at.FromDatetime(START + timedelta(seconds=seconds))
    return at


class Session:
    """A session as it is told, and what it has come to."""

    def __init__(self, *people: str) -> None:
        clock = ManualClock()
        self.telling = Telling(OWNER, began_at=START, clock=clock)
        self.translation = Translation(self.telling, book=bootstrap.price_book(()), clock=clock)
        for identity in people:
            self.telling.join(identity, identity.title(), "standard")
        self.events: list[Event] = []

    def happen(self, at_s: float, **event: Any) -> None:
        self.translation.take_event(pb.AgentSessionEvent(created_at=moment(at_s), **event))

    def hear(self, at_s: float, text: str, *, is_final: bool = True) -> None:
        heard = pb.AgentSessionEvent.UserInputTranscribed(transcript=text, is_final=is_final)
        self.happen(at_s, user_input_transcribed=heard)

    def add(self, at_s: float, item: pb.ChatContext.ChatItem) -> None:
        self.happen(at_s, conversation_item_added=pb.AgentSessionEvent.ConversationItemAdded(item=item))

    @property
    def state(self) -> SessionState:
        self.events += self.telling.take_all()
        return fold_events(self.events)


def message(
    id_: str, role: pb.ChatRole, text: str, *, interrupted: bool = False, **metrics: Any
) -> pb.ChatContext.ChatItem:
    return pb.ChatContext.ChatItem(
        message=pb.ChatMessage(
            id=id_,
            role=role,
            content=[pb.ChatMessage.ChatContent(text=text)],
            interrupted=interrupted,
            metrics=pb.MetricsReport(**metrics),
        )
    )


def usage(input_tokens: int, *, provider: str = "api.openai.com") -> pb.AgentSessionUsage:
    return pb.AgentSessionUsage(
        model_usage=[
            pb.ModelUsage(
                llm=pb.LLMModelUsage(
                    provider=provider, model="gpt-4.1", input_tokens=input_tokens, output_tokens=10
                )
            )
        ]
    )


def test_a_spoken_question_and_its_answer_are_a_turn_with_its_latency() -> None:
    session = Session("maya")
    session.hear(1.0, "What", is_final=False)
    session.hear(1.5, "What is it?")
    session.add(2.0, message("m1", pb.USER, "What is it?", transcription_delay=0.25, end_of_turn_delay=0.5))
    session.add(
        4.0, message("m2", pb.ASSISTANT, "A slide.", llm_node_ttft=0.4, tts_node_ttfb=0.1, e2e_latency=1.25)
    )
    state = session.state
    assert [(one.role, one.name, one.text, one.is_typed) for one in state.conversation.recent] == [
        ("user", "Maya", "What is it?", False),
        ("assistant", None, "A slide.", False),
    ]
    (turn,) = state.turns.recent
    assert (turn.number, turn.participant, turn.outcome, turn.started_t, turn.ended_t) == (
        1,
        "maya",
        "done",
        1.0,
        4.0,
    )
    assert turn.latency == pytest.approx(
        {"transcript_s": 0.25, "end_of_turn_s": 0.5, "llm_s": 0.4, "tts_s": 0.1, "total_s": 1.25}
    )
    assert (state.lost, state.unknown, state.conversation.interim) == (0, 0, None)


def test_what_nobody_heard_was_typed_and_an_answer_cut_short_was_interrupted() -> None:
    session = Session("maya")
    session.add(1.0, message("m1", pb.USER, "Hello"))
    session.add(2.0, message("m2", pb.ASSISTANT, "Hel", interrupted=True))
    state = session.state
    assert [(one.text, one.is_typed, one.is_interrupted) for one in state.conversation.recent] == [
        ("Hello", True, False),
        ("Hel", False, True),
    ]
    assert state.turns.outcomes == (("interrupted", 1),)


def test_history_is_told_once_however_often_it_is_asked_for() -> None:
    session = Session("maya")
    history = [message("m1", pb.USER, "Hello"), message("m2", pb.ASSISTANT, "Hi.")]
    session.translation.take_history(history)
    session.translation.take_history([*history, message("m3", pb.USER, "And?")])
    session.add(9.0, message("m3", pb.USER, "And?"))
    assert [one.text for one in session.state.conversation.recent] == ["Hello", "Hi.", "And?"]


def test_instructions_and_other_items_are_never_told() -> None:
    session = Session()
    session.add(1.0, message("m0", pb.SYSTEM, "Answer in secret."))
    call = pb.FunctionCall(name="look_up", call_id="c1", arguments='{"for": "a secret"}')
    session.add(1.0, pb.ChatContext.ChatItem(function_call=call))
    session.happen(
        2.0,
        function_tools_executed=pb.AgentSessionEvent.FunctionToolsExecuted(
            function_calls=[call],
            function_call_outputs=[pb.FunctionCallOutput(call_id="c1", output="a secret", is_error=True)],
        ),
    )
    session.happen(3.0, error=pb.AgentSessionEvent.Error(message="a secret was not understood"))
    state = session.state
    assert [event.type for event in session.events] == ["tool.called", "error"]
    assert session.events[0].fields["outcome"] == "failed"
    assert "secret" not in repr(session.events)
    assert state.conversation.recent == ()


def test_who_speaks_is_known_of_the_only_person_or_by_their_words() -> None:
    session = Session("maya", "tom")
    session.hear(1.0, "Hello")
    session.telling.speaker = "tom"
    session.hear(2.0, "Hello again")
    assert [one.participant for one in session.state.conversation.recent] == [None, "tom"]


def test_states_are_told_when_they_change() -> None:
    session = Session("maya")
    for at_s, new in ((1.0, pb.AS_LISTENING), (2.0, pb.AS_THINKING)):
        session.happen(at_s, agent_state_changed=pb.AgentSessionEvent.AgentStateChanged(new_state=new))
    session.translation.take_state(pb.SessionResponse.GetSessionStateResponse(agent_state=pb.AS_THINKING))
    session.happen(3.0, user_state_changed=pb.AgentSessionEvent.UserStateChanged(new_state=pb.US_SPEAKING))
    state = session.state
    assert [event.type for event in session.events if event.type == "agent.state"] == ["agent.state"] * 2
    assert (state.conversation.agent_state, state.conversation.agent_state_t) == ("thinking", 2.0)
    assert [(one.identity, one.state) for one in state.people.present] == [("maya", "speaking")]
    assert state.turns.started == 1


def test_usage_is_the_growth_of_its_sums_and_priced_as_an_estimate() -> None:
    session = Session()
    session.translation.take_usage(usage(1_000))
    session.translation.take_usage(usage(1_000))
    session.translation.take_usage(usage(1_500))
    total = session.state.usage
    assert [(line.provider, line.unit, int(line.quantity), line.basis) for line in total.lines] == [
        ("openai", "input_tokens", 1_500, "estimated"),
        ("openai", "output_tokens", 10, "estimated"),
    ]
    # $2 and $8 a million tokens.
    assert total.usd == Decimal("0.003") + Decimal("0.00008")
    assert total.uses == 2


@pytest.mark.parametrize("provider", ["127.0.0.1:8080", "", "livekit"])
def test_what_nobody_knows_the_price_of_has_none(provider: str) -> None:
    session = Session()
    session.translation.take_usage(usage(1_000, provider=provider))
    total = session.state.usage
    assert (total.priced_uses, len(total.unpriced)) == (0, 2)


def test_hearing_and_speaking_are_counted_in_their_own_units() -> None:
    growth = UsageGrowth(bootstrap.price_book(()), ManualClock())
    sums = pb.AgentSessionUsage(
        model_usage=[
            pb.ModelUsage(stt=pb.STTModelUsage(provider="Deepgram", model="nova-3", audio_duration=60.0)),
            pb.ModelUsage(
                tts=pb.TTSModelUsage(
                    provider="Cartesia", model="sonic-3", characters_count=100, audio_duration=6.0
                )
            ),
            pb.ModelUsage(interruption=pb.InterruptionModelUsage(provider="x", model="y", total_requests=3)),
        ]
    )
    (heard, stt), (spoken, tts) = growth.grow(sums)
    assert (heard, stt["provider"], stt["audio_s"]) == ("stt.usage", "deepgram", 60.0)
    assert (spoken, tts["provider"], tts["characters"]) == ("tts.usage", "cartesia", 100)
    assert stt["usd"] is not None
    assert Decimal(tts["usd"]) > 0
    assert list(growth.grow(sums)) == []


def test_times_are_counted_from_the_sessions_beginning_and_never_negative() -> None:
    session = Session("maya")
    session.hear(-5.0, "Before")
    session.hear(7.25, "After")
    session.telling.end("the agent left")
    state = session.state
    assert [event.t for event in session.events if event.type == "transcript"] == [0.0, 7.25]
    assert state.about.has_ended
    assert state.turns.outcomes == (("unanswered", 1),)
    assert session.events[0].ts == f"{datetime(2026, 11, 16, 9, tzinfo=UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
