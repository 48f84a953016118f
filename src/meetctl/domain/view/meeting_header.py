"""What an operator must always see of a meeting: whose it is, what the agent does, its policy and cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from meetctl.domain.session_cost import OFFLINE

if TYPE_CHECKING:
    from meetctl.domain.session_cost import UsageTotal
    from meetctl.domain.state.about import Looking
    from meetctl.domain.view.dashboard import DashboardView, Meeting


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingHeader:
    """One meeting in a line."""

    room: str
    tenant_id: str | None
    tier: str | None
    agent_state: str | None
    muted: tuple[str, ...]
    """What of the agent's ears, eyes and voice is muted."""
    looking: Looking
    """The policy, and whether anything is looked at."""
    recording: str | None
    """"off", "sampled", "full" or a rate; None where nobody has said."""
    recording_stopped: str | None
    """Why it ended before the meeting did."""
    age_s: float | None
    """How long the meeting has gone on, or went on; None where that is not known."""
    has_ended: bool
    usd: Decimal | None
    """What of it has a price; None where nothing has."""
    is_complete: bool
    """Whether all of it has a price."""
    is_estimated: bool
    """Whether any part is not as a provider reported it."""
    is_offline: bool
    """Whether offline providers served all of it."""
    is_stale: bool
    """Whether events may have stopped coming."""
    trouble: tuple[str, ...]
    """What is wrong now, each in a few words."""


def view_header(meeting: Meeting, view: DashboardView) -> MeetingHeader:
    """Return a meeting's header at the view's moment."""
    state = meeting.state
    usage = state.usage
    return MeetingHeader(
        room=meeting.room,
        tenant_id=state.about.tenant_id,
        tier=state.about.tier,
        agent_state=state.conversation.agent_state,
        muted=state.steering.muted,
        looking=state.looking,
        recording=state.recording.mode,
        recording_stopped=state.recording.stopped,
        age_s=_age(meeting, view.at),
        has_ended=state.about.has_ended,
        usd=usage.usd if usage.priced_uses > 0 or not usage.uses else None,
        is_complete=not usage.unpriced,
        is_estimated=_is_estimated(usage),
        is_offline=bool(usage.parts) and all(part.provider == OFFLINE for part in usage.parts),
        is_stale=meeting.is_stale,
        trouble=tuple(_find_trouble(meeting)),
    )


def _age(meeting: Meeting, at: datetime) -> float | None:
    """Return the meeting's age; of one that has ended, how long it was."""
    about = meeting.state.about
    if about.has_ended:
        return about.duration_s if about.duration_s is not None else meeting.state.t
    if about.started_at is None:
        return meeting.state.t or None
    try:
        started = datetime.fromisoformat(about.started_at)
    except ValueError:
        return meeting.state.t or None
    return max(0.0, (at - started.replace(tzinfo=started.tzinfo or UTC)).total_seconds())


def _is_estimated(usage: UsageTotal) -> bool:
    return any(part.basis in ("estimated", "mixed") for part in usage.parts)


def _find_trouble(meeting: Meeting) -> list[str]:
    health = meeting.state.health
    found = [] if meeting.problem is None else [meeting.problem]
    if health.connection_lost_t is not None:
        found.append("the agent cannot reach the room")
    found += [
        f"{one.provider}/{one.model} fails"
        + (f", {one.instead} instead" if one.instead else ", nobody instead")
        for one in health.passed_over
    ]
    if health.backend_missing:
        found.append(f"without {', '.join(health.backend_missing)}, as the backend fails")
    if meeting.state.lost:
        found.append(f"{meeting.state.lost} events are missing")
    return found
