"""Whole meetings for tests: a server, offline providers and a worker, all real, and what became of them."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from livekit import api, rtc
from tests.conftest import DROPPED_NAMES, DROPPED_PREFIXES
from tests.live_agent import AGENT, read_events, start_worker, until
from tests.local_stack import run_livekit_server
from tests.offline_server import running_offline_server

from meetctl import bootstrap
from meetctl.services.verification import verify_bundle
from meetctl.stack.rooms import dispatch_agent, mint_token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt
    from tests.live_agent import Worker
    from tests.offline_server import OfflineServer

    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.domain.verification import Verification
    from meetctl.stack.participant.person import ScriptedPerson
    from meetctl.stack.participant.pictures import PictureSource

    Event = dict[str, Any]

PATIENCE_S = 60.0
"""How long a person waits for the agent before a test fails; none measures time by it."""
ATTEMPTS = 3
SHARE_FPS = 10
RATE_HZ = 16_000
_BLOCK = RATE_HZ // 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStack:
    """All that meetings need."""

    livekit: LiveKitAccess
    offline: OfflineServer
    worker: Worker

    def meeting(self, room: str) -> LiveMeeting:
        """Return a meeting that nobody takes part in yet."""
        return LiveMeeting(stack=self, room=room)

    async def used(self) -> dict[str, float]:
        """Return what the model was asked for so far, in all meetings."""
        return await asyncio.to_thread(self.offline.usage, "openai", "chat")

    async def count_ears(self) -> float:
        """Return how many connections to the recognizer there have been so far, in all meetings."""
        used = await asyncio.to_thread(self.offline.usage, "deepgram", "listen")
        return used.get("connections", 0)

    async def break_provider(self, provider: str, kind: str, **settings: float) -> None:
        """Put a fault in force."""
        await asyncio.to_thread(self.offline.break_provider, provider, kind, **settings)

    async def heal_providers(self) -> None:
        """Let every provider work again."""
        await asyncio.to_thread(self.offline.ask, "DELETE", "/faults")


class LiveMeeting:
    """One room, its people, and the one session of the agent in it."""

    def __init__(self, *, stack: LiveStack, room: str) -> None:
        self.stack = stack
        self.room = room

    async def admit(self, person: ScriptedPerson) -> None:
        """Let a person join."""
        access = self.stack.livekit
        await person.join(access.url, mint_token(access, self.room, person.identity, person.name))

    async def invite_agent(self, metadata: Mapping[str, object] | str = "", *, agent: str = AGENT) -> None:
        """Send the agent in, and wait until it listens: to the person it finds first, and to nobody else."""
        access = self.stack.livekit
        if isinstance(metadata, str):
            async with api.LiveKitAPI(access.url, access.api_key, access.api_secret) as client:
                await client.agent_dispatch.create_dispatch(
                    api.CreateAgentDispatchRequest(agent_name=agent, room=self.room, metadata=metadata)
                )
        else:
            await dispatch_agent(access, self.room, agent, metadata)
        await until(self._journals, f"a session in {self.room}", self.stack.worker.said)
        await self.wait_for("agent.state", new="listening")

    @property
    def journal(self) -> Path:
        """The session's journal."""
        (journal,) = self._journals()
        return journal

    @property
    def bundle(self) -> Path:
        """The session's bundle."""
        return self.journal.parent

    @property
    def session(self) -> dict[str, Any]:
        """What session.json says."""
        document: dict[str, Any] = json.loads((self.bundle / "session.json").read_bytes())
        return document

    def events(self, type_: str | None = None, **fields: object) -> list[Event]:
        """Return the journal's events so far: of a type, and with these fields."""
        return [event for event in read_events(self.journal, type_) if fields.items() <= event.items()]

    async def wait_for(self, type_: str, *, count: int = 1, **fields: object) -> list[Event]:
        """Wait until the journal has `count` such events, and return them."""
        await until(
            lambda: len(self.events(type_, **fields)) >= count,
            f"{count} {type_} {fields or ''}",
            lambda: self.journal.read_text(encoding="utf-8")[-5000:] + self.stack.worker.said(),
        )
        return self.events(type_, **fields)

    async def wait_for_more(self, type_: str, count: int = 1, **fields: object) -> list[Event]:
        """Wait for `count` more such events than there are, and return those."""
        known = len(self.events(type_, **fields))
        return (await self.wait_for(type_, count=known + count, **fields))[known:]

    def spans(self, type_: str, state: str) -> list[tuple[float, float]]:
        """Return when, in media time, somebody began and ended to be in a state."""
        events = self.events(type_)
        begins = [event["t"] for event in events if event["new"] == state]
        ends = [event["t"] for event in events if event["old"] == state]
        return list(zip(begins, ends, strict=True))

    async def agent_attributes(self) -> dict[str, str]:
        """Return what the agent tells everybody about itself."""
        access = self.stack.livekit
        async with api.LiveKitAPI(access.url, access.api_key, access.api_secret) as client:
            found = await client.room.list_participants(api.ListParticipantsRequest(room=self.room))
        (agent,) = [one for one in found.participants if one.kind == api.ParticipantInfo.Kind.AGENT]
        return dict(agent.attributes)

    async def close_room(self) -> None:
        """End the meeting for everybody."""
        access = self.stack.livekit
        async with api.LiveKitAPI(access.url, access.api_key, access.api_secret) as client:
            await client.room.delete_room(api.DeleteRoomRequest(room=self.room))

    async def end(self, reason: str = "everyone left") -> Event:
        """Wait until the agent has written everything, and return its last event; nothing may be missing."""
        await self.wait_for("session.ended")
        await until(lambda: "ended_at" in self.session, "the session's end", self.stack.worker.said)
        events = self.events()
        assert [event["seq"] for event in events] == list(range(len(events)))
        assert events[-1]["type"] == "session.ended"
        assert events[-1]["reason"] == reason, self.stack.worker.said()
        assert not (self.bundle / "segments").exists()
        return events[-1]

    def _journals(self) -> list[Path]:
        return [
            journal
            for journal in self.stack.worker.journals()
            if (begun := read_events(journal, "session.started")) and begun[0]["room"] == self.room
        ]


@contextmanager
def clean_home(directory: Path) -> Iterator[None]:
    """Give fixtures that outlast one test what `clean_environment` gives to a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name in DROPPED_NAMES or name.startswith(DROPPED_PREFIXES):
                patch.delenv(name)
        patch.setenv("HOME", str(directory))
        yield


@contextmanager
def run_stack(directory: Path, *options: str) -> Iterator[LiveStack]:
    """Run a server, offline providers, and a worker with these options."""
    for name in ("home", "livekit", "offline"):
        (directory / name).mkdir(parents=True)
    with (
        clean_home(directory / "home"),
        run_livekit_server(directory / "livekit") as livekit,
        running_offline_server(directory / "offline") as offline,
        serve(directory / "worker", livekit, offline.url, *options) as worker,
    ):
        yield LiveStack(livekit=livekit, offline=offline, worker=worker)


@contextmanager
def serve(
    directory: Path,
    livekit: LiveKitAccess,
    providers: str,
    *options: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Worker]:
    """Run a worker, and yield it once it serves."""
    with start_worker(directory, livekit, providers, *options, environment=environment) as worker:
        asyncio.run(
            until(
                lambda: worker.registration() or worker.process.poll() is not None,
                "the worker registers",
                worker.said,
            )
        )
        assert worker.process.poll() is None, worker.said()
        yield worker


async def ask(person: ScriptedPerson, question: str) -> str:
    """Ask until it is understood, and return the answer: a busy machine loses sound, as networks do."""
    for _ in range(ATTEMPTS):
        await person.speak(question)
        answer = await person.wait_for_answer(PATIENCE_S)
        if answer is not None and person.report().exchanges[-1].understood == question:
            return answer.text
    pytest.fail(f"never understood: {person.report()}")


@asynccontextmanager
async def share_camera(room: rtc.Room, pictures: PictureSource) -> AsyncIterator[str]:
    """Publish pictures as a camera's, and yield the track's id."""
    first = pictures.picture(0)
    assert first is not None
    source = rtc.VideoSource(first.width, first.height)
    publication = await room.local_participant.publish_track(
        rtc.LocalVideoTrack.create_video_track("camera", source),
        rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False),
    )

    async def show() -> None:
        place = 0
        while (picture := pictures.picture(place / SHARE_FPS)) is not None:
            source.capture_frame(
                rtc.VideoFrame(picture.width, picture.height, rtc.VideoBufferType.I420, picture.data)
            )
            place += 1
            await asyncio.sleep(1 / SHARE_FPS)

    showing = asyncio.create_task(show())
    try:
        yield publication.sid
    finally:
        showing.cancel()
        await asyncio.wait([showing])
        await room.local_participant.unpublish_track(publication.sid)
        await source.aclose()


def verify(bundle: Path) -> Verification:
    """Hold a bundle's journal against its recording."""

    return verify_bundle(
        bundle, source=bootstrap.frame_source(), book=bootstrap.price_book(()), progress=_report_nothing
    )


def _report_nothing(step: str, done: float, total: float, unit: str) -> None:
    """Progress that nobody watches."""


def assert_verified(bundle: Path) -> Verification:
    """Journal and recording must tell the same of every kept frame, request and cost."""
    verification = verify(bundle)
    assert verification.holds, verification.first_difference
    assert verification.frames.journal == verification.frames.replay
    assert verification.tokens.journal == verification.tokens.replay
    assert verification.usd.journal == verification.usd.replay
    return verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """What a recording sounds like: the loudness of each tenth of a second, from media time 0 on."""

    loudness: npt.NDArray[np.float64]
    """Root mean square of 16-bit samples."""

    def loudest(self, begin_s: float, end_s: float) -> float:
        """Return the loudest tenth of a second of a stretch."""
        return float(self._between(begin_s, end_s).max(initial=0))

    def quiet_s(self, begin_s: float, end_s: float, *, below: float = 60) -> float:
        """Return how long the longest quiet of a stretch is."""
        longest = current = 0
        for level in self._between(begin_s, end_s):
            current = current + 1 if level < below else 0
            longest = max(longest, current)
        return longest / 10

    def _between(self, begin_s: float, end_s: float) -> npt.NDArray[np.float64]:
        return self.loudness[max(0, round(10 * begin_s)) : max(0, round(10 * end_s))]


def listen_to(recording: Path) -> Sound:
    """Decode a recording's only audio track."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    parts: list[npt.NDArray[np.int16]] = []
    with av.open(recording) as container:
        (stream,) = container.streams.audio
        for frame in container.decode(stream):
            if not parts:
                assert frame.time is not None
                parts.append(np.zeros(round(frame.time * RATE_HZ), np.int16))
            parts += [part.to_ndarray().reshape(-1).astype(np.int16) for part in resampler.resample(frame)]
    samples = np.concatenate(parts).astype(np.float64)
    blocks = samples[: len(samples) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    return Sound(loudness=np.sqrt((blocks**2).mean(axis=1)))


def video_streams(recording: Path) -> list[dict[str, str]]:
    """Return the tags of a recording's video streams, with their sizes."""
    with av.open(recording) as container:
        return [
            {**stream.metadata, "size": f"{stream.width}x{stream.height}"}
            for stream in container.streams.video
        ]
