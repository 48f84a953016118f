"""A meeting's header: parts of a line, and a document for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meetctl.domain.policy import EVERY_FRAME
from meetctl.reports.ages import format_age
from meetctl.reports.money import exact_usd, format_usd
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from meetctl.domain.state.about import Looking
    from meetctl.domain.view.meeting_header import MeetingHeader

SCHEMA = "meetctl.panel.header/1"


def document(header: MeetingHeader) -> dict[str, Any]:
    """Return a header as an object for JSON; a cost without a price is null."""
    looking = header.looking
    return {
        "schema": SCHEMA,
        "room": header.room,
        "tenant_id": header.tenant_id,
        "tier": header.tier,
        "agent_state": header.agent_state,
        "muted": list(header.muted),
        "policy": {
            "fps": looking.fps,
            "detail": looking.detail,
            "window": looking.window,
            "side": looking.side,
            "model": looking.model,
            "eyes": looking.eyes,
        },
        "recording": header.recording,
        "recording_stopped": header.recording_stopped,
        "age_s": header.age_s,
        "ended": header.has_ended,
        "usd": None if header.usd is None else exact_usd(header.usd),
        "complete": header.is_complete,
        "estimated": header.is_estimated,
        "offline": header.is_offline,
        "stale": header.is_stale,
        "trouble": list(header.trouble),
    }


def tell_parts(header: MeetingHeader) -> list[str]:
    """Return what is shown of a meeting, what matters most first; each part stays whole on a line."""
    parts = [header.room or "(no room)"]
    tier = f" ({header.tier})" if header.tier else ""
    parts.append(f"{header.tenant_id}{tier}" if header.tenant_id else "no tenant")
    state = "ended" if header.has_ended else header.agent_state or "no agent state"
    parts.append(state + (f", MUTED {'+'.join(header.muted)}" if header.muted else ""))
    parts.append(tell_policy(header.looking))
    parts.append(_tell_recording(header))
    parts.append("age n/a" if header.age_s is None else format_age(header.age_s))
    parts.append(tell_cost(header))
    return [show_plain(part) for part in parts]


def tell_trouble(header: MeetingHeader) -> list[str]:
    """Return what is wrong now; nothing where all is well."""
    stale = ["STALE: its events may have stopped coming"] if header.is_stale else []
    return [*stale, *(show_plain(trouble) for trouble in header.trouble)]


def tell_policy(looking: Looking) -> str:
    """Return the policy in a few words.

    >>> from meetctl.domain.state.about import Looking
    >>> tell_policy(Looking(fps="1", detail="high", window=5, model="gpt-4.1"))
    '1 fps high window 5 gpt-4.1'
    """
    if not looking.eyes:
        return "looks at nothing"
    rate = "every frame" if looking.fps == EVERY_FRAME else f"{looking.fps} fps" if looking.fps else ""
    window = "" if looking.window is None else f"window {looking.window}"
    side = f"side {looking.side}" if looking.side else ""
    words = (rate, looking.detail, window, side, looking.model)
    return " ".join(word for word in words if word) or "no policy"


def tell_cost(header: MeetingHeader) -> str:
    """Return the cost with all that makes it less than certain."""
    cost = format_usd(header.usd)
    if header.is_offline:
        return f"{cost} offline"
    notes = []
    if header.usd is not None and not header.is_complete:
        notes.append("without what has no price")
    if header.is_estimated and header.usd is not None:
        notes.append("partly estimated")
    words = ", ".join(notes)
    return f"{cost}{f' ({words})' if notes else ''}"


def _tell_recording(header: MeetingHeader) -> str:
    if header.recording_stopped is not None:
        return f"recording STOPPED: {header.recording_stopped}"
    match header.recording:
        case None:
            return "recording n/a"
        case "off":
            return "not recorded"
    return f"REC {header.recording}"
