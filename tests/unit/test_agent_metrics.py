"""What a meeting's events come to in Prometheus' metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from tests import marked_secrets as marked

from meetctl.agent.budget_notices import REASON as BUDGET_REASON
from meetctl.agent.farewell import REASONS
from meetctl.agent.metrics import MeetingMetrics, follow_meeting
from meetctl.core.log_context import LogContext
from meetctl.core.metrics import MeetingInstruments, WorkerInstruments
from meetctl.domain.events import Event, parse_event

JOURNAL = Path(__file__).resolve().parents[2] / "recordings" / "live-demo" / "events.jsonl"
OPENAI = {"provider": "openai", "model": "gpt-4.1"}


class Counted:
    """Metrics of one meeting, and what they say."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = MeetingMetrics(MeetingInstruments(self.registry))

    def note(self, kind: str, **fields: Any) -> None:
        self.metrics.note(make_event(kind, **fields))

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


def make_event(kind: str, *, tenant_id: str | None = None, **fields: Any) -> Event:
    return Event(
        seq=0, ts="", t=0.0, type=kind, session_id="s1", tenant_id=tenant_id, room="demo", fields=fields
    )


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.mark.parametrize(
    ("reason", "label"),
    [
        ("everyone left", "everyone_left"),
        ("nobody came", "nobody_came"),
        ("room closed", "room_closed"),
        ("worker stopped", "worker_stopped"),
        ("a provider failed: APIError", "provider_failed"),
        *((reason, "provider_failed") for reason in REASONS.values()),
        (BUDGET_REASON, "budget_used_up"),
        (f"because {marked.NAME} said so", "other"),
    ],
)
def test_sessions_end_for_one_of_a_few_reasons(counted: Counted, reason: str, label: str) -> None:
    counted.note("session.started")
    counted.note("session.ended", reason=reason, recorded={"mode": "full", "dropped": 3})
    assert counted.value("meetctl_sessions_started_total") == 1
    assert counted.value("meetctl_sessions_ended_total", reason=label) == 1
    assert counted.value("meetctl_frames_dropped_total", by="recorder") == 3


def test_frames_are_seen_kept_or_dropped(counted: Counted) -> None:
    counted.note("video.frames", t_us=[0, 40_000, 80_000], kept=1)
    counted.note("video.frames", t_us=[120_000], kept=0)
    assert counted.value("meetctl_frames_seen_total") == 4
    assert counted.value("meetctl_frames_kept_total") == 1
    assert counted.value("meetctl_frames_dropped_total", by="sampler") == 3


def test_requests_tokens_and_cost_are_counted_by_model(counted: Counted) -> None:
    counted.note(
        "llm.request",
        **OPENAI,
        outcome="done",
        images=["frame-0", "frame-1"],
        input_tokens=900,
        cached_input_tokens=500,
        output_tokens=20,
        image_tokens=300,
        usd="0.25",
        usd_by_unit={"input_tokens": "0.1", "cached_input_tokens": "0.05", "output_tokens": "0.1"},
    )
    tokens = {
        kind: counted.value("meetctl_llm_tokens_total", **OPENAI, kind=kind)
        for kind in ("input", "cached_input", "output", "image")
    }
    assert tokens == {"input": 400, "cached_input": 500, "output": 20, "image": 300}
    assert counted.value("meetctl_llm_requests_total", **OPENAI, outcome="done") == 1
    assert counted.value("meetctl_llm_images_total", **OPENAI) == 2
    assert counted.value("meetctl_cost_usd_total", **OPENAI) == pytest.approx(0.25)


def test_a_failed_request_is_counted_and_costs_nothing(counted: Counted) -> None:
    counted.note("llm.request", **OPENAI, outcome="failed", input_tokens=900, usd="0.25")
    assert counted.value("meetctl_llm_requests_total", **OPENAI, outcome="failed") == 1
    assert counted.value("meetctl_llm_tokens_total", **OPENAI, kind="input") is None
    assert counted.value("meetctl_cost_usd_total", **OPENAI) is None


def test_a_failed_request_that_was_answered_in_part_counts_what_it_took(counted: Counted) -> None:
    counted.note("llm.request", **OPENAI, outcome="failed", billed=True, input_tokens=900, usd="0.25")
    assert counted.value("meetctl_llm_tokens_total", **OPENAI, kind="input") == 900
    assert counted.value("meetctl_cost_usd_total", **OPENAI) == pytest.approx(0.25)


def test_usage_without_a_price_is_unpriced_and_not_free(counted: Counted) -> None:
    counted.note("tts.usage", provider="rime", model="coda", characters=80, usd=None)
    assert counted.value("meetctl_tts_characters_total", provider="rime", model="coda") == 80
    assert counted.value("meetctl_unpriced_uses_total", provider="rime", model="coda") == 1
    assert counted.value("meetctl_cost_usd_total", provider="rime", model="coda") is None


def test_steps_of_a_budget_are_counted_and_nobodys_amounts_or_names(counted: Counted) -> None:
    step = {"tenant_id": marked.NAME, "budget": "tenant day", "spent_usd": "7.1", "limit_usd": "10"}
    counted.note("budget.step", **step, step="vision=off")
    labels = {"budget": "tenant_day", "step": "vision=off"}
    assert counted.value("meetctl_budget_steps_total", **labels) == 1
    assert counted.value("meetctl_restrained_sessions") == 1
    counted.note("budget.step", **step, step=None)
    assert counted.value("meetctl_budget_steps_total", budget="tenant_day", step="none") == 1
    assert counted.value("meetctl_restrained_sessions") == 0
    counted.note("budget.step", **step, step="detail=low")
    counted.note("session.ended", reason="everyone left")
    assert counted.value("meetctl_restrained_sessions") == 0
    assert marked.NAME not in generate_latest(counted.registry).decode()


def test_latency_is_counted_by_stage(counted: Counted) -> None:
    counted.note("turn.ended", outcome="done", latency={"llm_s": 0.2, "total_s": 0.8, "other_s": 9})
    assert counted.value("meetctl_turns_total", outcome="done") == 1
    assert counted.value("meetctl_answer_latency_seconds_sum", stage="llm") == pytest.approx(0.2)
    assert counted.value("meetctl_answer_latency_seconds_count", stage="total") == 1
    assert counted.value("meetctl_answer_latency_seconds_count", stage="other") is None


def test_calls_to_the_backend_are_counted_by_procedure_and_outcome(counted: Counted) -> None:
    counted.note("backend.call", procedure="knowledge.search", outcome="timeout", duration_ms=250)
    labels = {"procedure": "knowledge.search", "outcome": "timeout"}
    assert counted.value("meetctl_backend_calls_total", **labels) == 1
    took = counted.value("meetctl_backend_call_duration_seconds_sum", procedure="knowledge.search")
    assert took == pytest.approx(0.25)


def test_a_session_is_degraded_until_it_recovers_or_ends(counted: Counted) -> None:
    counted.note("backend.degraded", reason="timeout", missing=["knowledge"])
    assert counted.value("meetctl_degraded_sessions", component="backend") == 1
    counted.note("backend.recovered", after_s=3, missing=["tokens"])
    assert counted.value("meetctl_degraded_sessions", component="backend") == 1
    counted.note("backend.recovered", after_s=4, missing=[])
    assert counted.value("meetctl_degraded_sessions", component="backend") == 0
    counted.note("backend.degraded", reason="timeout")
    counted.note("session.ended", reason="everyone left")
    assert counted.value("meetctl_degraded_sessions", component="backend") == 0


def test_a_session_is_degraded_as_long_as_any_provider_of_a_use_is_passed_over(counted: Counted) -> None:
    rime, cartesia = {"provider": "rime", "model": "coda"}, {"provider": "cartesia", "model": "sonic-3"}
    counted.note("provider.degraded", use="tts", **rime, instead=cartesia)
    counted.note("provider.degraded", use="tts", **cartesia, instead=None)
    counted.note("provider.recovered", use="tts", **cartesia)
    assert counted.value("meetctl_degraded_sessions", component="tts") == 1
    counted.note("provider.recovered", use="tts", **rime)
    assert counted.value("meetctl_degraded_sessions", component="tts") == 0
    assert counted.value("meetctl_provider_failures_total", use="tts", **rime) == 1


def test_control_messages_are_counted_by_what_became_of_them(counted: Counted) -> None:
    counted.note("control.performed", op="set_fps", outcome="done")
    counted.note("control.refused", reason="forged", count=3)
    assert counted.value("meetctl_control_messages_total", outcome="done") == 1
    assert counted.value("meetctl_control_messages_total", outcome="refused") == 3
    assert counted.value("meetctl_control_refusals_total", reason="forged") == 3


def test_what_else_happens_is_counted(counted: Counted) -> None:
    counted.note("error", component="plugins.openai", error="APIError")
    counted.note("knowledge.searched", outcome="late")
    counted.note("tool.called", tool="look_closely", outcome="done")
    assert counted.value("meetctl_errors_total", component="plugins.openai") == 1
    assert counted.value("meetctl_knowledge_searches_total", outcome="late") == 1
    assert counted.value("meetctl_tool_calls_total", tool="look_closely", outcome="done") == 1


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"latency": None, "t_us": 5, "kept": "1", "recorded": "no", "outcome": None, "images": 3},
        {"latency": {"llm_s": "fast"}, "t_us": [1], "kept": 9, "input_tokens": -4, "provider": 7},
        {"duration_ms": float("nan"), "audio_s": float("nan"), "characters": True, "usd": "nan"},
    ],
)
@pytest.mark.parametrize(
    "kind",
    [
        *("session.started", "session.ended", "turn.ended", "video.frames", "llm.request", "stt.usage"),
        *("tts.usage", "error", "backend.call", "backend.degraded", "knowledge.searched", "unheard.of"),
        *("tool.called", "control.performed", "control.refused", "provider.degraded", "provider.recovered"),
    ],
)
def test_events_in_an_unknown_shape_fail_nothing(counted: Counted, kind: str, fields: dict[str, Any]) -> None:
    counted.note(kind, **fields)
    values = [sample.value for metric in counted.registry.collect() for sample in metric.samples]
    assert all(value >= 0 for value in values)


def test_a_real_meetings_journal_adds_up(counted: Counted) -> None:
    events = [parse_event(line) for line in JOURNAL.read_bytes().splitlines()]
    for event in events:
        counted.metrics.note(event)
    seen = sum(len(event.fields["t_us"]) for event in events if event.type == "video.frames")
    kept = sum(event.type == "frame.kept" for event in events)
    turns = sum(event.type == "turn.ended" and event.fields["outcome"] == "done" for event in events)
    assert counted.value("meetctl_frames_seen_total") == seen > 0
    assert counted.value("meetctl_frames_kept_total") == kept > 0
    assert counted.value("meetctl_turns_total", outcome="done") == turns > 0


def test_no_label_says_whose_meeting_it_was() -> None:
    counted = Counted()
    WorkerInstruments(counted.registry)
    said = {
        "text": marked.SAID,
        "participant": marked.IDENTITY,
        "room": marked.NAME,
        "tenant_id": marked.NAME,
    }
    for kind in ("session.started", "transcript", "turn.started", "llm.request", "error", "backend.call"):
        counted.metrics.note(make_event(kind, **said))
    written = generate_latest(counted.registry)
    assert marked.search(written) == []
    labels = {
        label for metric in counted.registry.collect() for one in metric.samples for label in one.labels
    }
    assert not labels & {"tenant", "tenant_id", "room", "session_id", "participant", "job_id"}


def test_names_are_ours_and_tell_their_units() -> None:
    counted = Counted()
    names = {metric.name for metric in counted.registry.collect()}
    assert len(names) > 15
    assert all(name.startswith("meetctl_") for name in names)
    assert {"meetctl_cost_usd", "meetctl_answer_latency_seconds", "meetctl_stt_audio_seconds"} <= names


def test_lines_of_the_log_follow_the_meeting() -> None:
    context = LogContext()
    follow = follow_meeting(context)
    follow(make_event("session.started"))
    assert dict(context.fields) == {"session_id": "s1", "room": "demo"}
    follow(make_event("turn.started", turn=2, tenant_id="acme"))
    follow(make_event("transcript", turn=None, tenant_id="acme"))
    assert dict(context.fields) == {"tenant": "acme", "session_id": "s1", "room": "demo", "turn": 2}
