"""What each event of a journal, and each line of a log, says in one line for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from meetctl.domain.log_level import is_event
from meetctl.reports.ages import format_age
from meetctl.reports.money import format_usd

Fields = Mapping[str, Any]

_EVENT_ENVELOPE = frozenset({"v", "seq", "ts", "t", "type", "session_id", "tenant_id", "room", "turn"})
_LOG_ENVELOPE = frozenset(
    {
        *("ts", "time", "timestamp", "@timestamp", "level", "logger", "message", "msg"),
        *("tenant", "session_id", "room", "turn", "job_id", "pid", "traceback"),
    }
)


def tell(document: Fields) -> str:
    """Return what an event or a log's line says, in one line; of unknown types their fields.

    >>> tell({"seq": 1, "type": "participant.left", "participant": "maya"})
    'maya has left'
    >>> tell({"seq": 1, "type": "coffee.served", "cups": 2})
    'cups=2'
    >>> tell({"level": "info", "message": "took a while", "duration_ms": 612})
    'took a while duration_ms=612'
    """
    if not is_event(document):
        return _tell_log(document)
    teller = _TELLERS.get(document["type"])
    if teller is not None:
        try:
            return teller(document)
        except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation):
            # A field is missing or of another kind than we know; whatever is there is told all the same.
            pass
    return list_fields(document, without=_EVENT_ENVELOPE)


def list_fields(document: Fields, *, without: Collection[str]) -> str:
    """Return fields as name=value; texts as they are, anything deeper as JSON."""
    return " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in document.items()
        if name not in without and value is not None
    )


def _tell_log(document: Fields) -> str:
    message = document.get("message", document.get("msg", ""))
    told = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
    others = list_fields(document, without=_LOG_ENVELOPE)
    return f"{told} {others}" if told and others else told or others


def _session_started(event: Fields) -> str:
    policy, providers = event["policy"], event["providers"]
    served = ", ".join(f"{use} {_model(providers[use])}" for use in ("llm", "stt", "tts") if use in providers)
    return (
        f"agent {event['agent']} {event['version']}; {served}; {policy['fps']} fps, "
        f"window {policy['window']}, detail {policy['detail']}; recording {event['record']}"
    )


def _session_ended(event: Fields) -> str:
    lost = event.get("lost_events")
    return (
        f"{event['reason']}, after {format_age(event['duration_s'])}; {_usd(event['usd'])}, "
        f"{event['frames_kept']} frames kept" + (f"; {lost} events were lost" if lost else "")
    )


def _participant_joined(event: Fields) -> str:
    kind = event.get("kind", "standard")
    return f"{_person(event)} has joined" + ("" if kind == "standard" else f" ({kind})")


def _track_started(event: Fields) -> str:
    size = f" {event['width']}x{event['height']}" if "width" in event else ""
    return f"{event['participant']}: {event['source'].replace('_', ' ')}{size}"


def _policy_changed(event: Fields) -> str:
    policy = event["policy"]
    side = f", side {policy['side']}" if policy.get("side") else ""
    eyes = "" if event.get("eyes", True) else "; looks at nothing"
    return f"{policy['fps']} fps, window {policy['window']}, detail {policy['detail']}{side}{eyes}"


def _transcript(event: Fields) -> str:
    who = "agent" if event["role"] == "assistant" else _person(event)
    notes = [
        note
        for note, holds in (
            ("typed", event.get("typed")),
            ("interrupted", event.get("interrupted")),
            ("not final", event.get("final") is False),
        )
        if holds
    ]
    return f'{who}: "{event["text"]}"' + (f" ({', '.join(notes)})" if notes else "")


def _turn_ended(event: Fields) -> str:
    latency: Mapping[str, float] = event.get("latency") or {}
    stages = ", ".join(
        f"{name.removesuffix('_s').replace('_', ' ')} {seconds:.2f}"
        for name, seconds in latency.items()
        if name != "total_s"
    )
    total = f"; first sound after {latency['total_s']:.2f} s" if "total_s" in latency else ""
    requests = event.get("requests")
    asked = f", {requests} request{'' if requests == 1 else 's'}" if requests is not None else ""
    return f"{event['outcome']}{asked}{total}" + (f" ({stages})" if stages else "")


def _llm_request(event: Fields) -> str:
    images = len(event.get("images") or ()) + len(event.get("looked") or ())
    seen = f"{images} images ({event.get('detail')}), " if images else ""
    cached = event.get("cached_input_tokens")
    return (
        f"{_model(event)} {event['outcome']}: {seen}{event['input_tokens']:,} tokens in"
        f"{f' ({cached:,} cached)' if cached else ''}, {event['output_tokens']:,} out, {_cost(event)}"
    )


def _llm_probe(event: Fields) -> str:
    return f"{_model(event)} {event['outcome']}: {event['input_tokens']:,} tokens in, {_cost(event)}"


def _stt_usage(event: Fields) -> str:
    return f"{_model(event)} heard {event['audio_s']:.1f} s, {_cost(event)}"


def _tts_usage(event: Fields) -> str:
    first = event.get("first_byte_ms")
    return (
        f"{_model(event)} spoke {event['characters']:,} characters, {event['audio_s']:.1f} s"
        f"{'' if first is None else f', first byte after {first:.0f} ms'}"
        f"{', cancelled' if event.get('cancelled') else ''}, {_cost(event)}"
    )


def _error(event: Fields) -> str:
    status = f" {event['status']}" if event.get("status") is not None else ""
    recoverable = event.get("recoverable")
    lasting = "" if recoverable is None else ", to be tried again" if recoverable else ", for good"
    return f"{event['component']}: {event['error']}{status}{lasting}"


def _provider_degraded(event: Fields) -> str:
    instead = event.get("instead")
    return f"{event['use']} {_model(event)} fails; " + (
        f"{_model(instead)} is asked first" if instead else "nobody is asked instead"
    )


def _provider_recovered(event: Fields) -> str:
    return f"{event['use']} {_model(event)} is back"


def _backend_call(event: Fields) -> str:
    return f"{event['procedure']} {event['outcome']} after {event['duration_ms']:.0f} ms"


def _backend_degraded(event: Fields) -> str:
    return f"{event['reason']}; without {', '.join(event.get('missing') or ['anything'])}"


def _backend_recovered(event: Fields) -> str:
    missing = event.get("missing")
    return f"after {event['after_s']:.1f} s" + (f"; still without {', '.join(missing)}" if missing else "")


def _knowledge_searched(event: Fields) -> str:
    if event["outcome"] == "skipped":
        return f"skipped: {event.get('reason')}"
    titles = ", ".join(f'"{source["title"]}"' for source in event.get("sources") or ())
    return (
        f"{event['outcome']} after {event['duration_ms']:.0f} ms: {event['hits']} found"
        f"{'' if event.get('used') else ', not used'}{f': {titles}' if titles else ''}"
    )


def _tool_called(event: Fields) -> str:
    return f"{event['tool']} {event['outcome']} after {event['duration_ms']:.0f} ms"


def _control_performed(event: Fields) -> str:
    args = " ".join(f"{name}={value}" for name, value in (event.get("args") or {}).items())
    error = f": {event['error']}" if event.get("error") else ""
    return " ".join(part for part in (event["op"], args, f"{event['outcome']}{error}") if part)


_TELLERS: Mapping[str, Callable[[Fields], str]] = {
    "agent.state": lambda event: f"{event['old']} -> {event['new']}",
    "answer.cut": lambda event: f"the answer was cut: {event['reason']}",
    "backend.call": _backend_call,
    "backend.degraded": _backend_degraded,
    "backend.recovered": _backend_recovered,
    "control.performed": _control_performed,
    "control.refused": lambda event: f"{event['reason']}, {event['count']} times",
    "error": _error,
    "frame.kept": lambda event: f"{event['frame']} {event['width']}x{event['height']} of {event['track']}",
    "frame.looked": lambda event: f"{event['frame']} {event['width']}x{event['height']} ({event['detail']})",
    "knowledge.searched": _knowledge_searched,
    "llm.probe": _llm_probe,
    "llm.request": _llm_request,
    "log": lambda event: str(event["message"]),
    "participant.joined": _participant_joined,
    "participant.left": lambda event: f"{event['participant']} has left",
    "policy.changed": _policy_changed,
    "provider.degraded": _provider_degraded,
    "provider.recovered": _provider_recovered,
    "recording.changed": lambda event: f"recording {event['mode']}",
    "recording.stopped": lambda event: f"the recording has ended early: {event['reason']}",
    "session.ended": _session_ended,
    "session.started": _session_started,
    "stt.usage": _stt_usage,
    "tenant.resolved": lambda event: f"{event['tenant_id']}, tier {event['tier']} ({event['source']})",
    "tool.called": _tool_called,
    "tool.refused": lambda event: f"{event['tool']}: {event['reason']}",
    "track.ended": lambda event: f"{event['kind']} {event['track']}",
    "track.started": _track_started,
    "transcript": _transcript,
    "tts.usage": _tts_usage,
    "turn.ended": _turn_ended,
    "turn.started": lambda event: f"{_person(event)} begins",
    "user.state": lambda event: f"{_person(event)}: {event['old']} -> {event['new']}",
    "video.frames": lambda event: f"{len(event['t_us'])} frames, {event['kept']} kept, of {event['track']}",
}


def _person(event: Fields) -> str:
    name, identity = event.get("name"), event.get("participant")
    if not identity:
        return str(name or "somebody")
    return f"{name} ({identity})" if name and name != identity else str(identity)


def _model(access: Fields) -> str:
    return f"{access['model']} ({access['provider']})"


def _cost(event: Fields) -> str:
    return _usd(event["usd"]) + (" (estimated)" if event.get("basis") != "reported" else "")


def _usd(amount: str | None) -> str:
    return format_usd(None if amount is None else Decimal(amount))
