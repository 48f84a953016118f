"""Spans as they may leave: with their numbers, and of their texts only those that quote nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.trace import Link, Status

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span
    from opentelemetry.sdk.trace.export import SpanExportResult
    from opentelemetry.util.types import Attributes, AttributeValue

    from meetctl.core.log_context import LogContext

_OWN_PREFIX = "meetctl."
_CONTEXT_FIELDS = ("tenant", "session_id", "turn")

TEXT_ATTRIBUTES = frozenset(
    {
        "error.type",
        "exception.type",
        "gen_ai.operation.name",
        "gen_ai.output.type",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.response.finish_reasons",
        "gen_ai.response.id",
        "gen_ai.response.model",
        "gen_ai.tool.name",
        "lk.agent_name",
        "lk.callback.name",
        "lk.close_reason",
        "lk.connection_state",
        "lk.disconnect_reason",
        "lk.dispatch_id",
        "lk.eou.language",
        "lk.eou.outcome",
        "lk.eou.source",
        "lk.function_tool.name",
        "lk.generation_id",
        "lk.job.agent_id",
        "lk.job.worker_id",
        "lk.job_id",
        "lk.new_state",
        "lk.old_state",
        "lk.parent_generation_id",
        "lk.participant_kind",
        "lk.provider_request_ids",
        "lk.room_sid",
        "lk.shutdown.reason",
        "lk.speech_id",
        "lk.track_sid",
        "lk.track_source",
        "lk.tts.label",
    }
)
"""The attributes of livekit-agents and of the GenAI convention that may hold a text."""


class ContextSpans(SpanProcessor):
    """Gives every span that begins what is known of the meeting: `meetctl.tenant` and others."""

    def __init__(self, context: LogContext) -> None:
        self._context = context

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002
        """Add the fields to the span."""
        fields = self._context.fields
        for name in _CONTEXT_FIELDS:
            if name in fields:
                span.set_attribute(_OWN_PREFIX + name, fields[name])


class SafeSpanExporter(SpanExporter):
    """Exports spans without what people said or showed, and without their names.

    A number goes out under any name, a text only under those that are known to quote nobody; of an error
    its class. That also holds for attributes that a later livekit-agents may add.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export safe copies of the spans."""
        return self._exporter.export([_make_safe(span) for span in spans])

    def shutdown(self) -> None:
        """End the exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits, and tell whether that was done in time."""
        return self._exporter.force_flush(timeout_millis)


def _make_safe(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_safe_attributes(span.attributes),
        events=[
            Event(event.name, _safe_attributes(event.attributes), event.timestamp) for event in span.events
        ],
        links=[Link(link.context, _safe_attributes(link.attributes)) for link in span.links],
        kind=span.kind,
        # Its description is the error's text.
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _safe_attributes(attributes: Attributes) -> dict[str, AttributeValue]:
    return {name: value for name, value in (attributes or {}).items() if _is_safe(name, value)}


def _is_safe(name: str, value: AttributeValue) -> bool:
    if name in TEXT_ATTRIBUTES or name.startswith(_OWN_PREFIX):
        return True
    parts = [value] if isinstance(value, str | bytes) or not isinstance(value, Sequence) else value
    return "pii" not in name.split(".") and all(isinstance(part, int | float) for part in parts)
