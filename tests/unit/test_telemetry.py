"""Export by OpenTelemetry: when there is one, and what of spans and costs goes out."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode
from tests import marked_secrets as marked
from tests.telemetry_collector import run_collector

from meetctl.core.log_context import LogContext
from meetctl.core.span_safety import ContextSpans, SafeSpanExporter
from meetctl.core.telemetry import CostInstruments, check_telemetry, start_telemetry
from meetctl.domain.session_cost import CostLine
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environment", "is_wanted"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:4318/v1/metrics"}, True),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "true"}, False),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, True),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}, False),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
    ],
)
def test_telemetry_is_exported_where_the_environment_says_so(
    environment: Mapping[str, str], is_wanted: bool
) -> None:
    assert check_telemetry(environment) is is_wanted


@pytest.mark.parametrize(
    "environment",
    [
        {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {
            **ENDPOINT,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc",
        },
    ],
)
def test_another_protocol_is_refused_by_its_variable(environment: Mapping[str, str]) -> None:
    with pytest.raises(UsageError, match=r"OTEL_EXPORTER_OTLP_\w*PROTOCOL is 'grpc'") as error:
        check_telemetry(environment)
    assert "4318" in (error.value.hint or "")


def test_without_a_collector_nothing_starts_and_nothing_is_imported() -> None:
    assert start_telemetry({}, LogContext(), version="1") is None
    script = (
        "import sys; from meetctl.core.log_context import LogContext;"
        "from meetctl.core.telemetry import start_telemetry;"
        "start_telemetry({}, LogContext(), version='1');"
        "sys.exit('opentelemetry' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def export(span_attributes: Mapping[str, str | float], error: Exception | None = None) -> ReadableSpan:
    """Return a span as it goes out."""
    sent = InMemorySpanExporter()
    context = LogContext()
    context.bind(tenant="acme", session_id="s1", room=marked.NAME, turn=3)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(ContextSpans(context))
    provider.add_span_processor(SimpleSpanProcessor(SafeSpanExporter(sent)))
    tracer = provider.get_tracer("livekit-agents")
    with tracer.start_as_current_span("llm_node", attributes=span_attributes) as span:
        if error is not None:
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, str(error)))
        span.add_event("gen_ai.choice", {"content": marked.SAID, "index": 0})
    (exported,) = sent.get_finished_spans()
    return exported


def test_of_a_spans_texts_only_listed_ones_go_out() -> None:
    span = export(
        {
            "lk.speech_id": "speech_1",
            "lk.response.ttft": 0.25,
            "lk.pii.chat_ctx": marked.SAID,
            "lk.pii.length": 12,
            "gen_ai.input.messages": marked.SAID,
            "something.of.a.later.version": marked.NAME,
        }
    )
    assert span.attributes == {
        "lk.speech_id": "speech_1",
        "lk.response.ttft": 0.25,
        "meetctl.tenant": "acme",
        "meetctl.session_id": "s1",
        "meetctl.turn": 3,
    }
    assert [dict(event.attributes or {}) for event in span.events] == [{"index": 0}]
    assert marked.search(span.to_json()) == []


def test_of_an_error_its_class_goes_out() -> None:
    span = export({}, ValueError(marked.SAID))
    assert span.status.status_code is StatusCode.ERROR
    assert dict(span.events[0].attributes or {}) == {"exception.type": "ValueError"}
    assert marked.search(span.to_json()) == []


def line(usd: Decimal | None) -> CostLine:
    return CostLine(
        provider="openai",
        model="gpt-4.1",
        unit="input_tokens",
        quantity=Fraction(1105),
        usd=usd,
        basis="reported",
        image_tokens=765,
        image_usd=usd and usd / 2,
    )


def test_costs_are_counted_by_provider_model_and_unit() -> None:
    reader = InMemoryMetricReader()
    costs = CostInstruments(MeterProvider(metric_readers=[reader], shutdown_on_exit=False))
    costs.add([line(Decimal("0.5")), line(Decimal("0.25"))])
    costs.add([line(None)])
    data = reader.get_metrics_data()
    assert data is not None
    values = {}
    for metric in data.resource_metrics[0].scope_metrics[0].metrics:
        (point,) = metric.data.data_points
        assert isinstance(point, NumberDataPoint)
        assert point.attributes == {"provider": "openai", "model": "gpt-4.1", "unit": "input_tokens"}
        values[metric.name] = point.value
    assert values == {
        "meetctl.cost.usd": 0.75,
        "meetctl.cost.image_usd": 0.375,
        "meetctl.cost.quantity": 3315.0,
        "meetctl.cost.unpriced": 1,
    }


PROCESS = """
import os, sys
from decimal import Decimal
from fractions import Fraction
from meetctl.core.log_context import LogContext
from meetctl.core.telemetry import start_telemetry
from meetctl.domain.session_cost import CostLine
telemetry = start_telemetry(os.environ, LogContext(), version="1.2")
if telemetry.costs:
    telemetry.costs.add([CostLine(provider="openai", model="m", unit="minutes", quantity=Fraction(1),
                                  usd=Decimal("0.5"), basis="reported")])
if telemetry.tracer_provider:
    from opentelemetry import metrics
    with telemetry.tracer_provider.get_tracer("t").start_as_current_span("work"):
        counter = metrics.get_meter("library").create_counter("words")
        counter.add(1, {"model": "m", "said": os.environ.get("SAID", "")})
telemetry.stop()
telemetry.stop()
print("exports" if telemetry.costs and telemetry.tracer_provider else "off")
"""


def run_process(environment: Mapping[str, str]) -> str:
    """Run a process that exports to its end, and return what it printed."""
    command = [sys.executable, "-c", PROCESS]
    done = subprocess.run(
        command, env=dict(environment), check=True, timeout=120, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def test_what_is_left_goes_out_at_the_end_and_says_who_sent_it() -> None:
    with run_collector() as collector:
        run_process(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                "OTEL_RESOURCE_ATTRIBUTES": "region=eu",
                "SAID": marked.SAID,
            }
        )
        assert [span.name for span in collector.spans] == ["work"]
        assert [point.as_double for point in collector.points("meetctl.cost.usd")] == [0.5]
        for resource in collector.resources:
            told = (resource["service.name"], resource["service.version"], resource["region"])
            assert told == ("meetctl-agent", "1.2", "eu")
        (words,) = collector.points("words")
        assert [(one.key, one.value.string_value) for one in words.attributes] == [("model", "m")]
        # Exemplars of what is counted within a span would have all attributes.
        assert marked.search(collector.text()) == []


def test_the_users_own_service_name_and_choice_of_signals_hold() -> None:
    with run_collector() as collector:
        run_process(
            {
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{collector.url}/v1/metrics",
                "OTEL_SERVICE_NAME": "notetaker",
            }
        )
        assert collector.spans == []
        assert {resource["service.name"] for resource in collector.resources} == {"notetaker"}


def test_a_dead_collector_keeps_no_process_from_ending() -> None:
    assert run_process({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}) == "exports\n"
