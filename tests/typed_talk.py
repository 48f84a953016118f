"""People who type to the agent where speaking is not the point: nothing of it gets lost, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit import rtc
    from tests.live_meeting import LiveMeeting

    from meetctl.stack.participant.person import ScriptedPerson


def connection_of(person: ScriptedPerson) -> rtc.Room:
    """Return a person's own connection to the room."""
    return person._connected()


def read_of_agent(person: ScriptedPerson) -> str:
    """Return what a person has read so far of the agent's present words, which come as they are spoken."""
    _, ear = person._parts()
    return ear.written


async def type_to_agent(meeting: LiveMeeting, person: ScriptedPerson, text: str) -> str:
    """Type something, wait until the agent's turn is over, and return all that it answered."""
    typed = {"participant": person.identity, "text": text, "typed": True}
    known = len(meeting.events("transcript", **typed))
    await connection_of(person).local_participant.send_text(text, topic="lk.chat")
    turn = (await meeting.wait_for("transcript", count=known + 1, **typed))[-1]["turn"]
    await meeting.wait_for("turn.ended", turn=turn)
    return answer_in(meeting, turn)


def answer_in(meeting: LiveMeeting, turn: int) -> str:
    """Return all that the agent has said in a turn."""
    return " ".join(event["text"] for event in meeting.events("transcript", role="assistant", turn=turn))
