"""One meeting from its start to its end: everything that the agent's session is made of."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from livekit.agents import AutoSubscribe
from livekit.agents.types import TOPIC_CHAT

from meetctl import __version__
from meetctl.agent.budget_guard import BudgetGuard, GuardActions, GuardedMeeting
from meetctl.agent.budget_notices import FAREWELL, REASON, BudgetNotices
from meetctl.agent.conduct import Conduct
from meetctl.agent.control import ControlChannel
from meetctl.agent.ending import end_part
from meetctl.agent.farewell import Farewell
from meetctl.agent.frame_feed import FrameFeed
from meetctl.agent.greeter import Greeter
from meetctl.agent.hearing import Hearing
from meetctl.agent.journal import MeetingJournal, show_usd
from meetctl.agent.loop_monitor import LoopMonitor
from meetctl.agent.media_clock import MediaClock
from meetctl.agent.meeting_recording import RECORDED, MeetingRecording
from meetctl.agent.metering import meter_speech
from meetctl.agent.mind import Mind, Surroundings
from meetctl.agent.observers import Observers
from meetctl.agent.order import decide_policy
from meetctl.agent.platform_link import Platform, PlatformLink
from meetctl.agent.presence import Presence
from meetctl.agent.room_tracks import RoomTracks
from meetctl.agent.session import ROOM_OPTIONS, make_session
from meetctl.agent.session_document import SessionDocument, describe_config
from meetctl.agent.speech import Speech, choose_voice
from meetctl.agent.steering import Steered, Steering
from meetctl.agent.usage import UsageMeter
from meetctl.agent.voices import VoiceTap
from meetctl.domain.events import JournalOwner
from meetctl.domain.session_cost import document_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc
    from livekit.agents import AgentSession, CloseEvent, JobContext

    from meetctl.agent.adapters import MeetingAdapters
    from meetctl.agent.monitoring import MeetingMonitoring
    from meetctl.agent.order import MeetingOrder
    from meetctl.agent.providers import ProviderChange
    from meetctl.core.config import Recording

logger = logging.getLogger(__name__)

GOODBYE = "All right, I leave the meeting now. Goodbye."
_GOODBYE_LIMIT_S = 15.0
RECORDING_LIMIT_S = 120.0
"""How long joining a recording may take before the session ends without it."""


class Meeting:
    """The agent's stay in one room."""

    def __init__(
        self,
        ctx: JobContext,
        order: MeetingOrder,
        *,
        adapters: MeetingAdapters,
        speech: Speech,
        monitoring: MeetingMonitoring,
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
        self._session: AgentSession[Any] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        room = ctx.job.room.name
        models = (self._settings.llm, *self._settings.llm_fallbacks)
        now = adapters.clock.now()
        self._rules = {model: adapters.book.image_rule(model.priced_model, now) for model in models}
        self._directory = adapters.make_directory(self._settings.sessions, session_id)
        platform = self._open_platform()
        self._clock = MediaClock(adapters.clock)
        self._document = SessionDocument(
            self._directory,
            session_id=session_id,
            room=room,
            recording="live",
            config=describe_config(self._settings),
            adapters=adapters,
        )
        owner = JournalOwner(session_id=session_id, tenant_id=order.tenant_id, room=room)
        sink = adapters.open_journal(self._directory, owner, self._clock.now_us)
        self._journal = MeetingJournal(sink)
        monitoring.follow(self._journal)
        self._monitor = LoopMonitor(adapters.clock)
        self._usage = UsageMeter(self._journal, book=adapters.book, clock=adapters.clock)
        self._make_senses()
        self._make_link(platform, sink.assign_tenant)
        self._make_mind()
        self._make_presence()
        self._make_guard()
        self._make_control()

    def _open_platform(self) -> Platform | None:
        """Open what waits for the backend, which has to be there before the journal is."""
        backend = self._adapters.backend
        if backend is None:
            return None
        return Platform(backend=backend, outbox=self._adapters.begin_outbox(self._directory))

    def _make_senses(self) -> None:
        settings = self._settings
        self._recording = MeetingRecording(
            self._settings.recording,
            open_recorder=lambda on_stopped: self._adapters.open_recorder(
                self._directory, self._clock.now_us, on_stopped
            ),
            journal=self._journal,
        )
        self._frames = FrameFeed(
            settings.policy,
            media_clock=self._clock,
            encoder=self._adapters.encoder,
            journal=self._journal,
            recorder=self._recording.switch,
            recording=settings.recording,
        )
        self._recording.switch.listen(self._frames.change_recording)
        self._hearing = Hearing(
            self._ctx.room,
            journal=self._journal,
            media_clock=self._clock,
            recorder=self._recording.switch,
            people=lambda: self._presence.people,
        )
        self._conversation = self._hearing.conversation
        self._conduct = Conduct(
            self._frames,
            self._hearing.ears,
            rules=tuple(self._rules.values()),
            session=lambda: self._session,
        )
        self._tracks = RoomTracks(
            self._ctx.room, frames=self._frames, sounds=self._hearing.sounds, journal=self._journal
        )

    def _make_link(self, platform: Platform | None, assign_tenant: Callable[[str], None]) -> None:
        self._link = PlatformLink(
            self._ctx.job.room.name,
            self._order,
            platform,
            journal=self._journal,
            clock=self._adapters.clock,
            assign_tenant=assign_tenant,
            on_change=self._tenancy_changed,
            waited=lambda seconds: self._conversation.note_stage("knowledge_s", seconds),
        )

    def _make_mind(self) -> None:
        self._mind = Mind(
            self._settings,
            Surroundings(
                frames=self._frames,
                conversation=self._conversation,
                link=self._link,
                people=lambda: self._presence.present,
                leave=lambda: self._run(self._take_leave(), "leave"),
                conduct=self._conduct,
                answering=lambda: self._speech.models.answering,
            ),
            rules=self._rules,
            usage=self._usage,
            journal=self._journal,
            clock=self._adapters.clock,
        )

    def _make_presence(self) -> None:
        self._greeter = Greeter(
            personality=lambda: self._link.tenancy.personality,
            is_answering=lambda: self._conversation.is_open,
        )
        self._farewell = Farewell(write=self._write_to_room, leave=self.leave)
        self._presence = Presence(
            self._journal,
            patience_s=self._settings.patience_s,
            grace_s=self._settings.grace_s,
            leave=self.leave,
            welcome=self._greeter.welcome,
        )

    def _make_guard(self) -> None:
        settings = self._settings
        notices = BudgetNotices(
            settings.budgets.announcing, session=lambda: self._session, write=self._write_to_room
        )
        self._guard = BudgetGuard(
            GuardedMeeting(
                session_id=self._session_id,
                room=self._ctx.job.room.name,
                tenant_id=lambda: self._link.tenancy.tenant_id,
                budgets=settings.budgets,
                ordered_usd=self._order.budget_usd,
            ),
            GuardActions(
                conduct=self._conduct,
                announce=notices.announce,
                leave=lambda: self._farewell.go(FAREWELL, REASON),
            ),
            book=self._adapters.spending,
            journal=self._journal,
            clock=self._adapters.clock,
        )
        self._usage.listen(self._guard.count)

    def _make_control(self) -> None:
        ctx, clock = self._ctx, self._adapters.clock
        self._observers = Observers(
            ctx.room,
            self._journal,
            journal_bytes=self._adapters.read_journal(self._directory),
            clock=clock,
        )
        self._steering = Steering(
            Steered(
                session=lambda: self._session,
                frames=self._frames,
                hearing=self._hearing,
                conduct=self._conduct,
                rules=tuple(self._rules.values()),
                record=self._record,
                allow=self._guard.order,
                leave=self.leave,
            )
        )
        self._control = ControlChannel(
            ctx.room,
            self._settings.livekit,
            room_name=ctx.job.room.name,
            clock=clock,
            journal=self._journal,
            perform={**self._observers.operations, **self._steering.operations},
        )

    async def start(self) -> None:
        """Join the room, and take part."""
        self._write_start()
        await asyncio.to_thread(self._document.write_start, self._order.tenant_id)
        # Whose meeting it is and the way into the room are found out side by side.
        _, _ = await asyncio.gather(
            self._link.begin(), self._ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
        )
        self._decide_policy()
        room = self._ctx.room
        self._presence.join(room.local_participant)
        for participant in room.remote_participants.values():
            self._presence.join(participant)
        room.on("participant_connected", self._arrive)
        room.on("participant_disconnected", self._depart)
        self._presence.begin()
        self._tracks.follow()
        self._control.follow()
        await room.local_participant.set_attributes(self._attributes())
        if self._mind.persona.name:
            await room.local_participant.set_name(self._mind.persona.name)
        await self._begin_session()

    async def _begin_session(self) -> None:
        settings, tenancy = self._settings, self._link.tenancy
        self._speech = self._speech.with_voices(choose_voice(settings, tenancy.premium_voice))
        self._speech.follow(self._note_provider)
        meter_speech(self._speech, self._usage, lambda: self._conversation.turn)
        session = make_session(self._speech, settings.turn_detection)
        self._hearing.follow(session)
        self._greeter.follow(session)
        self._farewell.follow(session)
        session.on("close", self._session_closed)
        await session.start(
            self._mind.make_agent(self._session_id),
            room=self._ctx.room,
            room_options=ROOM_OPTIONS,
            session_host=False,
            record=False,
        )
        self._session = session
        self._hearing.open(session)
        if session.output.audio is not None:
            session.output.audio = VoiceTap(
                session.output.audio, media_clock=self._clock, recorder=self._recording.switch
            )
        self._run(self._monitor.watch(), "loop-monitor")
        await self._guard.begin()
        greeting = self._mind.persona.compose_greeting(is_recorded=self._recording.is_on)
        self._journal.write("session.ready", {"greeting": bool(greeting)})
        if greeting:
            session.say(greeting)

    def _arrive(self, participant: rtc.RemoteParticipant) -> None:
        if not self._is_closed:
            self._presence.join(participant)

    def _depart(self, participant: rtc.RemoteParticipant) -> None:
        if not self._is_closed:
            self._presence.depart(participant)
            self._greeter.forget(participant)

    def leave(self, reason: str) -> None:
        """End the agent's stay; the first reason that is given holds."""
        self._reason = self._reason or reason
        self._ctx.shutdown(reason)

    async def close(self) -> None:
        """Write the end of journal and recording, and forget what was seen; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        # Nobody asked the agent to leave: then either the room has gone, or its worker is going.
        reason = self._reason or ("worker stopped" if self._ctx.room.isconnected() else "room closed")
        await end_part("control", self._control.close)
        await end_part("the budget", self._guard.stop)
        for task in self._tasks:
            task.cancel()
        self._presence.close()
        for name, part in (
            ("the farewell", self._farewell),
            ("the greeter", self._greeter),
            ("the tracks", self._tracks),
            ("the frames", self._frames),
            ("hearing", self._hearing),
            ("speech", self._speech),
            ("the questions to the backend", self._link),
        ):
            await end_part(name, part.close)
        await end_part("the recording", self._recording.finish, limit_s=RECORDING_LIMIT_S)
        end = {
            "reason": reason,
            "duration_s": self._clock.now_us() / 1_000_000,
            "frames_kept": self._frames.kept,
            "cost": [document_line(line) for line in self._usage.lines],
            "usd": show_usd(self._usage.usd),
            "recorded": self._recording.outcome,
            "loop": {
                "longest_ms": round(self._monitor.longest_s * 1000),
                "blocked": self._monitor.blocked,
            },
            "lost_events": self._journal.lost,
        }
        self._journal.write("session.ended", end)
        await end_part("the observers", self._observers.close)
        await end_part("what was spent", self._guard.finish)
        tenant_id = self._link.tenancy.tenant_id
        await asyncio.to_thread(self._document.write_end, tenant_id, self._presence.everyone, end)
        await asyncio.to_thread(self._journal.close)
        # livekit-agents would leave the room only after this, and a backend may take its time.
        await end_part("the connection", self._ctx.room.disconnect)
        await end_part("delivery", self._link.finish)

    def _attributes(self) -> dict[str, str]:
        return {
            "meetctl.session_id": self._session_id,
            "meetctl.version": __version__,
            "meetctl.recording": self._recording.text,
        }

    def _decide_policy(self) -> None:
        """Look as closely as the tenant may, unless an operator has said how."""
        advanced_vision = self._link.tenancy.advanced_vision
        self._conduct.decide_policy(
            decide_policy(self._order, advanced_vision, has_backend=self._link.has_backend)
        )

    def _tenancy_changed(self) -> None:
        """Take what is known of the tenant only now; the voice and the greeting stay as they were."""
        self._decide_policy()
        self._run(self._mind.refresh(), "instructions")

    def _note_provider(self, change: ProviderChange) -> None:
        self._journal.write(change.kind, change.fields)

    async def _record(self, recording: Recording) -> None:
        was_on = self._recording.is_on
        if not self._recording.switch.change(recording):
            return
        if recording.is_on and not was_on and self._settings.announces_recording:
            await self._announce_recording()
        try:
            await self._ctx.room.local_participant.set_attributes({"meetctl.recording": recording.text})
        except Exception:
            # The connection may be down, which LiveKit tells in several ways; what is recorded is switched.
            logger.warning("the attribute meetctl.recording could not be set", exc_info=True)

    async def _announce_recording(self) -> None:
        """Tell people that they are recorded from now on: aloud, or in writing where the voice is off."""
        if self._session is not None and self._session.output.audio_enabled:
            self._session.say(RECORDED)
        else:
            await self._write_to_room(RECORDED)

    async def _write_to_room(self, text: str) -> None:
        await self._ctx.room.local_participant.send_text(text, topic=TOPIC_CHAT)

    async def _take_leave(self) -> None:
        """Say goodbye to the one who has confirmed that the agent shall go, and go."""
        if self._session is not None:
            try:
                async with asyncio.timeout(_GOODBYE_LIMIT_S):
                    await self._session.say(GOODBYE, allow_interruptions=False)
            except Exception:
                # Whatever keeps the voice from speaking, the agent goes.
                logger.exception("the goodbye could not be said")
        self.leave("asked to leave by the person")

    def _run(self, work: Any, name: str) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _session_closed(self, event: CloseEvent) -> None:
        if event.error is not None and not self._is_closed:
            self.leave(f"a provider failed: {type(event.error).__name__}")

    def _write_start(self) -> None:
        self._journal.write(
            "session.started",
            {
                "agent": self._ctx.job.agent_name,
                "version": __version__,
                "job": self._ctx.job.id,
                **describe_config(self._settings),
            },
        )
        for problem in self._order.problems:
            self._journal.write("log", {"level": "warning", "message": problem})
