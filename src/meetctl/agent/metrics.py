"""Metrics of a meeting, all of them read from its journal's events as these are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from meetctl.core.metrics import STAGES
from meetctl.domain.session_cost import USAGE_TYPES, read_usage

if TYPE_CHECKING:
    from meetctl.core.log_context import LogContext
    from meetctl.core.metrics import MeetingInstruments
    from meetctl.core.telemetry import CostInstruments
    from meetctl.domain.events import Event

_END_REASONS = {
    "everyone left": "everyone_left",
    "nobody came": "nobody_came",
    "room closed": "room_closed",
    "worker stopped": "worker_stopped",
    "a provider failed": "provider_failed",
    "the model failed": "provider_failed",
    "speech recognition failed": "provider_failed",
    "the voice failed": "provider_failed",
    "asked to leave": "asked_to_leave",
    "the budget is used up": "budget_used_up",
}
"""A session's reasons to end, by what their text begins with; a label must not hold whatever it says."""

_LONGEST_LABEL = 60


class MeetingMetrics:
    """Counts what a meeting's events say; types and fields that it does not know are left alone."""

    def __init__(self, instruments: MeetingInstruments, costs: CostInstruments | None = None) -> None:
        self._instruments = instruments
        self._costs = costs
        self._degraded: set[tuple[str, str]] = set()
        self._count: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "session.started": self._start,
            "session.ended": self._end,
            "turn.ended": self._end_turn,
            "video.frames": self._see_frames,
            "llm.request": self._ask,
            "stt.usage": self._hear,
            "tts.usage": self._speak,
            "error": self._fail,
            "backend.call": self._call_backend,
            "backend.degraded": self._degrade,
            "backend.recovered": self._recover,
            "knowledge.searched": self._search,
            "tool.called": self._call_tool,
            "control.performed": self._control,
            "control.refused": self._refuse,
            "provider.degraded": self._lose_provider,
            "provider.recovered": self._regain_provider,
            "budget.step": self._step,
        }

    def note(self, event: Event) -> None:
        """Count one event; a listener of the journal."""
        count = self._count.get(event.type)
        if count is not None:
            count(event.fields)
        if event.type in USAGE_TYPES:
            self._spend(event)

    def _start(self, _: Mapping[str, Any]) -> None:
        self._instruments.sessions_started.inc()

    def _end(self, fields: Mapping[str, Any]) -> None:
        reason = str(fields.get("reason", ""))
        kind = next((kind for text, kind in _END_REASONS.items() if reason.startswith(text)), "other")
        self._instruments.sessions_ended.labels(kind).inc()
        recorded = fields.get("recorded")
        if isinstance(recorded, Mapping):
            self._instruments.frames_dropped.labels("recorder").inc(_number(recorded.get("dropped")))
        for component, what in tuple(self._degraded):
            self._note_degraded(component, what, is_degraded=False)
        self._instruments.restrained.set(0)

    def _end_turn(self, fields: Mapping[str, Any]) -> None:
        self._instruments.turns.labels(_label(fields, "outcome")).inc()
        latency = fields.get("latency")
        if isinstance(latency, Mapping):
            for stage in STAGES:
                if f"{stage}_s" in latency:
                    self._instruments.latency.labels(stage).observe(_number(latency[f"{stage}_s"]))

    def _see_frames(self, fields: Mapping[str, Any]) -> None:
        times = fields.get("t_us")
        seen, kept = len(times) if isinstance(times, list | tuple) else 0, _number(fields.get("kept"))
        self._instruments.frames_seen.inc(seen)
        self._instruments.frames_kept.inc(kept)
        self._instruments.frames_dropped.labels("sampler").inc(max(0.0, seen - kept))

    def _ask(self, fields: Mapping[str, Any]) -> None:
        who = (_label(fields, "provider"), _label(fields, "model"))
        outcome = _label(fields, "outcome")
        self._instruments.requests.labels(*who, outcome).inc()
        if outcome == "failed" and fields.get("billed") is not True:
            # Nothing of it was answered, so nothing was billed; what it would have taken is our estimate.
            return
        images = fields.get("images")
        self._instruments.images.labels(*who).inc(len(images) if isinstance(images, list | tuple) else 0)
        cached = _number(fields.get("cached_input_tokens"))
        amounts = {
            "input": max(0.0, _number(fields.get("input_tokens")) - cached),
            "cached_input": cached,
            "output": _number(fields.get("output_tokens")),
            # These are among the input tokens too.
            "image": _number(fields.get("image_tokens")),
        }
        for kind, amount in amounts.items():
            self._instruments.tokens.labels(*who, kind).inc(amount)

    def _hear(self, fields: Mapping[str, Any]) -> None:
        who = (_label(fields, "provider"), _label(fields, "model"))
        self._instruments.heard.labels(*who).inc(_number(fields.get("audio_s")))

    def _speak(self, fields: Mapping[str, Any]) -> None:
        who = (_label(fields, "provider"), _label(fields, "model"))
        self._instruments.spoken.labels(*who).inc(_number(fields.get("characters")))

    def _spend(self, event: Event) -> None:
        lines = read_usage(event.type, event.fields)
        for line in lines:
            who = (line.provider[:_LONGEST_LABEL], line.model[:_LONGEST_LABEL])
            if line.usd is None:
                self._instruments.unpriced.labels(*who).inc()
            else:
                self._instruments.cost.labels(*who).inc(float(line.usd))
        if self._costs is not None:
            self._costs.add(lines)

    def _fail(self, fields: Mapping[str, Any]) -> None:
        self._instruments.errors.labels(_label(fields, "component")).inc()

    def _call_backend(self, fields: Mapping[str, Any]) -> None:
        procedure = _label(fields, "procedure")
        self._instruments.backend_calls.labels(procedure, _label(fields, "outcome")).inc()
        if "duration_ms" in fields:
            self._instruments.backend_duration.labels(procedure).observe(
                _number(fields["duration_ms"]) / 1000
            )

    def _degrade(self, _: Mapping[str, Any]) -> None:
        self._note_degraded("backend", "backend", is_degraded=True)

    def _recover(self, fields: Mapping[str, Any]) -> None:
        # One procedure may work again while another still fails.
        self._note_degraded("backend", "backend", is_degraded=bool(fields.get("missing")))

    def _lose_provider(self, fields: Mapping[str, Any]) -> None:
        use, who = _label(fields, "use"), (_label(fields, "provider"), _label(fields, "model"))
        self._instruments.provider_failures.labels(use, *who).inc()
        self._note_degraded(use, "/".join(who), is_degraded=True)

    def _regain_provider(self, fields: Mapping[str, Any]) -> None:
        who = (_label(fields, "provider"), _label(fields, "model"))
        self._note_degraded(_label(fields, "use"), "/".join(who), is_degraded=False)

    def _note_degraded(self, component: str, what: str, *, is_degraded: bool) -> None:
        """Note what a component lacks; it is degraded as long as it lacks anything."""
        (self._degraded.add if is_degraded else self._degraded.discard)((component, what))
        lacks = any(known == component for known, _ in self._degraded)
        self._instruments.degraded.labels(component).set(int(lacks))

    def _step(self, fields: Mapping[str, Any]) -> None:
        budget = _label(fields, "budget").replace(" ", "_")
        step = _label(fields, "step") if fields.get("step") else "none"
        self._instruments.budget_steps.labels(budget, step).inc()
        self._instruments.restrained.set(int(step != "none"))

    def _search(self, fields: Mapping[str, Any]) -> None:
        self._instruments.knowledge_searches.labels(_label(fields, "outcome")).inc()

    def _call_tool(self, fields: Mapping[str, Any]) -> None:
        self._instruments.tool_calls.labels(_label(fields, "tool"), _label(fields, "outcome")).inc()

    def _control(self, fields: Mapping[str, Any]) -> None:
        self._instruments.control_messages.labels(_label(fields, "outcome")).inc()

    def _refuse(self, fields: Mapping[str, Any]) -> None:
        count = _number(fields.get("count", 1))
        self._instruments.control_messages.labels("refused").inc(count)
        self._instruments.control_refusals.labels(_label(fields, "reason")).inc(count)


def follow_meeting(context: LogContext) -> Callable[[Event], None]:
    """Return a listener of the journal that keeps a log's context: whose meeting it is, and which turn."""

    def follow(event: Event) -> None:
        context.bind(tenant=event.tenant_id, session_id=event.session_id, room=event.room)
        turn = event.fields.get("turn")
        if event.type == "turn.started" and isinstance(turn, int):
            context.bind(turn=turn)

    return follow


def _label(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value[:_LONGEST_LABEL] if isinstance(value, str) and value else "unknown"


def _number(value: object) -> float:
    """Read a count; what is no count of anything is 0, for a counter must not fall."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return max(0.0, float(value)) if value == value else 0.0
