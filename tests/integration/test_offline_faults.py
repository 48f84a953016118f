"""What livekit's plugins make of the faults that the offline providers can have."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APIError, APIStatusError, llm, stt
from livekit.plugins import cartesia, deepgram, openai, rime
from tests.offline_server import OfflineServer, run_with_session, running_offline_server, say, to_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from livekit.agents import tts

ONCE = APIConnectOptions(max_retry=0, timeout=30.0)
IMPATIENT = APIConnectOptions(max_retry=0, timeout=1.0)
TWICE = APIConnectOptions(max_retry=1, retry_interval=0.01, timeout=30.0)
TEXT = "Hello there. How are you today?"
PHRASE = "Please stop talking."


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfflineServer]:
    with running_offline_server(tmp_path_factory.mktemp("offline")) as server:
        yield server


@pytest.fixture
def server(running: OfflineServer) -> OfflineServer:
    running.ask("DELETE", "/faults")
    return running


def hits(server: OfflineServer) -> list[int]:
    return [fault["hits"] for fault in server.ask("GET", "/faults")[1]["faults"]]


def converse(server: OfflineServer, options: APIConnectOptions) -> str:
    async def run() -> str:
        client = openai.LLM(model="gpt-4.1", api_key="any", base_url=f"{server.url}/v1")
        chat = llm.ChatContext.empty()
        chat.add_message(role="user", content="Please stop talking.")
        try:
            async with client.chat(chat_ctx=chat, conn_options=options) as stream:
                return (await stream.collect()).text
        finally:
            await client.aclose()

    return asyncio.run(run())


def speak(client: tts.TTS[Any], options: APIConnectOptions) -> Any:
    async def run() -> int:
        size = 0
        try:
            if client.capabilities.streaming:
                async with client.stream(conn_options=options) as stream:
                    stream.push_text(TEXT)
                    stream.end_input()
                    async for audio in stream:
                        size += audio.frame.samples_per_channel
            else:
                async with client.synthesize(TEXT, conn_options=options) as whole:
                    async for audio in whole:
                        size += audio.frame.samples_per_channel
        finally:
            await client.aclose()
        return size

    return run()


@pytest.mark.parametrize("kind", ["429", "500", "503"])
def test_model_refuses_with_a_status(server: OfflineServer, kind: str) -> None:
    server.break_provider("openai", kind, count=1)
    with pytest.raises(APIStatusError) as caught:
        converse(server, ONCE)
    assert caught.value.status_code == int(kind)
    assert converse(server, ONCE) != ""
    assert hits(server) == [1]


def test_429_says_when_to_come_back(server: OfflineServer) -> None:
    server.break_provider("openai", "429", retry_after_s=7)

    async def use(session: aiohttp.ClientSession) -> None:
        url = f"{server.url}/v1/chat/completions"
        async with session.post(url, headers={"Authorization": "Bearer any"}, json={}) as response:
            assert response.status == 429
            assert response.headers["Retry-After"] == "7"
            assert (await response.json())["error"]["code"] == "rate_limit_exceeded"

    run_with_session(use)


def test_plugin_recovers_from_a_fault_by_trying_again(server: OfflineServer) -> None:
    server.break_provider("openai", "500", count=1)
    assert converse(server, TWICE) != ""
    assert hits(server) == [1]


def test_share_hits_the_first_request_and_then_evenly(server: OfflineServer) -> None:
    server.break_provider("openai", "503", share=0.5)
    body = {"model": "any", "input": "text"}
    statuses = [server.ask("POST", "/v1/embeddings", body)[0] for _ in range(6)]
    assert statuses == [503, 200] * 3


def test_model_drops_in_the_middle_of_its_answer(server: OfflineServer) -> None:
    server.break_provider("openai", "drop")
    with pytest.raises(APIConnectionError):
        converse(server, ONCE)
    assert hits(server) == [1]


def test_model_stalls_in_the_middle_of_its_answer(server: OfflineServer) -> None:
    server.break_provider("openai", "stall", stall_s=600)
    with pytest.raises(APIError):
        converse(server, IMPATIENT)


def test_slow_model_answers_all_the_same(server: OfflineServer) -> None:
    server.break_provider("openai", "slow", delay_s=0.1, chunk_delay_s=0.01)
    assert converse(server, ONCE) != ""
    server.ask("DELETE", "/faults")
    server.break_provider("openai", "slow", delay_s=600)
    with pytest.raises(APIError):
        converse(server, IMPATIENT)


def cartesia_client(server: OfflineServer, session: aiohttp.ClientSession) -> tts.TTS[Any]:
    return cartesia.TTS(api_key="any", base_url=server.url, http_session=session)


def rime_http_client(server: OfflineServer, session: aiohttp.ClientSession) -> tts.TTS[Any]:
    return rime.TTS(api_key="any", base_url=f"{server.url}/v1/rime-tts", http_session=session)


def rime_ws3_client(server: OfflineServer, session: aiohttp.ClientSession) -> tts.TTS[Any]:
    return rime.TTS(api_key="any", base_url=server.websocket_url, http_session=session)


def rime_v1_client(server: OfflineServer, session: aiohttp.ClientSession) -> tts.TTS[Any]:
    return rime.TTS(
        websocket_url=f"{server.websocket_url}/ws", model="coda", api_key="any", http_session=session
    )


VOICES = [
    pytest.param("cartesia", cartesia_client, id="cartesia"),
    pytest.param("rime", rime_http_client, id="rime-http"),
    pytest.param("rime", rime_ws3_client, id="rime-ws3"),
    pytest.param("rime", rime_v1_client, id="rime-v1"),
]


@pytest.mark.parametrize(
    ("provider", "make", "kind", "options"),
    [
        pytest.param(*voice.values, kind, options, id=f"{voice.id}-{kind}")
        for voice in VOICES
        for kind, options in (("500", ONCE), ("429", ONCE), ("drop", ONCE), ("stall", IMPATIENT))
        # The plugin gives a whole answer over HTTP minutes, whatever its timeout is.
        if (voice.id, kind) != ("rime-http", "stall")
    ],
)
def test_speech_fails_and_then_works_again(
    server: OfflineServer,
    provider: str,
    make: Callable[[OfflineServer, aiohttp.ClientSession], tts.TTS[Any]],
    kind: str,
    options: APIConnectOptions,
) -> None:
    server.break_provider(provider, kind, count=1, stall_s=600)

    async def use(session: aiohttp.ClientSession) -> None:
        with pytest.raises(APIError):
            await speak(make(server, session), options)
        assert await speak(make(server, session), ONCE) > 24_000

    run_with_session(use)
    assert hits(server) == [1]


@pytest.mark.parametrize(("provider", "make"), VOICES)
def test_slow_speech_arrives_all_the_same(
    server: OfflineServer,
    provider: str,
    make: Callable[[OfflineServer, aiohttp.ClientSession], tts.TTS[Any]],
) -> None:
    server.break_provider(provider, "slow", delay_s=0.1, chunk_delay_s=0.01)

    async def use(session: aiohttp.ClientSession) -> None:
        assert await speak(make(server, session), ONCE) > 24_000

    run_with_session(use)
    assert hits(server) == [1]


async def hear(server: OfflineServer, session: aiohttp.ClientSession, options: APIConnectOptions) -> str:
    client = deepgram.STT(api_key="any", base_url=f"{server.url}/v1/listen", http_session=session)
    async with client.stream(conn_options=options) as stream:
        for frame in to_frames(say(PHRASE)):
            stream.push_frame(frame)
        async for event in stream:
            if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT:
                return event.alternatives[0].text
    return ""


@pytest.mark.parametrize("kind", ["429", "500", "drop"])
def test_listening_fails_and_then_works_again(server: OfflineServer, kind: str) -> None:
    server.break_provider("deepgram", kind, count=1)

    async def use(session: aiohttp.ClientSession) -> None:
        with pytest.raises(APIError):
            await hear(server, session, ONCE)
        assert await hear(server, session, ONCE) == PHRASE

    run_with_session(use)
    assert hits(server) == [1]


@pytest.mark.parametrize(("kind", "settings"), [("slow", {"delay_s": 0.3}), ("stall", {"stall_s": 0.3})])
def test_late_transcripts_arrive_all_the_same(
    server: OfflineServer, kind: str, settings: dict[str, float]
) -> None:
    server.break_provider("deepgram", kind, **settings)

    async def use(session: aiohttp.ClientSession) -> None:
        assert await hear(server, session, ONCE) == PHRASE

    run_with_session(use)
    assert hits(server) == [1]


def test_stalled_listening_says_nothing_more(server: OfflineServer) -> None:
    server.break_provider("deepgram", "stall", stall_s=600)

    async def use(session: aiohttp.ClientSession) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(hear(server, session, ONCE), 2)

    run_with_session(use)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"provider": "nobody", "kind": "429"}, "'nobody'"),
        ({"provider": "openai", "kind": "418"}, "'418'"),
        ({"provider": "openai", "kind": "429", "share": 2}, "share"),
        ({"provider": "openai", "kind": "429", "colour": 2}, "'colour'"),
        ([], "JSON object"),
    ],
)
def test_wrong_fault_is_refused(server: OfflineServer, fault: object, message: str) -> None:
    status, answer = server.ask("POST", "/faults", fault)
    assert status == 400
    assert message in answer["error"]
    assert server.ask("GET", "/faults")[1] == {"faults": []}


def run_command(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "meetctl", "offline-providers", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "fault", ["nobody:429", "openai:418", "openai", "openai:429:share", "openai:429:count=0"]
)
def test_wrong_fault_option_is_wrong_usage(fault: str) -> None:
    done = run_command("--fault", fault)
    assert done.returncode == 2
    assert done.stderr.startswith(f"meetctl: --fault {fault}: ")


def test_taken_port_and_unknown_word_are_wrong_usage(server: OfflineServer, tmp_path: Path) -> None:
    port = server.url.rpartition(":")[2]
    taken = run_command("--port", port)
    assert (taken.returncode, f"--port {port}" in taken.stderr) == (2, True)
    phrases = tmp_path / "phrases.txt"
    phrases.write_text("Hello qwrtz\n", encoding="utf-8")
    unknown = run_command("--phrases", str(phrases))
    assert (unknown.returncode, "'qwrtz'" in unknown.stderr) == (2, True)
    assert len(unknown.stderr.splitlines()) == 2


@pytest.mark.parametrize("package", ["espeakng_loader", "pocketsphinx"])
def test_missing_package_of_the_extra_is_one_clear_line(tmp_path: Path, package: str) -> None:
    (tmp_path / f"{package}.py").write_text("raise ImportError\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "meetctl", "offline-providers"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 2
    assert "which is not installed" in done.stderr
    assert "meetctl[local]" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_faults_of_the_command_line_are_in_force_and_an_interrupt_ends_all(tmp_path: Path) -> None:
    fault = "openai:429:share=0.5:count=3"
    with running_offline_server(tmp_path, "--fault", fault, end_by=signal.SIGINT) as server:
        shown = server.ask("GET", "/faults")[1]["faults"][0]
    assert (shown["provider"], shown["kind"], shown["share"], shown["count"]) == ("openai", "429", 0.5, 3)
