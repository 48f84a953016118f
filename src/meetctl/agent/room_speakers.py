"""Who speaks in the room: what the microphones give and what the server says, at media time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.domain.speakers import SpeakerTimeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from livekit import rtc

    from meetctl.agent.media_clock import MediaClock


class RoomSpeakers:
    """Keeps who spoke when, and answers for the stretch from a moment until now."""

    def __init__(self, media_clock: MediaClock) -> None:
        self._media_clock = media_clock
        self._timeline = SpeakerTimeline()

    def follow(self, room: rtc.Room) -> None:
        """Note from now on whom the server calls active."""
        room.on("active_speakers_changed", self._announce)

    def hear(self, levels: Mapping[str, float]) -> None:
        """Note how loud each person's microphone has just been, by identity."""
        self._timeline.hear(self.now_us(), levels)

    def now_us(self) -> int:
        """Return the media time, for `since`."""
        return self._media_clock.now_us()

    def since(self, begin_us: int) -> str | None:
        """Return who has spoken most since a media time; None when nobody is known to have."""
        return self._timeline.speaker(begin_us, self.now_us())

    def _announce(self, speakers: Iterable[rtc.Participant]) -> None:
        self._timeline.announce(self.now_us(), [speaker.identity for speaker in speakers])
