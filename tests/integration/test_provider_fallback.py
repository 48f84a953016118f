"""Real plugins against the offline providers: who fails is replaced, and is back when it works again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from livekit.agents import llm
from livekit.agents.utils import http_context
from tests.agent_settings import make_settings
from tests.offline_server import OfflineServer, running_offline_server

from meetctl.agent.speech import choose_voice, prepare_speech
from meetctl.core.config import OFFLINE_VARIABLE, Sources, find_provider, read_values

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from meetctl.agent.providers import ProviderChange
    from meetctl.agent.speech import Speech

TEXT = "Hello there. How are you today?"
LIMIT_S = 60
"""After this something is taken for hung; no test measures time by it."""


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfflineServer]:
    with running_offline_server(tmp_path_factory.mktemp("offline")) as running:
        yield running


def make_speech(server: OfflineServer) -> Speech:
    sources = Sources(values=read_values({OFFLINE_VARIABLE: server.url}))
    settings = replace(
        make_settings(),
        llm=find_provider("openai", "gpt-4.1", sources),
        llm_fallbacks=(find_provider("openai", "gpt-4.1-mini", sources),),
        tts=find_provider("cartesia", "sonic-3", sources),
        premium_tts=find_provider("rime", "coda", sources),
    )
    return prepare_speech(settings).with_voices(choose_voice(settings, allowed=True))


class Changes:
    """What was told of providers, to be waited for."""

    def __init__(self, speech: Speech) -> None:
        self._told: asyncio.Queue[ProviderChange] = asyncio.Queue()
        speech.follow(self._told.put_nowait)

    async def next(self) -> tuple[str, str, str | None]:
        async with asyncio.timeout(LIMIT_S):
            change = await self._told.get()
        return change.kind, change.provider.model, change.instead.model if change.instead else None


def run_in_job(test: Coroutine[Any, Any, None]) -> None:
    """Run it with the HTTP session that plugins find in a job's process."""

    async def run() -> None:
        async with http_context.open():
            await test

    asyncio.run(run())


async def speak(speech: Speech) -> float:
    options = speech.connect_options.tts_conn_options
    async with speech.tts.stream(conn_options=options) as stream:
        stream.push_text(TEXT)
        stream.end_input()
        return sum([audio.frame.duration async for audio in stream])


async def ask(speech: Speech) -> str:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="Please stop talking.")
    options = speech.connect_options.llm_conn_options
    async with speech.llm.chat(chat_ctx=context, conn_options=options) as stream:
        return (await stream.collect()).text


def test_cartesia_speaks_while_rime_fails(server: OfflineServer) -> None:
    async def run() -> None:
        speech = make_speech(server)
        changes = Changes(speech)
        assert await speak(speech) > 1
        server.break_provider("rime", "503")
        assert await speak(speech) > 1
        assert await changes.next() == ("provider.degraded", "coda", "sonic-3")
        assert server.usage("cartesia", "websocket")["characters"] >= len(TEXT)
        server.ask("DELETE", "/faults")
        assert await speak(speech) > 1
        assert await changes.next() == ("provider.recovered", "coda", None)
        await speech.close()

    run_in_job(run())


def test_the_next_model_answers_while_the_first_fails(server: OfflineServer) -> None:
    async def run() -> None:
        speech = make_speech(server)
        changes = Changes(speech)
        server.break_provider("openai", "503", count=1)
        assert await ask(speech)
        assert speech.models.answering.model == "gpt-4.1-mini"
        assert await changes.next() == ("provider.degraded", "gpt-4.1", "gpt-4.1-mini")
        assert await changes.next() == ("provider.recovered", "gpt-4.1", None)
        assert await ask(speech)
        assert speech.models.answering.model == "gpt-4.1"
        await speech.close()

    run_in_job(run())
