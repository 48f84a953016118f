"""What goes wrong in a session, and what is still wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from meetctl.domain.state.fields import Tally, flag, keep_last, mapping, number, tally, text, texts, whole
from meetctl.domain.state.spread import Spread

if TYPE_CHECKING:
    from meetctl.domain.events import Event

MOST_INCIDENTS = 100
"""So many of the last incidents are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that went wrong, or went well again."""

    t: float
    ts: str
    kind: str
    """The event's type."""
    subject: str
    """What it happened to: a component, a provider's model, the backend."""
    what: str | None
    """What happened to it, in the event's own words; None where it says no more than its type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A provider that is not asked now, because it failed."""

    use: str
    provider: str
    model: str
    since_t: float
    instead: str | None
    """Whose model is asked first instead; None where nobody is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Troubles so far, and those that last."""

    recent: tuple[Incident, ...] = ()
    errors: Tally = ()
    """How many errors, by component."""
    warnings: int = 0
    degradations: int = 0
    """How often a provider or the backend failed for longer."""
    recoveries: int = 0
    passed_over: tuple[PassedOver, ...] = ()
    """Providers that are not asked now."""
    backend_missing: tuple[str, ...] = ()
    """What the meeting is without now, since the backend fails."""
    backend_since_t: float | None = None
    connections_lost: int = 0
    """How often the room could not be reached, so that nobody knows what happened in it."""
    connection_lost_t: float | None = None
    """Since when it cannot be reached; None while it can."""
    backend_calls: Tally = ()
    """How many calls, by outcome."""
    backend_latency: Spread = field(default_factory=Spread)
    knowledge: Tally = ()
    """How many searches, by outcome."""
    knowledge_used: int = 0
    tools: Tally = ()
    """How many calls by the model, by outcome."""

    @property
    def error_count(self) -> int:
        """How many errors there were."""
        return sum(times for _, times in self.errors)

    @property
    def is_degraded(self) -> bool:
        """Whether anything is missing now."""
        return bool(self.passed_over or self.backend_missing) or self.connection_lost_t is not None


def fail(health: Health, event: Event) -> Health:
    """Take `error`."""
    component = text(event.fields, "component") or "unknown"
    status = whole(event.fields, "status")
    kind = text(event.fields, "error")
    what = " ".join(part for part in (kind, None if status is None else str(status)) if part) or None
    noted = _note(health, event, component, what)
    return replace(noted, errors=tally(health.errors, component))


def log(health: Health, event: Event) -> Health:
    """Take `log`: what a person should know."""
    level = text(event.fields, "level") or "info"
    noted = _note(health, event, level, text(event.fields, "message"))
    return replace(noted, warnings=health.warnings + (level != "info"))


def degrade_provider(health: Health, event: Event) -> Health:
    """Take `provider.degraded`."""
    fields = event.fields
    use, provider, model = _name_provider(event)
    stand_in = mapping(fields, "instead")
    instead = "/".join(filter(None, (text(stand_in, "provider"), text(stand_in, "model")))) or None
    known = PassedOver(use=use, provider=provider, model=model, since_t=event.t, instead=instead)
    noted = _note(health, event, f"{provider}/{model}", f"{instead} instead" if instead else None)
    passed_over = keep_last(_without(health, use, provider, model), known, MOST_INCIDENTS)
    return replace(noted, degradations=health.degradations + 1, passed_over=passed_over)


def recover_provider(health: Health, event: Event) -> Health:
    """Take `provider.recovered`."""
    use, provider, model = _name_provider(event)
    noted = _note(health, event, f"{provider}/{model}", None)
    passed_over = _without(health, use, provider, model)
    return replace(noted, recoveries=health.recoveries + 1, passed_over=passed_over)


def degrade_backend(health: Health, event: Event) -> Health:
    """Take `backend.degraded`."""
    missing = texts(event.fields, "missing")
    reason = text(event.fields, "reason")
    what = ", ".join(missing)
    noted = _note(health, event, "backend", f"{reason or 'failed'}: {what}" if what else reason)
    since_t = event.t if health.backend_since_t is None else health.backend_since_t
    return replace(
        noted,
        degradations=health.degradations + 1,
        backend_missing=missing,
        backend_since_t=since_t if missing else None,
    )


def recover_backend(health: Health, event: Event) -> Health:
    """Take `backend.recovered`; something may still be missing."""
    missing = texts(event.fields, "missing")
    noted = _note(health, event, "backend", _after(event))
    return replace(
        noted,
        recoveries=health.recoveries + 1,
        backend_missing=missing,
        backend_since_t=health.backend_since_t if missing else None,
    )


def lose_connection(health: Health, event: Event) -> Health:
    """Take `connection.lost`."""
    noted = _note(health, event, "room", text(event.fields, "reason"))
    return replace(noted, connections_lost=health.connections_lost + 1, connection_lost_t=event.t)


def restore_connection(health: Health, event: Event) -> Health:
    """Take `connection.restored`."""
    return replace(_note(health, event, "room", _after(event)), connection_lost_t=None)


def call_backend(health: Health, event: Event) -> Health:
    """Take `backend.call`."""
    duration_ms = number(event.fields, "duration_ms")
    latency = health.backend_latency
    return replace(
        health,
        backend_calls=tally(health.backend_calls, text(event.fields, "outcome")),
        backend_latency=latency if duration_ms is None else latency.add(duration_ms / 1000),
    )


def search(health: Health, event: Event) -> Health:
    """Take `knowledge.searched`."""
    return replace(
        health,
        knowledge=tally(health.knowledge, text(event.fields, "outcome")),
        knowledge_used=health.knowledge_used + flag(event.fields, "used"),
    )


def call_tool(health: Health, event: Event) -> Health:
    """Take `tool.called`."""
    return replace(health, tools=tally(health.tools, text(event.fields, "outcome")))


def _note(health: Health, event: Event, subject: str, what: str | None) -> Health:
    incident = Incident(t=event.t, ts=event.ts, kind=event.type, subject=subject, what=what)
    return replace(health, recent=keep_last(health.recent, incident, MOST_INCIDENTS))


def _after(event: Event) -> str | None:
    after_s = number(event.fields, "after_s")
    return None if after_s is None else f"after {after_s:.1f} s"


def _name_provider(event: Event) -> tuple[str, str, str]:
    use, provider, model = (text(event.fields, name) or "unknown" for name in ("use", "provider", "model"))
    return use, provider, model


def _without(health: Health, use: str, provider: str, model: str) -> tuple[PassedOver, ...]:
    return tuple(
        known
        for known in health.passed_over
        if (known.use, known.provider, known.model) != (use, provider, model)
    )
