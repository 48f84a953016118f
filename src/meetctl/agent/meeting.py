"""One meeting from its start to its end: everything that the agent's session is made of."""

from __future__ import annotations

import asyncio
import logging
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from livekit.agents import AgentSession, AutoSubscribe, inference
from livekit.agents.voice.room_io import RoomOptions

from meetctl import __version__
from meetctl.agent.conversation import Conversation
from meetctl.agent.frame_feed import FrameFeed
from meetctl.agent.journal import MeetingJournal, show_usd
from meetctl.agent.loop_monitor import LoopMonitor
from meetctl.agent.media_clock import MediaClock
from meetctl.agent.presence import Presence
from meetctl.agent.requests import RequestLog
from meetctl.agent.room_tracks import RoomTracks
from meetctl.agent.speech import Speech, meter_speech
from meetctl.agent.usage import UsageMeter
from meetctl.agent.video_agent import VideoAgent
from meetctl.agent.voices import Ears, VoiceTap
from meetctl.domain.events import JournalOwner
from meetctl.domain.session_cost import document_line
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from livekit.agents import CloseEvent, JobContext, TurnHandlingOptions

    from meetctl.agent.adapters import MeetingAdapters
    from meetctl.agent.order import MeetingOrder
    from meetctl.core.config import TurnDetection

logger = logging.getLogger(__name__)

SCHEMA = "meetctl.session/1"
_ANNOUNCEMENT = "This meeting is being recorded."
_PACKAGES = ("livekit-agents", "livekit", "av")


class Meeting:
    """The agent's stay in one room."""

    def __init__(
        self,
        ctx: JobContext,
        order: MeetingOrder,
        *,
        adapters: MeetingAdapters,
        speech: Speech,
        session_id: str,
    ) -> None:
        self._ctx = ctx
        self._speech = speech
        self._settings = order.settings
        self._order = order
        self._adapters = adapters
        self._session_id = session_id
        self._reason: str | None = None
        self._is_closed = False
        self._started_at = adapters.clock.now()
        self._loop = asyncio.get_running_loop()
        self.directory: Path = adapters.make_directory(self._settings.sessions, session_id)
        self._clock = MediaClock(adapters.clock)
        owner = JournalOwner(session_id=session_id, tenant_id=order.tenant_id, room=ctx.job.room.name)
        self._journal = MeetingJournal(adapters.open_journal(self.directory, owner, self._clock.now_us))
        recording = self._settings.recording
        self._recorder = (
            adapters.open_recorder(self.directory, self._clock.now_us, self._recording_stopped)
            if recording.is_on
            else None
        )
        self._frames = FrameFeed(
            self._settings.policy,
            media_clock=self._clock,
            encoder=adapters.encoder,
            journal=self._journal,
            recorder=self._recorder,
            recording=recording,
        )
        self._ears = Ears(media_clock=self._clock, recorder=self._recorder) if self._recorder else None
        self._tracks = RoomTracks(ctx.room, frames=self._frames, ears=self._ears, journal=self._journal)
        self._presence = Presence(
            self._journal,
            patience_s=self._settings.patience_s,
            grace_s=self._settings.grace_s,
            leave=self.leave,
        )
        self._usage = UsageMeter(self._journal, book=adapters.book, clock=adapters.clock)
        self._conversation = Conversation(self._journal, speaker=self._linked_person)
        self._monitor = LoopMonitor(adapters.clock)
        self._monitoring: asyncio.Task[None] | None = None
        self._session: AgentSession[Any] | None = None

    async def start(self) -> None:
        """Join the room, and take part."""
        self._write_start()
        await asyncio.to_thread(self._write_session, None)
        await self._ctx.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
        room = self._ctx.room
        self._presence.join(room.local_participant)
        for participant in room.remote_participants.values():
            self._presence.join(participant)
        room.on("participant_connected", self._presence.join)
        room.on("participant_disconnected", self._presence.depart)
        self._presence.begin()
        self._tracks.follow()
        await room.local_participant.set_attributes(self._attributes())
        self._session = self._make_session()
        self._conversation.follow(self._session)
        self._session.on("close", self._session_closed)
        await self._session.start(
            self._make_agent(),
            room=room,
            room_options=RoomOptions(close_on_disconnect=False),
            session_host=False,
            record=False,
        )
        if self._recorder is not None and self._session.output.audio is not None:
            self._session.output.audio = VoiceTap(
                self._session.output.audio, media_clock=self._clock, recorder=self._recorder
            )
        self._monitoring = asyncio.create_task(self._monitor.watch(), name="loop-monitor")
        greeting = self._greeting()
        if greeting:
            self._session.say(greeting)

    def leave(self, reason: str) -> None:
        """End the agent's stay."""
        self._reason = reason
        self._ctx.shutdown(reason)

    async def close(self) -> None:
        """Write the end of journal and recording, and forget what was seen; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        # Nobody asked the agent to leave: then either the room has gone, or its worker is going.
        reason = self._reason or ("worker stopped" if self._ctx.room.isconnected() else "room closed")
        if self._monitoring is not None:
            self._monitoring.cancel()
        self._presence.close()
        await self._tracks.close()
        await self._frames.close()
        if self._ears is not None:
            await self._ears.close()
        self._conversation.close()
        recording = await self._finish_recording()
        end = {
            "reason": reason,
            "duration_s": self._clock.now_us() / 1_000_000,
            "frames_kept": self._frames.kept,
            "cost": [document_line(line) for line in self._usage.lines],
            "usd": show_usd(self._usage.usd),
            "recorded": recording,
            "loop": {
                "longest_ms": round(self._monitor.longest_s * 1000),
                "blocked": self._monitor.blocked,
            },
            "lost_events": self._journal.lost,
        }
        self._journal.write("session.ended", end)
        await asyncio.to_thread(self._write_session, end)
        await asyncio.to_thread(self._journal.close)

    def _make_session(self) -> AgentSession[Any]:
        settings, speech = self._settings, self._speech
        meter_speech(speech, self._usage, settings, lambda: self._conversation.turn)
        return AgentSession(
            stt=speech.stt,
            llm=speech.llm,
            tts=speech.tts,
            vad=speech.vad,
            turn_handling=_turn_handling(settings.turn_detection),
            video_sampler=None,
        )

    def _make_agent(self) -> VideoAgent:
        settings = self._settings
        rule = self._adapters.book.image_rule(settings.llm.priced_model, self._started_at)
        return VideoAgent(
            session_id=self._session_id,
            instructions=settings.instructions,
            frames=self._frames,
            requests=RequestLog(self._usage, settings.llm, settings.policy, rule),
            conversation=self._conversation,
        )

    def _greeting(self) -> str:
        said = [self._settings.greeting]
        if self._recorder is not None and self._settings.announces_recording:
            said.append(_ANNOUNCEMENT)
        return " ".join(part for part in said if part)

    def _attributes(self) -> dict[str, str]:
        return {
            "meetctl.session_id": self._session_id,
            "meetctl.version": __version__,
            "meetctl.recording": self._settings.recording.text,
        }

    def _linked_person(self) -> str | None:
        """Whom the session listens to."""
        room_io = self._session.room_io if self._session is not None else None
        linked = room_io.linked_participant if room_io is not None else None
        return linked.identity if linked is not None else None

    def _session_closed(self, event: CloseEvent) -> None:
        if event.error is not None and not self._is_closed:
            self.leave(f"a provider failed: {type(event.error).__name__}")

    def _recording_stopped(self, reason: str) -> None:
        """Say in the journal, from the recorder's thread, that nothing more is recorded."""
        self._loop.call_soon_threadsafe(lambda: self._journal.write("recording.stopped", {"reason": reason}))
        logger.error("the recording has stopped: %s; the meeting goes on", reason)

    async def _finish_recording(self) -> dict[str, Any]:
        if self._recorder is None:
            return {"mode": "off"}
        end = await asyncio.to_thread(self._recorder.finish)
        return {
            "mode": self._settings.recording.text,
            "frames": end.frames,
            "dropped": end.dropped,
            "segments": end.segments,
            "stopped": end.stopped,
        }

    def _write_start(self) -> None:
        self._journal.write(
            "session.started",
            {
                "agent": self._ctx.job.agent_name,
                "version": __version__,
                "job": self._ctx.job.id,
                **self._document_config(),
            },
        )
        for problem in self._order.problems:
            self._journal.write("log", {"level": "warning", "message": problem})

    def _document_config(self) -> dict[str, Any]:
        settings, policy = self._settings, self._settings.policy
        return {
            "policy": {
                "fps": "every-frame" if policy.fps is None else str(policy.fps),
                "window": policy.window,
                "detail": policy.detail,
                "side": policy.side,
                "model": settings.llm.model,
            },
            "record": settings.recording.text,
            "providers": {
                use: {"provider": access.billed_as, "model": access.model}
                for use, access in (("llm", settings.llm), ("stt", settings.stt), ("tts", settings.tts))
            },
        }

    def _write_session(self, end: dict[str, Any] | None) -> None:
        clock = self._adapters.clock
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "session_id": self._session_id,
            "tenant_id": self._order.tenant_id,
            "room": self._ctx.job.room.name,
            "recording": "live",
            "started_at": _show_time(self._started_at),
            "config": self._document_config(),
            "price_book": {"version": self._adapters.book.version},
            "versions": {"meetctl": __version__, **{name: version(name) for name in _PACKAGES}},
        }
        if end is not None:
            document |= {
                "ended_at": _show_time(clock.now()),
                "participants": self._presence.everyone,
                **end,
            }
        try:
            self._adapters.write_session(self.directory, document)
        except OutputError as error:
            logger.error("%s; the meeting goes on", error.message)


def _turn_handling(detection: TurnDetection) -> TurnHandlingOptions:
    return {
        "turn_detection": inference.TurnDetector(version="v1-mini") if detection == "v1-mini" else "vad",
        "interruption": {"mode": "vad"},
        # A request made before the turn has ended would be paid for twice, and see older frames.
        "preemptive_generation": {"enabled": False},
    }


def _show_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
