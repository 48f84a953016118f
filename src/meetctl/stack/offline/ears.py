"""Recognizers for the event loop: a few processes, each used by one request at a time."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any, Literal

from meetctl.errors import ServiceError, UsageError
from meetctl.stack.offline.recognition import HeardWord, Transcript

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meetctl.stack.offline.recognition import Samples

    Task = Literal["match", "guess", "transcribe"]

LONGEST_ANSWER = 1 << 20
"""Bytes; a transcript is some kilobytes at most."""
FAREWELL_S = 2.0


class Ears:
    """Understands several conversations at once; use it as an asynchronous context manager."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._phrases = list(phrases)
        self._idle: list[asyncio.subprocess.Process] = []
        self._all: set[asyncio.subprocess.Process] = set()
        self._turns = asyncio.Semaphore(max(2, os.cpu_count() or 1))

    async def __aenter__(self) -> Ears:
        """Start the first recognizer.

        Raises:
            UsageError: pocketsphinx is not installed, or its dictionary lacks a word of a phrase.
        """
        self._idle.append(await self._start())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """End every recognizer."""
        await asyncio.gather(*(self._end(process) for process in tuple(self._all)))

    async def match_phrase(self, samples: Samples) -> Transcript | None:
        """Return the phrase that was said from start to end; None when it was none of them.

        Raises:
            ServiceError: The recognizer died of it.
        """
        return await self._ask("match", samples)

    async def guess(self, samples: Samples) -> Transcript:
        """Return the best reading of speech that still goes on.

        Raises:
            ServiceError: The recognizer died of it.
        """
        return await self._ask("guess", samples) or Transcript(words=(), confidence=0.0)

    async def transcribe(self, samples: Samples) -> Transcript:
        """Return the phrase that was said, or whatever the language model makes of it.

        Raises:
            ServiceError: The recognizer died of it.
        """
        return await self._ask("transcribe", samples) or Transcript(words=(), confidence=0.0)

    async def _ask(self, task: Task, samples: Samples) -> Transcript | None:
        async with self._turns:
            process = self._idle.pop() if self._idle else await self._start()
            try:
                answer = await self._exchange(process, task, samples.tobytes())
            except (ConnectionError, EOFError) as error:
                await self._end(process)
                raise ServiceError("the offline recognizer's process has ended") from error
            except asyncio.CancelledError:
                # Its answer is still to come and would be taken for the next request's.
                process.kill()
                self._all.discard(process)
                raise
            self._idle.append(process)
        return _read_transcript(answer["transcript"])

    async def _exchange(
        self, process: asyncio.subprocess.Process, task: Task, sound: bytes
    ) -> dict[str, Any]:
        if process.stdin is None:
            raise EOFError
        process.stdin.write(json.dumps({"task": task, "bytes": len(sound)}).encode() + b"\n" + sound)
        await process.stdin.drain()
        return await _read_answer(process)

    async def _start(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "meetctl.stack.offline.recognition_process"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_ANSWER,
        )
        self._all.add(process)
        try:
            if process.stdin is not None:
                process.stdin.write(json.dumps(self._phrases).encode() + b"\n")
                await process.stdin.drain()
            answer = await _read_answer(process)
        except (ConnectionError, EOFError) as error:
            await self._end(process)
            raise ServiceError("the offline recognizer could not be started") from error
        if "error" in answer:
            await self._end(process)
            raise UsageError(answer["error"], hint=answer["hint"])
        return process

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        self._all.discard(process)
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), FAREWELL_S)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _read_answer(process: asyncio.subprocess.Process) -> dict[str, Any]:
    line = await process.stdout.readline() if process.stdout is not None else b""
    if not line.endswith(b"\n"):
        raise EOFError
    answer: dict[str, Any] = json.loads(line)
    return answer


def _read_transcript(document: dict[str, Any] | None) -> Transcript | None:
    if document is None:
        return None
    words = tuple(HeardWord(**word) for word in document["words"])
    return Transcript(words=words, confidence=document["confidence"])
