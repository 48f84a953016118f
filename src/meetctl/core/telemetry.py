"""OpenTelemetry: traces and metrics of a meeting's process to a collector, when the environment names one.

The variables are OpenTelemetry's own. Content never leaves this way: of a span's texts only those go out that
cannot hold what anybody said or showed. OpenTelemetry is imported only where it is wanted.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meetctl.errors import UsageError

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    from meetctl.core.log_context import LogContext
    from meetctl.domain.session_cost import CostLine

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SERVICE = "meetctl-agent"
STOP_S = 5.0
"""How long the last spans and numbers may take to go out; a dead collector must not hold a process."""

_PROTOCOL = "http/protobuf"

METRIC_ATTRIBUTES = frozenset(
    {
        "error.type",
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.response.model",
        "gen_ai.token.type",
        "gen_ai.tool.name",
        "model",
        "model_name",
        "model_provider",
        "provider",
        "unit",
    }
)
"""What a metric may be divided by: neither tenants nor people, of whom there is no bound."""


class CostInstruments:
    """What usage costs, as OpenTelemetry metrics under `meetctl.cost`."""

    def __init__(self, provider: MeterProvider) -> None:
        meter = provider.get_meter("meetctl")
        self._usd = meter.create_counter(
            "meetctl.cost.usd", unit="{USD}", description="What usage with a price has cost."
        )
        self._image_usd = meter.create_counter(
            "meetctl.cost.image_usd", unit="{USD}", description="The images' share of it."
        )
        self._quantity = meter.create_counter(
            "meetctl.cost.quantity", unit="1", description="What was used, in the price book's units."
        )
        self._unpriced = meter.create_counter(
            "meetctl.cost.unpriced", unit="1", description="Uses that cost something nobody knows."
        )

    def add(self, lines: Iterable[CostLine]) -> None:
        """Count one use."""
        for line in lines:
            who = {"provider": line.provider, "model": line.model, "unit": line.unit}
            self._quantity.add(float(line.quantity), who)
            if line.usd is None:
                self._unpriced.add(1, who)
            else:
                self._usd.add(float(line.usd), who)
            if line.image_tokens and line.image_usd is not None:
                self._image_usd.add(float(line.image_usd), who)


@dataclass(slots=True, kw_only=True)
class Telemetry:
    """What exports while a process runs."""

    tracer_provider: TracerProvider | None = None
    """Makes the spans; None where traces are not wanted."""
    costs: CostInstruments | None = None
    """Takes what usage costs; None where metrics are not wanted."""
    endings: list[Callable[[], object]] = field(default_factory=list)
    """What sends the rest and ends each part."""

    def stop(self) -> None:
        """Send what is left and end; after `STOP_S` the rest is given up. A second call does nothing."""
        endings, self.endings = self.endings, []
        threads = [threading.Thread(target=end, name="telemetry-end", daemon=True) for end in endings]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(STOP_S)


def check_telemetry(environment: Mapping[str, str]) -> bool:
    """Tell whether anything is to be exported.

    Raises:
        UsageError: A protocol is asked for that we do not speak.
    """
    wanted = [signal for signal in ("traces", "metrics") if _is_wanted(environment, signal)]
    for signal in wanted:
        for variable in (f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
            named = environment.get(variable)
            if named and named != _PROTOCOL:
                raise UsageError(
                    f"{variable} is {named!r}, and telemetry is exported by {_PROTOCOL} only",
                    hint="unset it, and let the endpoint be the collector's HTTP port, usually 4318",
                )
            if named:
                break
    return bool(wanted)


def start_telemetry(
    environment: Mapping[str, str], context: LogContext, *, version: str, logs_content: bool = False
) -> Telemetry | None:
    """Start to export this process's traces and metrics; None where the environment names no collector.

    Spans carry what the context knows of the meeting. The meter provider becomes the process's own; the
    tracer provider is for the caller to hand on. `logs_content` lets a span's texts out too.
    """
    if not check_telemetry(environment):
        return None
    resource = _make_resource(version)
    telemetry = Telemetry()
    if _is_wanted(environment, "traces"):
        _start_traces(telemetry, resource, context, logs_content)
    if _is_wanted(environment, "metrics"):
        _start_metrics(telemetry, resource)
    return telemetry


def _is_wanted(environment: Mapping[str, str], signal: str) -> bool:
    name = signal.upper()
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environment.get(f"OTEL_{name}_EXPORTER", "otlp").strip().lower() == "none":
        return False
    return bool(environment.get(ENDPOINT) or environment.get(f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT"))


def _make_resource(version: str) -> Resource:
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    ours = Resource(
        {
            "service.name": SERVICE,
            "service.version": version,
            # Each process counts from zero, so each is an instance of its own.
            "service.instance.id": secrets.token_hex(8),
        }
    )
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go before ours.
    return ours.merge(OTELResourceDetector().detect())


def _start_traces(telemetry: Telemetry, resource: Resource, context: LogContext, logs_content: bool) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from meetctl.core.span_safety import ContextSpans, SafeSpanExporter

    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(ContextSpans(context))
    exporter = OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter if logs_content else SafeSpanExporter(exporter)))
    telemetry.tracer_provider = provider
    telemetry.endings.append(provider.shutdown)


def _start_metrics(telemetry: Telemetry, resource: Resource) -> None:
    from opentelemetry import metrics
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.metrics.view import View

    provider = MeterProvider(
        metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter())],
        resource=resource,
        shutdown_on_exit=False,
        # An exemplar carries the very attributes that the view leaves out.
        exemplar_filter=AlwaysOffExemplarFilter(),
        views=[View(instrument_name="*", attribute_keys=set(METRIC_ATTRIBUTES))],
    )
    metrics.set_meter_provider(provider)
    telemetry.costs = CostInstruments(provider)
    telemetry.endings.append(lambda: provider.shutdown(timeout_millis=STOP_S * 1000))
