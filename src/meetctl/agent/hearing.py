"""How the agent hears and reads people: everybody's sound, who spoke, what was said, and what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meetctl.agent.audio_feed import AudioFeed
from meetctl.agent.captions import RoomCaptions
from meetctl.agent.conversation import Conversation
from meetctl.agent.room_ears import RoomEars
from meetctl.agent.room_speakers import RoomSpeakers
from meetctl.agent.typed_messages import TypedMessages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from livekit import rtc
    from livekit.agents import AgentSession

    from meetctl.agent.journal import MeetingJournal
    from meetctl.agent.media_clock import MediaClock
    from meetctl.ports import MeetingRecorder


class Hearing:
    """The parts of one session that have to do with what people say."""

    def __init__(
        self,
        room: rtc.Room,
        *,
        journal: MeetingJournal,
        media_clock: MediaClock,
        recorder: MeetingRecorder | None,
        people: Callable[[], Mapping[str, str]],
    ) -> None:
        """Hear nothing yet; `people` gives the names of all who were there so far, by identity."""
        self._room = room
        self._speakers = RoomSpeakers(media_clock)
        self._captions = RoomCaptions(room)
        self._typed: TypedMessages | None = None
        self.ears = RoomEars(listener=self._speakers.hear)
        self.sounds = AudioFeed(media_clock=media_clock, recorder=recorder, ears=self.ears, journal=journal)
        self.conversation = Conversation(
            journal, speakers=self._speakers, people=people, captions=self._captions
        )

    def follow(self, session: AgentSession[Any]) -> None:
        """Let a session hear the room; call it before the session starts, with no inputs of its own."""
        self._speakers.follow(self._room)
        self.conversation.follow(session)
        session.input.audio = self.ears

    def open(self, session: AgentSession[Any]) -> None:
        """Take what people type, and show what they say; call it once the session has started."""
        self._captions.replace(session.room_io)
        self._typed = TypedMessages(self._room, session, self.conversation)
        self._typed.follow()

    async def close(self) -> None:
        """Hear no more, and end the turn that is still open."""
        if self._typed is not None:
            await self._typed.close()
        await self.sounds.close()
        await self.ears.aclose()
        await self._captions.close()
        self.conversation.close()
