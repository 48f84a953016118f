"""A person who types questions to the agent in a room, and how long the agent takes to begin its answer."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from livekit import rtc

from live_meetings import read_events, wait_for
from meetctl.stack.participant.connection import connect
from meetctl.stack.rooms import mint_token
from running_processes import utc_now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from live_meetings import LiveStack
    from meetctl.domain.events import Event

ASKER = "asker"
QUESTION = "How many pictures did you get?"
TOPIC = "lk.chat"
ANSWER_LIMIT_S = 20.0
END_LIMIT_S = 40.0


@asynccontextmanager
async def join_to_ask(stack: LiveStack, room: str) -> AsyncIterator[rtc.Room]:
    """Be in a room as a person without a microphone, before the agent is: without a listener it is silent."""
    joined = rtc.Room()

    def listen(publication: rtc.RemoteTrackPublication, _: rtc.RemoteParticipant) -> None:
        if publication.kind == rtc.TrackKind.KIND_AUDIO:
            publication.set_subscribed(True)

    joined.on("track_published", listen)
    await connect(joined, stack.livekit.url, mint_token(stack.livekit, room, ASKER, "Asker"), ASKER)
    try:
        yield joined
    finally:
        await joined.disconnect()


async def ask_typed(room: rtc.Room, journal: Path) -> float:
    """Type a question, wait until the answer is over, and return how many seconds it took to begin.

    That is from sending the question to the agent's first sound, which its journal tells: both have this
    machine's clock.

    Raises:
        ServiceError: There was no answer within `ANSWER_LIMIT_S`, or it did not end.
    """
    sent = utc_now()

    def find(type_: str, **fields: str) -> Event | None:
        return next(
            (
                event
                for event in read_events(journal)
                if event.type == type_ and event.ts > sent and fields.items() <= event.fields.items()
            ),
            None,
        )

    await room.local_participant.send_text(QUESTION, topic=TOPIC)
    begun = await wait_for("an answer", lambda: find("agent.state", new="speaking"), ANSWER_LIMIT_S)
    await wait_for("the end of an answer", lambda: find("turn.ended"), END_LIMIT_S)
    return (datetime.fromisoformat(begun.ts) - datetime.fromisoformat(sent)).total_seconds()
