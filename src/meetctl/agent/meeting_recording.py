"""The recording of one meeting: how it is switched, what the journal says of it, and what came of it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from meetctl.agent.recording_switch import RecordingSwitch
from meetctl.domain.live_media import RecordingEnd

if TYPE_CHECKING:
    from meetctl.agent.journal import MeetingJournal
    from meetctl.agent.recording_switch import OpenRecorder
    from meetctl.core.config import Recording

logger = logging.getLogger(__name__)

RECORDED = "This meeting is being recorded."
"""What people are told where it is."""


class MeetingRecording:
    """A recording that may begin, pause and go on; a full disk stops it, never the meeting."""

    def __init__(self, recording: Recording, *, open_recorder: OpenRecorder, journal: MeetingJournal) -> None:
        self._loop = asyncio.get_running_loop()
        self._journal = journal
        self._mode = recording.text
        self._end: RecordingEnd | None = None
        self.switch = RecordingSwitch(recording, open_recorder=open_recorder, on_stopped=self._tell_stopped)
        """What is recorded goes there."""
        self.switch.listen(self._note_mode)

    @property
    def is_on(self) -> bool:
        """Whether anything is recorded now."""
        return self.switch.recording.is_on

    @property
    def text(self) -> str:
        """How the meeting is recorded now, as the user writes it."""
        return self.switch.recording.text

    @property
    def outcome(self) -> dict[str, Any]:
        """What the session's end says of it, once it was finished or that has failed."""
        if not self.switch.has_recorded:
            return {"mode": "off"}
        end = self._end or RecordingEnd(frames=0, dropped=0, segments=0, stopped="it could not be completed")
        return {
            "mode": self._mode,
            "frames": end.frames,
            "dropped": end.dropped,
            "segments": end.segments,
            "stopped": end.stopped,
        }

    async def finish(self) -> None:
        """Complete the recording, if there is one."""
        if self.switch.has_recorded:
            self._end = await asyncio.to_thread(self.switch.finish)

    def _note_mode(self, recording: Recording) -> None:
        if recording.is_on:
            self._mode = recording.text

    def _tell_stopped(self, reason: str) -> None:
        """Say in the journal, from the recorder's thread, that nothing more is recorded."""
        self._loop.call_soon_threadsafe(lambda: self._journal.write("recording.stopped", {"reason": reason}))
        logger.error("the recording has stopped: %s; the meeting goes on", reason)
