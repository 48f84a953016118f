"""What the backend is told, in its own names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meetctl.domain.tenancy import SessionEvent, UsageRecord


def write_usage(record: UsageRecord) -> dict[str, Any]:
    """Return one use of a provider as `livekit.trackUsage` takes it."""
    return {
        "idempotencyKey": record.key,
        "sessionId": record.session_id,
        "roomName": record.room,
        "at": record.at,
        "kind": record.kind,
        "provider": record.provider,
        "model": record.model,
        "quantities": record.quantities,
        "costUsd": record.usd,
        "basis": record.basis,
    }


def write_event(event: SessionEvent) -> dict[str, Any]:
    """Return one event as `livekit.recordSessionEvent` takes it."""
    return {
        "idempotencyKey": event.key,
        "sessionId": event.session_id,
        "roomName": event.room,
        "at": event.at,
        "kind": event.kind,
        "fields": event.fields,
    }
