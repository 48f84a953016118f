"""Whose session it is, when it was, and how the agent looks and records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from meetctl.domain.state.fields import flag, mapping, number, text, whole

if TYPE_CHECKING:
    from meetctl.domain.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who serves one use, as the session began."""

    use: str
    """"llm", "stt" or "tts"."""
    provider: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Who and when, as far as the journal has told."""

    session_id: str = ""
    room: str = ""
    tenant_id: str | None = None
    tier: str | None = None
    agent: str | None = None
    """The name that the agent was dispatched by."""
    version: str | None = None
    job: str | None = None
    is_recorder: bool = False
    """Whether nobody answered: the room was only recorded (`meetctl record`)."""
    is_announced: bool = False
    """Of a recorder: whether people are told that they are recorded."""
    providers: tuple[Provider, ...] = ()
    started_at: str | None = None
    """When `session.started` was written (UTC, RFC 3339)."""
    has_ended: bool = False
    """Whether the journal has the session's end; without it the session runs, or was killed."""
    ended_at: str | None = None
    """When `session.ended` was written."""
    reason: str | None = None
    """Why the agent left."""
    duration_s: float | None = None
    """How long the session's media was, as its end says."""
    lost_events: int = 0
    """How many events could not be written, as its end says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """By which policy frames are kept and sent now."""

    fps: str | None = None
    """A decimal or fraction as text, or "every-frame"."""
    window: int | None = None
    detail: str | None = None
    side: int | None = None
    model: str | None = None
    eyes: bool = True
    """Whether the agent looks at anything at all."""
    changes: int = 0
    """How often the policy changed since the session's start."""
    since_t: float = 0.0
    """Since when it has been as it is, in seconds of media time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What is recorded."""

    mode: str | None = None
    """"off", "sampled", "full", or a rate; None where nobody has said."""
    changes: int = 0
    stopped: str | None = None
    """Why it ended before the meeting did."""
    stopped_t: float | None = None
    frames: int | None = None
    """How many frames it has, as the session's end says."""
    dropped: int = 0
    """How many frames could not be written, as the session's end says."""
    segments: int | None = None


def start_about(about: About, event: Event) -> About:
    """Take `session.started`."""
    fields = event.fields
    return replace(
        about,
        agent=text(fields, "agent"),
        version=text(fields, "version"),
        job=text(fields, "job"),
        is_recorder="announced" in fields,
        is_announced=flag(fields, "announced"),
        providers=_read_providers(mapping(fields, "providers")),
        started_at=event.ts or None,
    )


def resolve_tenant(about: About, event: Event) -> About:
    """Take `tenant.resolved`; whose it is stands beside, in the event itself."""
    return replace(about, tier=text(event.fields, "tier"))


def end_about(about: About, event: Event) -> About:
    """Take `session.ended`."""
    return replace(
        about,
        has_ended=True,
        ended_at=event.ts or None,
        reason=text(event.fields, "reason"),
        duration_s=number(event.fields, "duration_s"),
        lost_events=max(0, whole(event.fields, "lost_events") or 0),
    )


def start_looking(looking: Looking, event: Event) -> Looking:
    """Take the policy of `session.started`."""
    return _read_policy(looking, mapping(event.fields, "policy"))


def change_looking(looking: Looking, event: Event) -> Looking:
    """Take `policy.changed`; a change has the whole policy, but for the model."""
    changed = _read_policy(looking, mapping(event.fields, "policy"))
    return replace(
        changed,
        eyes=flag(event.fields, "eyes", default=True),
        changes=looking.changes + 1,
        since_t=event.t,
    )


def start_recording(recording: Recording, event: Event) -> Recording:
    """Take how the session began to record."""
    return replace(recording, mode=text(event.fields, "record"))


def change_recording(recording: Recording, event: Event) -> Recording:
    """Take `recording.changed`."""
    return replace(recording, mode=text(event.fields, "mode"), changes=recording.changes + 1)


def stop_recording(recording: Recording, event: Event) -> Recording:
    """Take `recording.stopped`."""
    return replace(recording, stopped=text(event.fields, "reason") or "unknown", stopped_t=event.t)


def end_recording(recording: Recording, event: Event) -> Recording:
    """Take what `session.ended` says of the recording."""
    recorded = mapping(event.fields, "recorded")
    return replace(
        recording,
        mode=text(recorded, "mode") or recording.mode,
        frames=whole(recorded, "frames"),
        dropped=max(0, whole(recorded, "dropped") or 0),
        segments=whole(recorded, "segments"),
        stopped=text(recorded, "stopped") or recording.stopped,
    )


def _read_providers(providers: Mapping[str, Any]) -> tuple[Provider, ...]:
    return tuple(
        Provider(
            use=use,
            provider=text(mapping(providers, use), "provider") or "unknown",
            model=text(mapping(providers, use), "model") or "unknown",
        )
        for use in ("llm", "stt", "tts")
        if mapping(providers, use)
    )


def _read_policy(looking: Looking, policy: Mapping[str, Any]) -> Looking:
    rate = policy.get("fps")
    side = whole(policy, "side")
    return replace(
        looking,
        # Older journals have a number here.
        fps=str(rate) if isinstance(rate, str | int | float) else looking.fps,
        window=whole(policy, "window") if "window" in policy else looking.window,
        detail=text(policy, "detail") or looking.detail,
        side=side if "side" in policy else looking.side,
        model=text(policy, "model") or looking.model,
    )
