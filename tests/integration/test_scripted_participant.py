"""A scripted person in rooms of a real LiveKit server: what others see and hear of it, and what it hears."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
from livekit import api, rtc
from tests.local_stack import run_livekit_server

from meetctl.adapters.system_clock import SystemClock
from meetctl.core.local_stack import LiveKitAccess
from meetctl.errors import ServiceError
from meetctl.stack.participant.microphone import Microphone
from meetctl.stack.participant.performance import StepDone, run_script
from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures
from meetctl.stack.participant.script import (
    Interrupt,
    Leave,
    Say,
    Share,
    ShowNext,
    StopSharing,
    WaitForGreeting,
)
from meetctl.stack.participant.voice import SAMPLE_RATE, Voice, synthesize

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

pytestmark = pytest.mark.live

HANG_S = 30
"""After this a test is taken for hung; none measures time by it."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitAccess]:
    with run_livekit_server(tmp_path_factory.mktemp("livekit")) as access:
        yield access


def token(server: LiveKitAccess, room: str, identity: str, *, agent: bool = False) -> str:
    grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=agent)
    made = api.AccessToken(server.api_key, server.api_secret).with_identity(identity).with_grants(grants)
    return made.with_kind("agent").to_jwt() if agent else made.to_jwt()


async def until(condition: Callable[[], object], what: str) -> None:
    for _ in range(HANG_S * 50):
        if condition():
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"did not come about: {what}")


class Viewer:
    """A plain client that receives everything in the room."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.sizes: dict[str, Counter[tuple[int, int]]] = {}
        self.loudest = 0
        self.gone: list[str] = []
        self.ended: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.room.on("track_subscribed", self._receive)
        self.room.on("track_unsubscribed", lambda _track, publication, _: self.ended.append(publication.sid))
        self.room.on("participant_disconnected", lambda participant: self.gone.append(participant.identity))

    def _receive(
        self, track: rtc.Track, publication: rtc.RemoteTrackPublication, _: rtc.RemoteParticipant
    ) -> None:
        if publication.source == rtc.TrackSource.SOURCE_SCREENSHARE:
            sizes = self.sizes.setdefault(publication.sid, Counter())
            self._tasks.append(asyncio.create_task(self._see(track, sizes)))
        elif publication.source == rtc.TrackSource.SOURCE_MICROPHONE:
            self._tasks.append(asyncio.create_task(self._hear(track)))

    async def _see(self, track: rtc.Track, sizes: Counter[tuple[int, int]]) -> None:
        async for event in rtc.VideoStream(track, capacity=1):
            sizes[event.frame.width, event.frame.height] += 1

    async def _hear(self, track: rtc.Track) -> None:
        async for event in rtc.AudioStream(track, capacity=50):
            samples = np.frombuffer(event.frame.data, np.int16).astype(np.int32)
            self.loudest = max(self.loudest, int(np.abs(samples).max()))

    async def close(self) -> None:
        await self.room.disconnect()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def viewer(server: LiveKitAccess, room: str) -> AsyncIterator[Viewer]:
    watching = Viewer()
    await watching.room.connect(server.url, token(server, room, "viewer"))
    try:
        yield watching
    finally:
        await watching.close()


class Answerer:
    """An agent reduced to what people notice of one: its voice, its state, and its transcriptions."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.microphone = Microphone(self.room, SystemClock())
        self._segments = 0

    async def say(self, text: str, *, seconds: float | None = None) -> None:
        """Say all of `text`, or only its first `seconds`."""
        samples = await asyncio.to_thread(synthesize, text, Voice(name="en-us+m3"))
        if seconds is not None:
            samples = samples[: round(seconds * SAMPLE_RATE)]
        await self.state("speaking")
        await self.transcribe(text)
        await self.microphone.play(samples)
        await self.state("listening")

    async def state(self, state: str) -> None:
        await self.room.local_participant.set_attributes({"lk.agent.state": state})

    async def transcribe(self, text: str, *, speaker: str | None = None) -> None:
        self._segments += 1
        writer = await self.room.local_participant.stream_text(
            topic="lk.transcription",
            attributes={"lk.segment_id": f"S{self._segments}"},
            sender_identity=speaker,
        )
        for word in text.split(" "):
            await writer.write(f"{word} ")
        await writer.aclose()


@asynccontextmanager
async def answerer(server: LiveKitAccess, room: str) -> AsyncIterator[Answerer]:
    agent = Answerer()
    await agent.room.connect(server.url, token(server, room, "agent-1", agent=True))
    await agent.microphone.open()
    await agent.state("listening")
    try:
        yield agent
    finally:
        await agent.microphone.close()
        await agent.room.disconnect()


def test_others_see_what_is_shared_and_hear_what_is_said(server: LiveKitAccess) -> None:
    async def meet() -> None:
        bo = ScriptedPerson("bo", "Bo", listens_to="maya")
        async with viewer(server, "seen") as watching, ScriptedPerson("maya", "Maya") as maya, bo:
            await maya.join(server.url, token(server, "seen", "maya"))
            await bo.join(server.url, token(server, "seen", "bo"))
            share = await maya.share_screen(SlidePictures(640, 360), fps=15)
            await until(lambda: watching.sizes.get(share.track_id, Counter())[640, 360] >= 15, "a second")
            quiet = watching.loudest
            heard, _ = await asyncio.gather(bo.wait_for_answer(), maya.speak("Hello, can you see my screen?"))
            assert quiet < 100
            assert watching.loudest > 5000
            assert heard is not None
            assert heard.audio_s == pytest.approx(maya.report().exchanges[0].speech_s, abs=1)
            assert heard.text == ""
            assert maya.report().problems == bo.report().problems == ()

    asyncio.run(meet())


def test_a_screen_changes_its_size_and_stops_and_another_is_shared(server: LiveKitAccess) -> None:
    async def meet() -> None:
        async with viewer(server, "screens") as watching, ScriptedPerson("maya", "Maya") as maya:
            await maya.join(server.url, token(server, "screens", "maya"))
            slides = SlidePictures(640, 360)
            first = await maya.share_screen(slides, fps=15)
            await until(lambda: watching.sizes.get(first.track_id, Counter())[640, 360], "the first size")
            slides.resize(480, 480)
            await until(lambda: watching.sizes[first.track_id][480, 480], "the second size")
            second = await maya.share_screen(SlidePictures(320, 240), fps=15)
            await until(lambda: watching.sizes.get(second.track_id, Counter())[320, 240], "a second screen")
            seen = watching.sizes[first.track_id][480, 480]
            await until(lambda: watching.sizes[first.track_id][480, 480] > seen, "both at once")
            await first.stop()
            await first.stop()
            await until(lambda: first.track_id in watching.ended, "the first has ended")
            assert second.track_id not in watching.ended
            third = await maya.share_screen(slides, fps=15)
            await until(lambda: watching.sizes.get(third.track_id, Counter())[480, 480], "shared again")
            assert len({first.track_id, second.track_id, third.track_id}) == 3
            assert third.frames > 0

    asyncio.run(meet())


def test_a_person_leaves_and_returns(server: LiveKitAccess) -> None:
    async def meet() -> None:
        async with viewer(server, "return") as watching:
            maya = ScriptedPerson("maya", "Maya")
            for visit in (1, 2):
                await maya.join(server.url, token(server, "return", "maya"))
                share = await maya.share_screen(SlidePictures(320, 240), fps=10)
                await until(lambda: watching.sizes.get(share.track_id), f"visit {visit}")  # noqa: B023
                await maya.leave()
                await until(lambda: len(watching.gone) == visit, f"left {visit}")  # noqa: B023
            assert watching.gone == ["maya", "maya"]
            assert maya.report().problems == ()

    asyncio.run(meet())


def test_a_conversation_with_an_agent_is_reported(server: LiveKitAccess) -> None:
    async def meet() -> None:
        async with answerer(server, "talk") as agent, ScriptedPerson("maya", "Maya") as maya:
            await maya.join(server.url, token(server, "talk", "maya"))
            _, greeting = await asyncio.gather(agent.say("Hello, I am here."), maya.wait_for_answer())
            await maya.speak("How many pictures did you get?")
            await agent.transcribe("How many pictures did you get?", speaker="maya")
            _, answer = await asyncio.gather(agent.say("I got five pictures."), maya.wait_for_answer())
            report = maya.report()
            assert greeting is not None
            assert answer is not None
            assert (greeting.text, answer.text) == ("Hello, I am here.", "I got five pictures.")
            assert report.greeting == greeting
            assert report.answers == (answer,)
            assert report.exchanges[0].understood == "How many pictures did you get?"
            assert report.problems == ()
            assert 0 < answer.first_audio_s < HANG_S
            assert answer.audio_s > 0.5
            assert not answer.interrupted

    asyncio.run(meet())


def test_an_interrupted_agent_is_told_apart_from_its_next_answer(server: LiveKitAccess) -> None:
    async def meet() -> None:
        async with answerer(server, "cut") as agent, ScriptedPerson("maya", "Maya") as maya:
            await maya.join(server.url, token(server, "cut", "maya"))
            await maya.speak("Go on.")
            long = (
                "Let me tell you about the refund policy: it has many parts, and every one of them matters."
            )
            speaking = asyncio.create_task(agent.say(long, seconds=3.5))
            assert await maya.wait_until_agent_speaks()
            await asyncio.sleep(1.0)
            cut = await maya.interrupt_with("Please stop talking, that is enough for me.")
            await speaking
            _, answer = await asyncio.gather(agent.say("All right."), maya.wait_for_answer())
            assert cut is not None
            assert cut.interrupted
            assert cut.text == long
            assert cut.audio_s == pytest.approx(3.5, abs=1)
            assert answer is not None
            assert answer.text == "All right."
            assert maya.report().exchanges[1].interrupted == cut

    asyncio.run(meet())


def test_a_script_is_performed_and_told_step_by_step(server: LiveKitAccess) -> None:
    steps = (
        WaitForGreeting(timeout_s=0.2),
        Share(fps=10),
        Say("Hello?", timeout_s=0.2, turn_slide_after_s=0.1),
        Interrupt("Stop.", timeout_s=0.2),
        ShowNext(),
        StopSharing(),
        Leave(),
    )

    async def meet() -> None:
        slides = SlidePictures(320, 240)
        done: list[StepDone] = []
        async with ScriptedPerson("maya", "Maya") as maya:
            await maya.join(server.url, token(server, "script", "maya"))
            report = await run_script(
                maya,
                steps,
                lambda news: done.append(news) if isinstance(news, StepDone) else None,
                {"slides": slides},
            )
        assert [news.step for news in done] == list(steps)
        assert [news.number for news in done] == list(range(1, len(steps) + 1))
        assert slides.number == 3
        assert [exchange.said for exchange in report.exchanges] == ["Hello?"]
        assert report.problems == (
            "no answer within 0.2 s after joining",
            'no answer within 0.2 s to "Hello?"',
            'nothing to interrupt with "Stop.": the agent was silent for 0.2 s',
        )

    asyncio.run(meet())


def test_a_room_that_is_closed_ends_the_waiting(server: LiveKitAccess) -> None:
    async def meet() -> None:
        http = server.url.replace("ws://", "http://")
        async with ScriptedPerson("maya", "Maya") as maya:
            await maya.join(server.url, token(server, "closed", "maya"))
            await maya.share_screen(SlidePictures(320, 240), fps=10)
            waiting = asyncio.create_task(maya.wait_for_answer())
            async with api.LiveKitAPI(http, server.api_key, server.api_secret) as admin:
                await admin.room.delete_room(api.DeleteRoomRequest(room="closed"))
            with pytest.raises(ServiceError, match="ended the connection of maya: room deleted"):
                await asyncio.wait_for(waiting, HANG_S)
            with pytest.raises(ServiceError, match="ended the connection"):
                await maya.speak("Is anybody there?")
        assert maya.report().problems == ("the connection ended: room deleted",)

    asyncio.run(meet())


def test_a_wrong_token_is_refused_without_being_shown(server: LiveKitAccess) -> None:
    wrong = api.AccessToken(server.api_key, "w" * 40).with_identity("maya")
    jwt = wrong.with_grants(api.VideoGrants(room_join=True, room="r")).to_jwt()
    with pytest.raises(ServiceError, match="refused the token of maya") as caught:
        asyncio.run(ScriptedPerson("maya", "Maya").join(server.url, jwt))
    assert server.url in caught.value.message
    assert jwt[:20] not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"


@pytest.mark.parametrize("url", ["ws://127.0.0.1:9", "nonsense"])
def test_a_server_that_is_not_there_is_named(server: LiveKitAccess, url: str) -> None:
    with pytest.raises(ServiceError, match=url):
        asyncio.run(ScriptedPerson("maya", "Maya").join(url, token(server, "r", "maya")))
