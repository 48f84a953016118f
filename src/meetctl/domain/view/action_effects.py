"""What an action has changed, as the next view shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meetctl.domain.policy import name_rate, parse_rate
from meetctl.domain.state.about import Looking
from meetctl.domain.state.fields import Tally
from meetctl.domain.view.dashboard import DashboardView, Meeting
from meetctl.errors import UsageError


def see_steered(before: Meeting, op: str, args: Mapping[str, Any], view: DashboardView) -> str | None:
    """Return what an operation has changed about a meeting since `before`; None while nothing is seen."""
    after = view.find(before.key)
    if after is None:
        return None
    was, state = before.state, after.state
    match op:
        case "policy":
            if state.looking.changes > was.looking.changes:
                return f"{describe_looking(state.looking)}; before: {describe_looking(was.looking)}"
        case "mute" if args["what"] in state.steering.muted:
            return f"the agent's {args['what']} {_are(args['what'])} muted"
        case "unmute" if args["what"] not in state.steering.muted:
            return f"the agent's {args['what']} {_are(args['what'])} on again"
        case "record" if state.recording.changes > was.recording.changes:
            return f"recording: {state.recording.mode}; before: {was.recording.mode or 'unknown'}"
        case "say" | "ask" if _times(state.steering.performed, op) > _times(was.steering.performed, op):
            return "the agent has it; its words come in the conversation"
    return None


def see_left(before: Meeting, view: DashboardView) -> str | None:
    """Return how the agent has left; None while it is there."""
    after = view.find(before.key)
    if after is None:
        return "the meeting is over"
    if after.state.about.has_ended:
        return f"the session has ended: {after.state.about.reason or 'nobody says why'}"
    if after.room_view is not None and before.room_view is not None and not after.room_view.agents:
        return "no agent is in the room any more"
    return None


def see_closed(before: Meeting, view: DashboardView) -> str | None:
    """Return how the room has ended; None while it goes on."""
    after = view.find(before.key)
    if after is None:
        return "the meeting is over"
    if after.state.about.has_ended and not before.state.about.has_ended:
        return f"the session has ended: {after.state.about.reason or 'nobody says why'}"
    if before.room_view is not None and after.room_view is None:
        return "LiveKit shows the room no more"
    return None


def see_arrived(before: DashboardView | None, room: str, view: DashboardView) -> str | None:
    """Return which session has begun in a room since `before`; None while none has."""
    known = set() if before is None else {one.session_id for one in before.meetings if one.room == room}
    for meeting in view.meetings:
        is_new = meeting.session_id is not None and meeting.session_id not in known
        if meeting.room == room and is_new and not meeting.state.about.has_ended:
            return f"the agent is in the room, session {meeting.session_id}"
    return None


def describe_looking(looking: Looking) -> str:
    """Return by which policy an agent looks, in a few words.

    >>> describe_looking(Looking(fps="1/2", detail="low", window=5))
    '0.5 fps, low detail'
    """
    if looking.fps is None:
        return "a policy that nobody has told"
    try:
        rate = name_rate(parse_rate(looking.fps))
    except UsageError:
        rate = f"fps {looking.fps}"
    eyes = "" if looking.eyes else ", eyes shut"
    return f"{rate}, {looking.detail or 'unknown'} detail{eyes}"


def _are(sense: str) -> str:
    return "is" if sense == "voice" else "are"


def _times(tally: Tally, op: str) -> int:
    return dict(tally).get(op, 0)
