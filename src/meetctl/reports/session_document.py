"""A session, and a list of them, as JSON's types."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meetctl.domain.session_cost import OFFLINE, document_line
from meetctl.domain.state.turns import STAGES
from meetctl.reports.money import exact_usd

if TYPE_CHECKING:
    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.domain.session_cost import CostLine
    from meetctl.domain.session_reading import SessionReading

LIST_SCHEMA = "meetctl.sessions/1"
SUMMARY_SCHEMA = "meetctl.session-summary/1"


def list_document(sessions: Path, shown: Sequence[SessionBundle], found: int) -> dict[str, Any]:
    """Return a list of sessions; `found` is how many there are of those that were asked for."""
    return {
        "schema": LIST_SCHEMA,
        "directory": str(sessions),
        "found": found,
        "sessions": [bundle_document(bundle) for bundle in shown],
    }


def bundle_document(bundle: SessionBundle) -> dict[str, Any]:
    """Return what a catalogue knows of a bundle."""
    return {
        "session_id": bundle.session_id,
        "room": bundle.room,
        "tenant_id": bundle.tenant_id,
        "state": bundle.state,
        "started_at": _moment(bundle.started_at),
        "ended_at": _moment(bundle.ended_at),
        "bytes": bundle.size_bytes,
        "media_bytes": bundle.media_bytes,
        "path": str(bundle.path),
        "journal": None if bundle.journal is None else str(bundle.journal),
        "usage_waits": bundle.usage_waits,
        "pruned_at": _moment(bundle.pruned_at),
        "problems": list(bundle.problems),
    }


def summary_document(reading: SessionReading) -> dict[str, Any]:
    """Return a session's summary."""
    state = reading.state
    return {
        "schema": SUMMARY_SCHEMA,
        **bundle_document(reading.bundle),
        "tier": state.about.tier,
        "agent": state.about.agent,
        "recorder": state.about.is_recorder,
        "version": state.about.version,
        "reason": state.about.reason,
        "duration_s": round(reading.duration_s, 3),
        "media_s": round(state.t, 3),
        "providers": [
            {"use": one.use, "provider": one.provider, "model": one.model} for one in state.about.providers
        ],
        "policy": _policy(reading),
        "people": [
            {
                "participant": person.identity,
                "name": person.name,
                "kind": person.kind,
                "joined_s": person.joined_t,
                "left_s": person.left_t,
            }
            for person in state.people.everyone
        ],
        "turns": _turns(reading),
        "utterances": {
            "people": state.conversation.by_people,
            "agent": state.conversation.by_agent,
            "interrupted": state.conversation.interrupted,
            "cut": state.conversation.cut,
        },
        "frames": {
            "seen": state.frames.seen,
            "kept": state.frames.kept,
            "looked": state.frames.looked,
            "sent": state.frames.sent,
        },
        "requests": {
            "made": state.requests.made,
            "outcomes": dict(state.requests.outcomes),
            "input_tokens": state.requests.input_tokens,
            "cached_input_tokens": state.requests.cached_input_tokens,
            "output_tokens": state.requests.output_tokens,
            "image_tokens": state.requests.image_tokens,
        },
        "cost": _cost(reading),
        "recording": _recording(reading),
        "health": _health(reading),
        "steering": _steering(reading),
        "journal_lines": {
            "events": state.events,
            "unreadable": reading.unreadable,
            "lost": state.lost,
            "unknown": state.unknown,
        },
        "complete": not reading.is_partial,
    }


def _policy(reading: SessionReading) -> dict[str, Any]:
    looking = reading.state.looking
    return {
        "fps": looking.fps,
        "window": looking.window,
        "detail": looking.detail,
        "side": looking.side,
        "model": looking.model,
        "eyes": looking.eyes,
        "changes": looking.changes,
    }


def _turns(reading: SessionReading) -> dict[str, Any]:
    turns = reading.state.turns
    return {
        "started": turns.started,
        "ended": turns.ended,
        "outcomes": dict(turns.outcomes),
        "latency": {
            stage: {
                "turns": spread.count,
                "p50_s": spread.percentile_s(50),
                "p95_s": spread.percentile_s(95),
            }
            for stage, spread in turns.latency
            if stage in STAGES and spread.count
        },
    }


def _cost(reading: SessionReading) -> dict[str, Any]:
    usage = reading.state.usage
    reported = [part for part in usage.parts if part.basis == "reported"]
    estimated = [part for part in usage.parts if part.basis != "reported"]
    return {
        "usd": exact_usd(usage.usd),
        "reported_usd": exact_usd(_priced(reported)),
        "estimated_usd": exact_usd(_priced(estimated)),
        "uses": usage.uses,
        "priced_uses": usage.priced_uses,
        "priced": round(reading.priced_share, 6),
        "offline": reading.is_offline,
        "lines": [{**document_line(part), "offline": part.provider == OFFLINE} for part in usage.parts],
        "unpriced": [
            {"provider": part.provider, "model": part.model, "unit": part.unit} for part in usage.unpriced
        ],
    }


def _recording(reading: SessionReading) -> dict[str, Any]:
    recording = reading.state.recording
    return {
        "mode": recording.mode,
        "bytes": reading.bundle.media_bytes,
        "frames": recording.frames,
        "dropped": recording.dropped,
        "segments": recording.segments,
        "stopped": recording.stopped,
    }


def _health(reading: SessionReading) -> dict[str, Any]:
    health = reading.state.health
    return {
        "degradations": health.degradations,
        "recoveries": health.recoveries,
        "errors": dict(health.errors),
        "warnings": health.warnings,
        "passed_over": [
            {"use": one.use, "provider": one.provider, "model": one.model} for one in health.passed_over
        ],
        "connections_lost": health.connections_lost,
        "backend_missing": list(health.backend_missing),
        "backend_calls": dict(health.backend_calls),
        "knowledge": dict(health.knowledge),
        "tools": dict(health.tools),
        "recent": [
            {"t": one.t, "ts": one.ts, "type": one.kind, "subject": one.subject, "what": one.what}
            for one in health.recent
        ],
    }


def _steering(reading: SessionReading) -> dict[str, Any]:
    steering = reading.state.steering
    return {
        "performed": dict(steering.performed),
        "failed": steering.failed,
        "refused": dict(steering.refused),
        "budget_steps": steering.budget_step_count,
        "recent": [
            {
                "t": one.t,
                "ts": one.ts,
                "op": one.op,
                "args": dict(one.args),
                "outcome": one.outcome,
                "error": one.error,
            }
            for one in steering.recent
        ],
    }


def _priced(parts: Sequence[CostLine]) -> Decimal:
    return sum((part.usd for part in parts if part.usd is not None), Decimal(0))


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
