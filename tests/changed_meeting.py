"""A meeting whose settings change while it runs: the agent's own feed, journal and recorder, and no room."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.agent_frames import WAIT_S, LiveTrack
from tests.fakes.clock import ManualClock
from tests.live_media import draw_frame

from meetctl import bootstrap
from meetctl.adapters.event_log import EventLog
from meetctl.adapters.recorder_av.jpeg import AvFrameEncoder
from meetctl.adapters.recorder_av.recorder import AvMeetingRecorder
from meetctl.adapters.session_directory import write_session
from meetctl.agent.frame_feed import FrameFeed
from meetctl.agent.journal import MeetingJournal
from meetctl.agent.media_clock import MediaClock
from meetctl.agent.recording_switch import RecordingSwitch
from meetctl.agent.requests import RequestLog
from meetctl.agent.rtc_video import ReceivedFrame
from meetctl.agent.usage import UsageMeter
from meetctl.core.config import ProviderAccess, parse_recording
from meetctl.domain.events import JournalOwner
from meetctl.domain.policy import Policy, parse_rate
from meetctl.domain.session_cost import document_line

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.agent.requests import Outcome
    from meetctl.domain.live_media import RecordingEnd

STEP_MS = 100
OPENAI = ProviderAccess(name="openai", model="gpt-4.1", api_key="sk-none")


class ScreenTrack(LiveTrack):
    """A track that shows the picture of its time."""

    async def show(self, timestamp_us: int, t_ms: int, width: int, height: int) -> None:
        data = draw_frame(t_ms, width, height, number=t_ms // STEP_MS).data
        await self._put(ReceivedFrame(timestamp_us=timestamp_us, width=width, height=height, data=data))


class ChangedMeeting:
    """Goes on in steps of a tenth of a second, and shows a frame of each open track at each."""

    def __init__(self, bundle: Path, *, fps: str = "1", record: str = "full", window: int = 5) -> None:
        self.bundle = bundle
        bundle.mkdir(parents=True)
        self.clock = ManualClock()
        self.media = MediaClock(self.clock)
        self.media.begin()
        self._began_us = self.clock.monotonic_us
        owner = JournalOwner(session_id="s", tenant_id=None, room="r")
        sink = EventLog(bundle / "events.jsonl", owner, clock=self.clock, media_us=self.media.now_us)
        self.journal = MeetingJournal(sink)
        self.recording = RecordingSwitch(
            parse_recording(record),
            open_recorder=lambda on_stopped: AvMeetingRecorder(
                bundle, now_us=self.media.now_us, on_stopped=on_stopped
            ),
            on_stopped=lambda _: None,
        )
        policy = Policy(name="agent", fps=parse_rate(fps), window=window)
        self.feed = FrameFeed(
            policy,
            media_clock=self.media,
            encoder=AvFrameEncoder(),
            journal=self.journal,
            recorder=self.recording,
            recording=self.recording.recording,
        )
        self.recording.listen(self.feed.change_recording)
        book = bootstrap.price_book(())
        self.usage = UsageMeter(self.journal, book=book, clock=self.clock)
        rule = book.image_rule(OPENAI.model, self.clock.now())
        self._requests = RequestLog(self.usage, OPENAI, policy, rule)
        self._tracks: dict[str, tuple[ScreenTrack, int, int]] = {}
        self._t_ms = 0
        started = {"fps": fps, "window": window, "detail": "high", "side": None, "model": "gpt-4.1"}
        self.journal.write("session.started", {"policy": started, "record": record})
        write_session(bundle, {"schema": "meetctl.session/1", "started_at": "2026-11-16T09:00:00Z"})

    def share(self, name: str, width: int = 320, height: int = 180) -> None:
        """Begin to share a track, or go on with it."""
        track = ScreenTrack(name)
        self._tracks[name] = (track, width, height)
        self.feed.watch(track.video, track.frames())

    async def unshare(self, name: str) -> None:
        """Share a track no longer."""
        track, *_ = self._tracks.pop(name)
        await self.feed.unwatch(track.video.id)

    async def pass_time(self, seconds: float) -> None:
        """Go on; each track shows a frame at each step."""
        for _ in range(round(1000 * seconds / STEP_MS)):
            t_us = self._began_us + 1000 * self._t_ms
            self.clock.advance_to(max(t_us, self.clock.monotonic_us))
            for track, width, height in list(self._tracks.values()):
                await track.show(t_us, self._t_ms, width, height)
            self._t_ms += STEP_MS

    def change(
        self,
        *,
        fps: str | None = None,
        window: int | None = None,
        detail: str | None = None,
        side: int | None = None,
    ) -> None:
        """Change the policy."""
        policy = self.feed.policy
        self.feed.change_policy(
            replace(
                policy,
                fps=policy.fps if fps is None else parse_rate(fps),
                window=policy.window if window is None else window,
                detail=detail or policy.detail,
                side=side or policy.side,
            )
        )

    def record(self, mode: str) -> None:
        """Record in another way."""
        self.recording.change(parse_recording(mode))

    def ask(self, outcome: Outcome = "done") -> list[str]:
        """Make a request to the model, and return the frames that it took."""
        attachment = self.feed.attach()
        request = self._requests.begin(attachment, turn=1, text="What is on the screen?")
        request.outcome = outcome
        self._requests.end(request)
        return [frame.id for frame in attachment.frames]

    async def encoded(self) -> None:
        """Wait until all kept frames can be sent."""
        tasks = [task for task in asyncio.all_tasks() if task.get_name().startswith("encode-")]
        if tasks:
            _, pending = await asyncio.wait(tasks, timeout=WAIT_S)
            assert not pending

    async def end(self, *, is_killed: bool = False) -> RecordingEnd:
        """End the meeting; a killed one has no end in its journal."""
        await self.feed.close()
        recorded = await asyncio.to_thread(self.recording.finish)
        if not is_killed:
            cost = [document_line(line) for line in self.usage.lines]
            self.journal.write("session.ended", {"reason": "everyone left", "cost": cost})
        self.journal.close()
        return recorded
