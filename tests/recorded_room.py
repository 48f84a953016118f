"""`meetctl record` in a process of its own, and what it leaves behind, for tests."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from livekit import api, rtc
from tests.live_agent import read_events, until

from meetctl.stack.rooms import mint_token

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from meetctl.core.local_stack import LiveKitAccess

    Event = dict[str, Any]

CHAT = "lk.chat"
SCREEN = (320, 240)
SHARE_FPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """One run of the command."""

    process: subprocess.Popen[bytes]
    directory: Path

    @property
    def sessions(self) -> Path:
        """Where its bundles are."""
        return self.directory / "sessions"

    @property
    def bundles(self) -> list[Path]:
        """Its bundles, the oldest first."""
        return sorted(journal.parent for journal in self.sessions.glob("*/events.jsonl"))

    @property
    def bundle(self) -> Path:
        """Its only bundle."""
        (bundle,) = self.bundles
        return bundle

    @property
    def session(self) -> dict[str, Any]:
        """What its session.json says."""
        document: dict[str, Any] = json.loads((self.bundle / "session.json").read_bytes())
        return document

    def printed(self) -> str:
        """Return what it has printed so far."""
        return (self.directory / "out").read_text(encoding="utf-8")

    def said(self) -> str:
        """Return what it has said on stderr so far."""
        return (self.directory / "err").read_text(encoding="utf-8")

    def events(self, type_: str | None = None, **fields: object) -> list[Event]:
        """Return the newest bundle's events so far: of a type, and with these fields."""
        if not self.bundles:
            return []
        events = read_events(self.bundles[-1] / "events.jsonl", type_)
        return [event for event in events if fields.items() <= event.items()]

    async def wait_for(self, type_: str, *, count: int = 1, **fields: object) -> list[Event]:
        """Wait until the newest bundle has `count` such events, and return them."""
        await until(
            lambda: len(self.events(type_, **fields)) >= count or self.process.poll() is not None,
            f"{count} {type_} {fields or ''}",
            self.said,
        )
        found = self.events(type_, **fields)
        assert len(found) >= count, self.said()
        return found

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def exit_status(self) -> int:
        """Wait until it has ended."""
        await until(lambda: self.process.poll() is not None, "the recorder ends", self.said)
        return self.process.wait()


@contextmanager
def start_recorder(
    directory: Path, livekit: LiveKitAccess, room: str, *options: str, grace: str = "1s"
) -> Iterator[Recorder]:
    """Record a room with these options."""
    directory.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "meetctl", "record", room, "--sessions", str(directory / "sessions")]
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(directory),
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
    }
    with (directory / "out").open("wb") as out, (directory / "err").open("wb") as err:
        process = subprocess.Popen(
            [*command, "--grace", grace, *options],
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        try:
            yield Recorder(process=process, directory=directory)
        finally:
            process.kill()
            process.wait()


@dataclass(slots=True, kw_only=True)
class Guest:
    """Somebody in a room who only looks at what LiveKit shows to everybody."""

    room: rtc.Room
    chat: list[str] = field(default_factory=list)

    @property
    def others(self) -> list[str]:
        """Whom the guest sees."""
        return sorted(self.room.remote_participants)


@asynccontextmanager
async def visit(livekit: LiveKitAccess, room: str, identity: str) -> AsyncIterator[Guest]:
    """Be in a room as somebody who reads the chat."""
    guest = Guest(room=rtc.Room())

    def read(reader: rtc.TextStreamReader, _: str) -> None:
        async def note() -> None:
            guest.chat.append(await reader.read_all())

        tasks.add(asyncio.create_task(note()))

    tasks: set[asyncio.Task[None]] = set()
    guest.room.register_text_stream_handler(CHAT, read)
    await guest.room.connect(livekit.url, mint_token(livekit, room, identity, identity.title()))
    try:
        yield guest
    finally:
        await guest.room.disconnect()


@asynccontextmanager
async def open_api(livekit: LiveKitAccess) -> AsyncIterator[api.LiveKitAPI]:
    """Administer the server."""
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as client:
        yield client


async def recorder_identities(livekit: LiveKitAccess, room: str) -> list[str]:
    """Return by which names recorders are in a room, which only the server tells."""
    async with open_api(livekit) as client:
        found = await client.room.list_participants(api.ListParticipantsRequest(room=room))
    return [one.identity for one in found.participants if one.identity.startswith("meetctl-recorder-")]
