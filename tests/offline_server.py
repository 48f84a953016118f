"""The offline providers as a process of their own, for tests that ask them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import numpy as np
import pytest
from livekit import rtc

from meetctl.stack.offline.audio import resample
from meetctl.stack.offline.voice import SpeechSynthesizer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt

START_TRY_S = 0.05
START_TRIES = 2400
END_LIMIT_S = 120
"""After this a process is taken for hung; no test measures time by it."""
RATE_HZ = 16_000


@dataclass(frozen=True)
class OfflineServer:
    """A running process; any key will do."""

    url: str
    process: subprocess.Popen[str]

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    def ask(self, method: str, path: str, body: object = None, key: str = "any") -> tuple[int, Any]:
        """Return the status and the JSON of an answer."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def usage(self, provider: str, operation: str) -> dict[str, float]:
        """Return what an operation has used so far; amounts of 0 where it was never asked for."""
        used: dict[str, float] = self.ask("GET", "/usage")[1].get(provider, {}).get(operation, {})
        return used

    def break_provider(self, provider: str, kind: str, **settings: float) -> None:
        """Put a fault in force."""
        status, answer = self.ask("POST", "/faults", {"provider": provider, "kind": kind, **settings})
        assert status == 201, answer


@contextmanager
def running_offline_server(
    directory: Path, *options: str, end_by: signal.Signals = signal.SIGTERM
) -> Iterator[OfflineServer]:
    """Start the process, wait until it serves, and end it; it must end well and say nothing."""
    ready_file = directory / "ready.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "meetctl", "offline-providers", "--ready-file", str(ready_file), *options],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(START_TRIES):
            if ready_file.exists() or process.poll() is not None:
                break
            time.sleep(START_TRY_S)
        if not ready_file.exists():
            process.kill()
            pytest.fail(f"the offline providers did not start: {process.communicate()[1]}")
        yield OfflineServer(json.loads(ready_file.read_text())["url"], process)
        process.send_signal(end_by)
        errors = process.communicate(timeout=END_LIMIT_S)[1]
        expected = 130 if end_by is signal.SIGINT else 0
        assert (process.returncode, errors, ready_file.exists()) == (expected, "", False)
    finally:
        process.kill()
        process.communicate()


def run_with_session(use: Callable[[aiohttp.ClientSession], Awaitable[None]]) -> None:
    """Run a coroutine that needs an HTTP session, as plugins do outside a job."""
    import asyncio

    async def run() -> None:
        async with aiohttp.ClientSession() as session:
            await use(session)

    asyncio.run(run())


def say(text: str, *, silence_s: float = 1.2) -> npt.NDArray[np.int16]:
    """Return what a microphone at `RATE_HZ` hears of a person who says `text`, and silence around it."""
    with SpeechSynthesizer() as synthesizer:
        spoken = synthesizer.speak(text, voice="en-us+f3", rate=160, pitch=50)
        sound = resample(spoken, synthesizer.sample_rate, RATE_HZ)
    silence = np.zeros(round(silence_s * RATE_HZ), np.int16)
    return np.concatenate([silence, sound, silence])


def to_frames(samples: npt.NDArray[np.int16]) -> list[rtc.AudioFrame]:
    """Cut sound into the frames that a room delivers."""
    size = RATE_HZ // 50
    return [
        rtc.AudioFrame(samples[start : start + size].tobytes(), RATE_HZ, 1, size)
        for start in range(0, len(samples) - size + 1, size)
    ]
