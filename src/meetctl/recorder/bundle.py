"""What a recorder leaves behind: one bundle, whatever becomes of its connections meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from meetctl import __version__
from meetctl.agent.audio_feed import AudioFeed
from meetctl.agent.ending import end_part
from meetctl.agent.frame_feed import FrameFeed
from meetctl.agent.journal import MeetingJournal
from meetctl.agent.loop_monitor import LoopMonitor
from meetctl.agent.media_clock import MediaClock
from meetctl.agent.meeting_recording import MeetingRecording
from meetctl.agent.session_document import SessionDocument
from meetctl.agent.session_name import name_session
from meetctl.domain.events import JournalOwner
from meetctl.domain.policy import EVERY_FRAME, Policy, name_rate
from meetctl.domain.state import SessionState, reduce

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from meetctl.agent.adapters import BundleAdapters
    from meetctl.domain.events import Event
    from meetctl.recorder.settings import RecorderSettings

JOINING_LIMIT_S = 600.0
"""How long joining the segments may take before the session ends without it."""


class RoomBundle:
    """The journal, the recording and session.json of one stay in a room."""

    def __init__(
        self, settings: RecorderSettings, adapters: BundleAdapters, *, on_stopped: Callable[[str], None]
    ) -> None:
        """Begin a bundle; `on_stopped` is told when nothing more can be recorded, and why.

        Raises:
            OutputError: It cannot be made.
        """
        loop = asyncio.get_running_loop()
        self._settings = settings
        self.session_id = name_session(settings.room, adapters.clock.now())
        self.directory = adapters.make_directory(settings.sessions, self.session_id)
        self.clock = MediaClock(adapters.clock)
        owner = JournalOwner(session_id=self.session_id, tenant_id=settings.tenant_id, room=settings.room)
        self.journal = MeetingJournal(adapters.open_journal(self.directory, owner, self.clock.now_us))
        self.state = SessionState()
        """All that the journal has told so far."""
        self.journal.listen(self._follow)
        self._document = SessionDocument(
            self.directory,
            session_id=self.session_id,
            room=settings.room,
            recording="room",
            config=_describe(settings),
            adapters=adapters,
        )
        self._monitor = LoopMonitor(adapters.clock)
        self._monitoring: asyncio.Task[None] | None = None

        def open_recorder(tell_journal: Callable[[str], None]) -> Any:
            def stop(reason: str) -> None:
                tell_journal(reason)
                loop.call_soon_threadsafe(on_stopped, reason)

            return adapters.open_recorder(self.directory, self.clock.now_us, stop)

        self._recording = MeetingRecording(
            settings.recording, open_recorder=open_recorder, journal=self.journal
        )
        self.frames = FrameFeed(
            _policy(settings),
            media_clock=self.clock,
            encoder=None,
            journal=self.journal,
            recorder=self._recording.switch,
            recording=settings.recording,
        )
        self.sounds = AudioFeed(
            media_clock=self.clock, recorder=self._recording.switch, ears=None, journal=self.journal
        )

    @property
    def outcome(self) -> dict[str, Any]:
        """What became of the recording, once the bundle was closed."""
        return self._recording.outcome

    @property
    def size_bytes(self) -> int:
        """What it takes on the disk so far; less for a moment while its segments are joined."""
        total = 0
        with suppress(FileNotFoundError):  # joined segments are removed meanwhile
            for path in self.directory.rglob("*"):
                total += path.stat().st_size if path.is_file() else 0
        return total

    async def begin(self) -> None:
        """Write that the session has started."""
        self.journal.write(
            "session.started",
            {"agent": None, "version": __version__, "job": None, **_describe(self._settings)},
        )
        await asyncio.to_thread(self._document.write_start, self._settings.tenant_id)
        self._monitoring = asyncio.create_task(self._monitor.watch(), name="loop-monitor")

    async def close(self, reason: str, everyone: Sequence[Mapping[str, str]]) -> None:
        """Write the end of journal and recording, as the agent does; `everyone` is who was there."""
        if self._monitoring is not None:
            self._monitoring.cancel()
        await end_part("the frames", self.frames.close)
        await end_part("the sound", self.sounds.close)
        await end_part("the recording", self._recording.finish, limit_s=JOINING_LIMIT_S)
        end = {
            "reason": reason,
            "duration_s": self.clock.now_us() / 1_000_000,
            "frames_kept": self.frames.kept,
            "cost": [],
            "usd": "0",
            "recorded": self._recording.outcome,
            "loop": {
                "longest_ms": round(self._monitor.longest_s * 1000),
                "blocked": self._monitor.blocked,
            },
            "lost_events": self.journal.lost,
        }
        self.journal.write("session.ended", end)
        await asyncio.to_thread(self._document.write_end, self._settings.tenant_id, everyone, end)
        await asyncio.to_thread(self.journal.close)

    def _follow(self, event: Event) -> None:
        self.state = reduce(self.state, event)


def _policy(settings: RecorderSettings) -> Policy:
    """Return the policy that frames are kept by; all but its rate is what an agent would do by default."""
    return Policy(name=name_rate(settings.fps), fps=settings.fps)


def _describe(settings: RecorderSettings) -> dict[str, Any]:
    """Return the settings that an audit needs; nothing was asked of any provider."""
    policy = _policy(settings)
    return {
        "policy": {
            "fps": EVERY_FRAME if policy.fps is None else str(policy.fps),
            "window": policy.window,
            "detail": policy.detail,
            "side": policy.side,
            "model": policy.model,
        },
        "record": settings.recording.text,
        "providers": {},
        "announced": not settings.is_silent,
        "audio": settings.has_audio,
    }
