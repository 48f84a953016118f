"""What an operator can do to a meeting now, and why the rest cannot be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from meetctl.domain.view.dashboard import Meeting

ActionName = Literal[
    "policy", "ears", "eyes", "voice", "say", "ask", "record", "leave", "dispatch", "token", "close"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PossibleAction:
    """One thing that can be done, or why it cannot."""

    name: ActionName
    key: str
    """The key that chooses it in the menu."""
    label: str
    refusal: str | None = None
    """Why it cannot be done now, in one clause; None where it can."""


def list_actions(meeting: Meeting | None, refusal: str | None = None) -> tuple[PossibleAction, ...]:
    """Return all actions in the menu's order; `refusal` is why nothing at all may be done.

    >>> [one.name for one in list_actions(None) if one.refusal is None]
    ['dispatch', 'token']
    """
    steering = refusal or _refuse_steering(meeting)
    muted: Sequence[str] = () if meeting is None else meeting.state.steering.muted
    records = meeting is not None and is_recording(meeting)
    return (
        PossibleAction(name="policy", key="p", label="Change fps or detail", refusal=steering),
        _switch("ears", "e", muted, steering),
        _switch("eyes", "y", muted, steering),
        _switch("voice", "v", muted, steering),
        PossibleAction(name="say", key="s", label="Let the agent say something", refusal=steering),
        PossibleAction(name="ask", key="a", label="Ask the agent in text", refusal=steering),
        PossibleAction(
            name="record",
            key="r",
            label="Stop recording" if records else "Start recording",
            refusal=steering,
        ),
        PossibleAction(
            name="leave", key="l", label="Take the agent out", refusal=refusal or _refuse_leaving(meeting)
        ),
        PossibleAction(name="dispatch", key="d", label="Send an agent into a room", refusal=refusal),
        PossibleAction(name="token", key="t", label="Make a token for a person", refusal=refusal),
        PossibleAction(
            name="close", key="x", label="Close the room", refusal=refusal or _refuse_closing(meeting)
        ),
    )


def is_recording(meeting: Meeting) -> bool:
    """Tell whether the agent records now, as far as its events have told."""
    recording = meeting.state.recording
    return recording.mode not in (None, "off") and recording.stopped is None


def count_people(meeting: Meeting) -> int:
    """Return how many people are there: as LiveKit counts them, else as the agent's events tell."""
    if meeting.room_view is not None:
        return meeting.room_view.people
    return sum(one.kind in ("standard", "sip") for one in meeting.state.people.present)


def _switch(
    sense: Literal["ears", "eyes", "voice"], key: str, muted: Sequence[str], refusal: str | None
) -> PossibleAction:
    verb = "Unmute" if sense in muted else "Mute"
    return PossibleAction(name=sense, key=key, label=f"{verb} the agent's {sense}", refusal=refusal)


def _refuse_steering(meeting: Meeting | None) -> str | None:
    """Say why control messages are of no use; None where an agent of ours takes them."""
    if meeting is None:
        return "no meeting is chosen"
    if meeting.state.about.has_ended:
        return "the session has ended"
    if meeting.channel == "session":
        return "its agent is none of meetctl"
    if meeting.state.about.is_recorder:
        return "the room is only recorded: there is no agent"
    if meeting.session_id is None:
        return "no agent of meetctl is known in this room"
    return None


def _refuse_leaving(meeting: Meeting | None) -> str | None:
    """Say why no agent can be taken out; one that is none of ours can be put out."""
    if meeting is not None and not meeting.state.about.has_ended and _has_foreign_agent(meeting):
        return None
    return _refuse_steering(meeting)


def _has_foreign_agent(meeting: Meeting) -> bool:
    view = meeting.room_view
    return meeting.channel == "session" or (view is not None and bool(view.agents))


def _refuse_closing(meeting: Meeting | None) -> str | None:
    if meeting is None:
        return "no meeting is chosen"
    if meeting.state.about.has_ended and meeting.room_view is None:
        return "the session has ended, and LiveKit shows no such room"
    return None
