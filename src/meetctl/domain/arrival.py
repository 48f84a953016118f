"""What the first events of a session tell of an agent that was sent for: what it sees, says, and fails at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.domain.events import Event

_PARTS = {"cartesia": "voice", "rime": "voice", "deepgram": "ears", "openai": "model"}
_USES = {"tts": "voice", "stt": "ears", "llm": "model"}
_PLUGINS = "plugins."


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFault:
    """A provider that does not serve the agent, after all attempts and with nobody in its place."""

    part: str
    """What the agent lacks: "voice", "ears" or "model"."""
    provider: str
    error: str
    """The kind of error, and the status that the provider answered with; never its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How far an agent has come, as far as its events have told."""

    session_id: str | None = None
    is_ready: bool = False
    """Whether it takes part: it hears, sees and may speak."""
    greets: bool | None = None
    """Whether it says something by itself; None until it has been told."""
    has_spoken: bool = False
    sees: str | None = None
    """The first video track that a frame came of, in words."""
    faults: tuple[ProviderFault, ...] = ()
    warnings: tuple[str, ...] = ()
    """What of its orders it could not use."""
    ended: str | None = None
    """Why it has left; None while it has not."""

    def find_fault(self, part: str) -> ProviderFault | None:
        """Return what keeps a part of the agent from working."""
        return next((fault for fault in self.faults if fault.part == part), None)


def note_event(arrival: Arrival, event: Event) -> Arrival:
    """Return what is known after one more event.

    >>> from meetctl.domain.events import parse_event
    >>> spoke = parse_event('{"seq":3,"t":0,"type":"agent.state","old":"listening","new":"speaking"}')
    >>> note_event(Arrival(), spoke).has_spoken
    True
    """
    fields = event.fields
    match event.type:
        case "session.started":
            return replace(arrival, session_id=event.session_id)
        case "session.ready":
            return replace(arrival, is_ready=True, greets=fields.get("greeting") is True)
        case "agent.state" if fields.get("new") == "speaking":
            return replace(arrival, has_spoken=True)
        case "transcript" if fields.get("role") == "assistant":
            return replace(arrival, has_spoken=True)
        case "track.started" if fields.get("kind") == "video" and arrival.sees is None:
            return replace(arrival, sees=_describe_track(event))
        case "error" if fields.get("recoverable") is False:
            return _add_fault(arrival, _read_error(event))
        case "provider.degraded" if fields.get("instead") is None:
            return _add_fault(arrival, _read_degradation(event))
        case "log" if fields.get("level") != "info":
            return replace(arrival, warnings=(*arrival.warnings, str(fields.get("message", ""))))
        case "session.ended":
            return replace(arrival, ended=str(fields.get("reason") or "it does not say why"))
    return arrival


def _describe_track(event: Event) -> str:
    source = str(event.fields.get("source", "unknown")).replace("_", " ")
    what = "video" if source == "unknown" else source
    width, height = event.fields.get("width"), event.fields.get("height")
    size = f", {width}x{height}" if width and height else ""
    return f"{what} of {event.fields.get('participant', 'somebody')}{size}"


def _read_error(event: Event) -> ProviderFault:
    component = str(event.fields.get("component", "")).removeprefix(_PLUGINS)
    status = event.fields.get("status")
    error = str(event.fields.get("error", "failed"))
    return ProviderFault(
        part=_PARTS.get(component, component),
        provider=component,
        error=error if status is None else f"{error}, status {status}",
    )


def _read_degradation(event: Event) -> ProviderFault:
    use = str(event.fields.get("use", ""))
    provider, model = event.fields.get("provider", "unknown"), event.fields.get("model", "unknown")
    return ProviderFault(part=_USES.get(use, use), provider=f"{provider} {model}", error="no stand-in")


def _add_fault(arrival: Arrival, fault: ProviderFault) -> Arrival:
    if arrival.find_fault(fault.part) is not None:
        return arrival
    return replace(arrival, faults=(*arrival.faults, fault))
