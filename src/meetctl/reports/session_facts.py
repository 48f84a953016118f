"""What a session's summary says, in words and figures that the terminal and the HTML page share."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from meetctl.reports.ages import format_age
from meetctl.reports.cells import format_duration
from meetctl.reports.sizes import format_bytes

if TYPE_CHECKING:
    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.domain.session_reading import SessionReading
    from meetctl.domain.state.fields import Tally
    from meetctl.domain.state.health import Incident
    from meetctl.domain.state.steering import Step

NOTHING = "–"

STAGE_TITLES = {
    "transcript_s": "transcript",
    "end_of_turn_s": "end of turn",
    "knowledge_s": "knowledge",
    "llm_s": "model",
    "tts_s": "voice",
    "total_s": "first sound",
}

_MOST_NAMED = 8
"""So many people a line names."""


def about_facts(reading: SessionReading) -> Iterator[tuple[str, str]]:
    """Say whose session it was, when, and how the agent looked."""
    bundle, state = reading.bundle, reading.state
    yield "session", bundle.session_id
    yield "room", bundle.room or state.about.room or NOTHING
    tenant = bundle.tenant_id or state.about.tenant_id
    yield "tenant", f"{tenant} ({state.about.tier})" if tenant and state.about.tier else tenant or NOTHING
    yield "when", _when(reading)
    version = f"meetctl {state.about.version}" if state.about.version else None
    if state.about.is_recorder:
        told = "people are told" if state.about.is_announced else "people are not told"
        yield "recorder", ", ".join(filter(None, ("nobody answers", told, version)))
    elif state.about.agent or version:
        yield "agent", ", ".join(filter(None, (state.about.agent, version)))
    yield "people", _people(reading)
    if state.looking.fps is not None:
        yield "policy", _policy(reading)
    if state.about.providers:
        named = (f"{one.use} {one.provider}/{one.model}" for one in state.about.providers)
        yield "providers", ", ".join(named)
    if bundle.pruned_at is not None:
        yield (
            "pruned",
            f"{bundle.pruned_at:%Y-%m-%d}: the recording and what people said were removed; "
            "the cost is as it was",
        )


def activity_facts(reading: SessionReading) -> Iterator[tuple[str, str]]:
    """Say how much was said, seen and recorded."""
    state = reading.state
    turns = f"{state.turns.ended:,}"
    if state.turns.outcomes:
        turns += f" ({tell_tally(state.turns.outcomes)})"
    yield "turns", turns
    said = f"{state.conversation.by_people:,} by people, {state.conversation.by_agent:,} by the agent"
    interrupted = state.conversation.interrupted
    yield "utterances", said + (f", {interrupted:,} of them interrupted" if interrupted else "")
    frames = state.frames
    looked = f", {frames.looked:,} looked at closely" if frames.looked else ""
    yield "frames", f"{frames.seen:,} seen, {frames.kept:,} kept, {frames.sent:,} sent{looked}"
    requests = f"{state.requests.made:,}"
    if state.requests.outcomes:
        images = state.requests.image_tokens
        tokens = f"; {images:,} of {state.requests.input_tokens:,} input tokens are images" if images else ""
        requests += f" ({tell_tally(state.requests.outcomes)}){tokens}"
    yield "requests", requests
    yield "recording", _recording(reading)
    if state.health.backend_calls:
        yield "backend", f"{tell_tally(state.health.backend_calls)}"
    if state.health.knowledge:
        used = state.health.knowledge_used
        yield "knowledge", f"{tell_tally(state.health.knowledge)}; used {used:,} times"
    if state.health.tools:
        yield "tools", tell_tally(state.health.tools)


def latency_rows(reading: SessionReading) -> list[tuple[str, str, str, str]]:
    """Return each measured stage of the turns: its name, the median, 95 %, and of how many turns."""
    return [
        (
            STAGE_TITLES[stage],
            _seconds(spread.percentile_s(50)),
            _seconds(spread.percentile_s(95)),
            f"{spread.count:,}",
        )
        for stage, spread in reading.state.turns.latency
        if spread.count
    ]


def trouble_lines(reading: SessionReading) -> Iterator[str]:
    """Say what is missing from the journal, what lasts, and what went wrong."""
    state, health = reading.state, reading.state.health
    yield from reading.bundle.problems
    if reading.unreadable:
        yield f"{count_of(reading.unreadable, 'line')} of the journal cannot be read"
    if state.lost:
        yield f"{count_of(state.lost, 'event')} of the journal are missing, by their numbers"
    if state.unknown:
        yield f"{count_of(state.unknown, 'event')} of a type that this version does not know"
    for gone in health.passed_over:
        yield f"{gone.use} {gone.provider}/{gone.model} was passed over at the end"
    if health.backend_missing:
        yield f"the backend failed at the end: without {', '.join(health.backend_missing)}"
    if health.connections_lost:
        yield f"the connection to the room was lost {health.connections_lost:,} times"
    if reading.bundle.usage_waits:
        yield "usage of it waits for the backend"
    troubles = health.degradations + health.error_count + health.warnings
    if troubles:
        parts = (
            count_of(health.degradations, "degradation"),
            count_of(health.recoveries, "recovery", "recoveries"),
            count_of(health.error_count, "error"),
            count_of(health.warnings, "warning"),
        )
        yield ", ".join(parts)


def tell_incident(incident: Incident) -> tuple[str, str]:
    """Return an incident's media time and what happened, in one line."""
    what = f": {incident.what}" if incident.what else ""
    return clock_time(incident.t), f"{incident.kind} {incident.subject}{what}"


def tell_step(step: Step) -> tuple[str, str]:
    """Return a control message's media time and what it did."""
    args = " ".join(f"{name}={value}" for name, value in step.args.items())
    outcome = "" if step.outcome == "done" else f": {step.outcome}{f', {step.error}' if step.error else ''}"
    return clock_time(step.t), f"{step.op} {args}".rstrip() + outcome


def steering_lines(reading: SessionReading) -> Iterator[str]:
    """Say how often operators and budgets did something."""
    steering = reading.state.steering
    if steering.performed:
        failed = f", {steering.failed:,} of them failed" if steering.failed else ""
        yield f"control messages: {tell_tally(steering.performed)}{failed}"
    if steering.refused:
        yield f"refused: {tell_tally(steering.refused)}"
    if steering.budget_step_count:
        yield f"steps of a budget: {steering.budget_step_count:,}"


def next_commands(bundle: SessionBundle) -> list[str]:
    """Return what people are likely to want next."""
    path = shlex.quote(str(bundle.path))
    commands = []
    if bundle.media_bytes:
        commands += [f"meetctl replay --fps 1 {path}"]
        commands += [f"meetctl replay --verify {path}"] if not bundle.is_running else []
    commands.append(f"meetctl logs --session {shlex.quote(bundle.session_id)}")
    return commands


def tell_tally(tally: Tally) -> str:
    """Return counts in words.

    >>> tell_tally((("done", 12), ("failed", 1)))
    '12 done, 1 failed'
    """
    return ", ".join(f"{times:,} {word}" for word, times in tally)


def count_of(count: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun.

    >>> count_of(1, "error"), count_of(2, "error")
    ('1 error', '2 errors')
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def clock_time(t: float) -> str:
    """Return a media time as m:ss or h:mm:ss."""
    return format_duration(int(t * 1_000_000))


def _when(reading: SessionReading) -> str:
    bundle, about = reading.bundle, reading.state.about
    began = "at an unknown time" if bundle.started_at is None else _moment(bundle.started_at)
    length = format_age(reading.duration_s)
    if bundle.state == "running":
        return f"{began}, runs since {length}"
    if bundle.state == "ended":
        return f"{began}, {length}; ended: {about.reason or 'no reason given'}"
    if bundle.state == "killed":
        return f"{began}, {length}; killed: its journal has no end"
    return f"{began}, {length}; whether it still runs cannot be known"


def _people(reading: SessionReading) -> str:
    people = reading.state.people
    names = [person.name or person.identity for person in people.everyone if person.kind != "agent"]
    shown = ", ".join(names[:_MOST_NAMED])
    if len(names) > _MOST_NAMED:
        shown += f" and {len(names) - _MOST_NAMED:,} more"
    agents = sum(person.kind == "agent" for person in people.everyone)
    return (shown or "nobody") + (f"; {count_of(agents, 'agent')}" if agents else "")


def _policy(reading: SessionReading) -> str:
    looking = reading.state.looking
    rate = "every frame" if looking.fps == "every-frame" else f"{looking.fps} fps"
    parts = [
        rate,
        None if looking.window is None else f"last {count_of(looking.window, 'frame')} a request",
        looking.detail and f"detail {looking.detail}",
        None if looking.side is None else f"longest side {looking.side}",
        looking.model,
        None if looking.eyes else "eyes shut",
        f"changed {looking.changes:,} times" if looking.changes else None,
    ]
    return ", ".join(part for part in parts if part)


def _recording(reading: SessionReading) -> str:
    bundle, recording = reading.bundle, reading.state.recording
    parts = [recording.mode] if recording.mode else []
    if not bundle.media_bytes:
        return "; ".join([*parts, "no recording is here"])
    parts.append(format_bytes(bundle.media_bytes))
    if recording.frames is not None:
        parts.append(count_of(recording.frames, "frame"))
    if recording.segments is not None:
        parts.append(count_of(recording.segments, "segment"))
    if recording.dropped:
        parts.append(f"{recording.dropped:,} dropped")
    if recording.stopped:
        parts.append(f"stopped early: {recording.stopped}")
    return ", ".join(parts)


def _seconds(seconds: float | None) -> str:
    return NOTHING if seconds is None else f"{seconds:.2f} s"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
