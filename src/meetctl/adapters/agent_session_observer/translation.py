"""The messages of `lk.agent.session`, in which livekit-agents tells what a session does, as events."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from livekit.protocol.agent_pb import agent_session as pb

from meetctl.adapters.agent_session_observer.usage import UsageGrowth

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from meetctl.adapters.agent_session_observer.telling import Telling
    from meetctl.ports import Clock, PriceBook

_USER_STAGES = {"transcription_delay": "transcript_s", "end_of_turn_delay": "end_of_turn_s"}
_AGENT_STAGES = {"llm_node_ttft": "llm_s", "tts_node_ttfb": "tts_s", "e2e_latency": "total_s"}
_SEEN_AT_MOST = 10_000
"""So many items of a conversation are remembered, to take each once."""


class Translation:
    """Tells what one agent's session says of itself, each thing once however often it is said."""

    def __init__(self, telling: Telling, *, book: PriceBook, clock: Clock) -> None:
        self._telling = telling
        self._usage = UsageGrowth(book, clock)
        self._seen: dict[str, None] = {}

    def take_event(self, event: pb.AgentSessionEvent) -> None:
        """Tell what has just happened; what we have no event for is passed over."""
        at = event.created_at.ToDatetime(UTC)
        match event.WhichOneof("event"):
            case "agent_state_changed":
                self._telling.change_agent(name_agent_state(event.agent_state_changed.new_state), at)
            case "user_state_changed":
                self._telling.change_user(_name_user_state(event.user_state_changed.new_state), at)
            case "user_input_transcribed":
                heard = event.user_input_transcribed
                self._telling.hear(heard.transcript, is_final=heard.is_final, at=at)
            case "conversation_item_added":
                self._take_item(event.conversation_item_added.item, at, is_live=True)
            case "function_tools_executed":
                self._take_tools(event.function_tools_executed, at)
            case "session_usage_updated":
                self.take_usage(event.session_usage_updated.usage, at)
            case "error":
                # Never its text: it may quote what people said.
                self._telling.tell("error", {"component": "agent", "error": "session error"}, at)

    def take_history(self, items: Iterable[pb.ChatContext.ChatItem]) -> None:
        """Tell what was said before; what was told already is left out.

        Messages that do not say when they were said have the time of those before them.
        """
        at = self._telling.began_at
        for item in items:
            if item.HasField("message"):
                at = _find_moment(item.message) or at
                self._take_item(item, at, is_live=False)

    def take_usage(self, usage: pb.AgentSessionUsage, at: datetime | None = None) -> None:
        """Tell what was used since it was last told."""
        for kind, fields in self._usage.grow(usage):
            self._telling.tell(kind, {**fields, "turn": self._telling.last_turn}, at)

    def take_state(self, state: pb.SessionResponse.GetSessionStateResponse) -> None:
        """Tell what the agent and the person do now."""
        self._telling.change_agent(name_agent_state(state.agent_state))

    def _take_item(self, item: pb.ChatContext.ChatItem, at: datetime, *, is_live: bool) -> None:
        if not item.HasField("message") or item.message.id in self._seen:
            return
        message = item.message
        self._seen[message.id] = None
        if len(self._seen) > _SEEN_AT_MOST:
            del self._seen[next(iter(self._seen))]
        text = "\n".join(part.text for part in message.content if part.text)
        if message.role == pb.USER:
            latency = _read_latency(message.metrics, _USER_STAGES)
            self._telling.complete(text, latency, at, was_live=is_live)
        elif message.role == pb.ASSISTANT:
            latency = _read_latency(message.metrics, _AGENT_STAGES)
            self._telling.answer(text, latency, at, is_interrupted=message.interrupted)

    def _take_tools(self, executed: pb.AgentSessionEvent.FunctionToolsExecuted, at: datetime) -> None:
        failed = {output.call_id for output in executed.function_call_outputs if output.is_error}
        for call in executed.function_calls:
            outcome = "failed" if call.call_id in failed else "done"
            self._telling.tell(
                "tool.called", {"tool": call.name, "outcome": outcome, "turn": self._telling.last_turn}, at
            )


def name_agent_state(state: pb.AgentState) -> str:
    """Return livekit-agents' word for a state.

    >>> name_agent_state(pb.AS_THINKING)
    'thinking'
    """
    return _name(pb.AgentState.Name(state))


def _name_user_state(state: pb.UserState) -> str:
    return _name(pb.UserState.Name(state))


def _name(name: str) -> str:
    return name.partition("_")[2].lower()


def _find_moment(message: pb.ChatMessage) -> datetime | None:
    if message.HasField("created_at"):
        return message.created_at.ToDatetime(UTC)
    if message.metrics.HasField("stopped_speaking_at"):
        return message.metrics.stopped_speaking_at.ToDatetime(UTC)
    return None


def _read_latency(metrics: pb.MetricsReport, stages: Mapping[str, str]) -> dict[str, float]:
    return {
        ours: round(float(getattr(metrics, theirs)), 3)
        for theirs, ours in stages.items()
        if metrics.HasField(theirs)
    }
