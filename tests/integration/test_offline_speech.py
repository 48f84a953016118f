"""Deepgram's, Cartesia's and Rime's protocols offline, spoken by livekit's own plugins."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import numpy as np
import pytest
from livekit.agents import APIConnectOptions, stt, tokenize
from livekit.plugins import cartesia, deepgram, rime
from tests.offline_server import (
    RATE_HZ,
    OfflineServer,
    run_with_session,
    running_offline_server,
    say,
    to_frames,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from livekit.agents import tts

ONCE = APIConnectOptions(max_retry=0, timeout=30.0)
QUESTION = "How many pictures did you get?"
TEXT = "I got 3 pictures, the last of 1280 by 720 pixels. Goodbye."
QUIET = 100
"""Loudness that no speech is below."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfflineServer]:
    with running_offline_server(tmp_path_factory.mktemp("offline")) as running:
        yield running


@pytest.fixture(scope="module")
def question() -> npt.NDArray[np.int16]:
    return say(QUESTION)


def listener(server: OfflineServer, session: aiohttp.ClientSession, **options: Any) -> deepgram.STT:
    return deepgram.STT(api_key="any", base_url=f"{server.url}/v1/listen", http_session=session, **options)


async def hear(
    client: deepgram.STT, sounds: npt.NDArray[np.int16], *, until_end: bool = True
) -> list[stt.SpeechEvent]:
    """Let the plugin hear a sound, and return its events up to the end of speech or of the stream."""
    events = []
    async with client.stream(conn_options=ONCE) as stream:
        for frame in to_frames(sounds):
            stream.push_frame(frame)
        if not until_end:
            stream.end_input()
        async for event in stream:
            events.append(event)
            if until_end and event.type == stt.SpeechEventType.END_OF_SPEECH:
                break
    return events


def test_listening_gives_interim_and_final_transcripts_in_order(
    server: OfflineServer, question: npt.NDArray[np.int16]
) -> None:
    before = server.usage("deepgram", "listen").get("audio_s", 0.0)

    async def use(session: aiohttp.ClientSession) -> None:
        events = await hear(listener(server, session), question)
        kinds = [event.type for event in events if event.type != stt.SpeechEventType.RECOGNITION_USAGE]
        assert kinds[0] == stt.SpeechEventType.START_OF_SPEECH
        assert kinds[1:-2] == [stt.SpeechEventType.INTERIM_TRANSCRIPT] * (len(kinds) - 3)
        assert len(kinds) > 3
        assert kinds[-2:] == [stt.SpeechEventType.FINAL_TRANSCRIPT, stt.SpeechEventType.END_OF_SPEECH]
        final = next(event for event in events if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT)
        heard = final.alternatives[0]
        assert heard.text == QUESTION
        assert heard.words is not None
        assert [str(word) for word in heard.words] == QUESTION.split()
        assert 1.0 < heard.start_time < heard.end_time < len(question) / RATE_HZ - 0.8
        interim = [
            event.alternatives[0].text
            for event in events
            if event.type == stt.SpeechEventType.INTERIM_TRANSCRIPT
        ]
        assert QUESTION.lower().startswith(interim[-1].lower().split()[0])

    run_with_session(use)
    heard_s = server.usage("deepgram", "listen")["audio_s"] - before
    assert heard_s == pytest.approx(len(question) / RATE_HZ, abs=0.1)


def test_two_conversations_at_once_do_not_mix(server: OfflineServer) -> None:
    texts = ["Please stop talking.", "Thank you, that is all. Goodbye."]
    sounds = [say(text) for text in texts]

    async def use(session: aiohttp.ClientSession) -> None:
        heard = await asyncio.gather(*(hear(listener(server, session), sound) for sound in sounds))
        finals = [
            [e.alternatives[0].text for e in events if e.type == stt.SpeechEventType.FINAL_TRANSCRIPT]
            for events in heard
        ]
        assert finals == [[text] for text in texts]

    run_with_session(use)


def test_each_utterance_of_a_stream_is_its_own(server: OfflineServer) -> None:
    texts = ["Hello, can you see my screen?", "What has changed on the slide?"]
    sound = np.concatenate([say(text) for text in texts])

    async def use(session: aiohttp.ClientSession) -> None:
        events = await hear(listener(server, session), sound, until_end=False)
        finals = [e.alternatives[0] for e in events if e.type == stt.SpeechEventType.FINAL_TRANSCRIPT]
        assert [final.text for final in finals] == texts
        assert finals[0].end_time < finals[1].start_time

    run_with_session(use)


def test_end_of_input_finalizes_what_is_being_said(
    server: OfflineServer, question: npt.NDArray[np.int16]
) -> None:
    spoken = question[: -round(1.15 * RATE_HZ)]

    async def use(session: aiohttp.ClientSession) -> None:
        events = await hear(listener(server, session), spoken, until_end=False)
        finals = [e.alternatives[0].text for e in events if e.type == stt.SpeechEventType.FINAL_TRANSCRIPT]
        assert finals == [QUESTION]

    run_with_session(use)


def test_other_english_is_recognized_freely(server: OfflineServer) -> None:
    sound = say("I would like to talk about something else entirely")

    async def use(session: aiohttp.ClientSession) -> None:
        events = await hear(listener(server, session), sound)
        text = next(e.alternatives[0].text for e in events if e.type == stt.SpeechEventType.FINAL_TRANSCRIPT)
        assert text.startswith("I would like to")
        assert text.endswith("something else entirely.")

    run_with_session(use)


def test_noise_and_silence_are_no_speech(server: OfflineServer) -> None:
    noise = np.random.default_rng(seed=4).normal(0, 40, 3 * RATE_HZ).astype(np.int16)

    async def use(session: aiohttp.ClientSession) -> None:
        events = await hear(listener(server, session), noise, until_end=False)
        assert {event.type for event in events} <= {stt.SpeechEventType.RECOGNITION_USAGE}

    run_with_session(use)


def test_wire_has_utterance_end_and_closing_metadata(
    server: OfflineServer, question: npt.NDArray[np.int16]
) -> None:
    query = "encoding=linear16&sample_rate=16000&vad_events=true&utterance_end_ms=1000&endpointing=25"

    async def use(session: aiohttp.ClientSession) -> None:
        url = f"{server.websocket_url}/v1/listen?{query}"
        async with session.ws_connect(url, headers={"Authorization": "Token any"}) as socket:
            await socket.send_json({"type": "KeepAlive"})
            for start in range(0, len(question), 800):
                await socket.send_bytes(question[start : start + 800].tobytes())
            await socket.send_json({"type": "Finalize"})
            await socket.send_json({"type": "CloseStream"})
            messages = [message.json() async for message in socket]
        assert [message["type"] for message in messages] == [
            *("SpeechStarted", "Results", "UtteranceEnd", "Results", "Metadata")
        ]
        final, flushed = (message for message in messages if message["type"] == "Results")
        assert final["channel"]["alternatives"][0]["transcript"] == QUESTION.lower().rstrip("?")
        assert flushed["from_finalize"] is True
        assert flushed["channel"]["alternatives"][0]["transcript"] == ""
        assert messages[-1]["duration"] == pytest.approx(len(question) / RATE_HZ)

    run_with_session(use)


@pytest.mark.parametrize(
    "query", ["", "encoding=opus", "encoding=linear16", "encoding=linear16&sample_rate=x"]
)
def test_listening_refuses_what_it_cannot_hear(server: OfflineServer, query: str) -> None:
    status, document = server.ask("GET", f"/v1/listen?{query}")
    assert status == 400
    assert document["err_code"] == "INVALID_QUERY_PARAMETER"


def test_whole_recording_is_recognized(server: OfflineServer, question: npt.NDArray[np.int16]) -> None:
    async def use(session: aiohttp.ClientSession) -> None:
        event = await listener(server, session).recognize(to_frames(question), conn_options=ONCE)
        assert event.alternatives[0].text == QUESTION

    run_with_session(use)


async def speak(client: tts.TTS[Any], *pieces: str) -> tuple[npt.NDArray[np.int16], list[Any]]:
    """Return what a plugin makes of a text that comes in pieces, and the words that it gives times for."""
    samples, words = [], []
    async with client.stream(conn_options=ONCE) as stream:
        for piece in pieces:
            stream.push_text(piece)
        stream.end_input()
        async for audio in stream:
            samples.append(np.frombuffer(audio.frame.data, np.int16))
            words += audio.frame.userdata.get("lk.timed_transcripts", [])
    return np.concatenate(samples), words


def duration_s(samples: npt.NDArray[np.int16], rate_hz: int) -> float:
    assert np.abs(samples).max() > QUIET
    return len(samples) / rate_hz


def test_cartesia_speaks_a_text_that_comes_in_pieces(server: OfflineServer) -> None:
    before = server.usage("cartesia", "websocket")

    async def use(session: aiohttp.ClientSession) -> None:
        client = cartesia.TTS(api_key="any", base_url=server.url, http_session=session)
        samples, words = await speak(client, TEXT[:12], TEXT[12:])
        assert 4.0 < duration_s(samples, 24_000) < 8.0
        assert "".join(str(word) for word in words).split() == TEXT.split()
        assert [word.start_time for word in words] == sorted(word.start_time for word in words)
        # The socket is kept for the next sentence, which is a context of its own.
        again, _ = await speak(client, "Goodbye.")
        assert 0.3 < duration_s(again, 24_000) < 1.5
        await client.aclose()

    run_with_session(use)
    used = server.usage("cartesia", "websocket")
    assert used["connections"] - before.get("connections", 0) == 1
    assert used["contexts"] - before.get("contexts", 0) == 2
    assert used["characters"] - before.get("characters", 0) >= len(TEXT) + len("Goodbye.")


def test_cartesia_contexts_of_one_socket_flush_and_end_by_themselves(server: OfflineServer) -> None:
    output = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000}
    base = {"model_id": "sonic-3", "voice": {"mode": "id", "id": "v"}, "output_format": output}

    async def use(session: aiohttp.ClientSession) -> None:
        url = f"{server.websocket_url}/tts/websocket?api_key=any&cartesia_version=2025-04-16"
        async with session.ws_connect(url) as socket:
            await socket.send_json(base | {"context_id": "a", "transcript": "One and", "continue": True})
            await socket.send_json(base | {"context_id": "b", "transcript": "Two.", "continue": False})
            await socket.send_json(
                base | {"context_id": "a", "transcript": " so on", "continue": True, "flush": True}
            )
            await socket.send_json(base | {"context_id": "a", "transcript": "", "continue": False})
            await socket.send_json({"context_id": "c", "transcript": "No model", "continue": False})
            ends: dict[str, int] = {}
            kinds: dict[str, list[str]] = {"a": [], "b": [], "c": []}
            while len(ends) < 3:
                message = await socket.receive_json(timeout=30)
                kinds[message["context_id"]].append(message["type"])
                if message["done"]:
                    ends[message["context_id"]] = message["status_code"]
        assert ends == {"a": 200, "b": 200, "c": 400}
        assert kinds["c"] == ["error"]
        assert kinds["a"].index("flush_done") > kinds["a"].index("chunk")
        assert "chunk" in kinds["b"]

    run_with_session(use)


def test_cartesia_sends_bytes(server: OfflineServer) -> None:
    async def use(session: aiohttp.ClientSession) -> None:
        client = cartesia.TTS(api_key="any", base_url=server.url, http_session=session, sample_rate=16_000)
        frame = await client.synthesize(TEXT, conn_options=ONCE).collect()
        assert 4.0 < duration_s(np.frombuffer(frame.data, np.int16), 16_000) < 8.0
        await client.aclose()

    run_with_session(use)


def test_rime_speaks_over_http(server: OfflineServer) -> None:
    async def use(session: aiohttp.ClientSession) -> None:
        client = rime.TTS(api_key="any", base_url=f"{server.url}/v1/rime-tts", http_session=session)
        frame = await client.synthesize(TEXT, conn_options=ONCE).collect()
        assert 4.0 < duration_s(np.frombuffer(frame.data, np.int16), client.sample_rate) < 8.0
        await client.aclose()

    run_with_session(use)
    assert server.usage("rime", "http")["characters"] >= len(TEXT)


def test_rime_speaks_over_its_older_websocket(server: OfflineServer) -> None:
    async def use(session: aiohttp.ClientSession) -> None:
        client = rime.TTS(api_key="any", base_url=server.websocket_url, http_session=session)
        samples, words = await speak(client, TEXT)
        assert 4.0 < duration_s(samples, client.sample_rate) < 8.0
        assert "".join(str(word) for word in words).split() == TEXT.split()
        await client.aclose()

    run_with_session(use)


@pytest.mark.parametrize("protocol", ["binary", "json"])
def test_rime_speaks_over_its_newer_websocket(server: OfflineServer, protocol: Any) -> None:
    async def use(session: aiohttp.ClientSession) -> None:
        client = rime.TTS(
            websocket_url=f"{server.websocket_url}/ws",
            websocket_protocol=protocol,
            model="coda",
            api_key="any",
            http_session=session,
            tokenizer=tokenize.basic.SentenceTokenizer(),
        )
        samples, _ = await speak(client, TEXT)
        assert 4.0 < duration_s(samples, client.sample_rate) < 8.0
        again, _ = await speak(client, "Goodbye.")
        assert 0.3 < duration_s(again, client.sample_rate) < 1.5
        await client.aclose()

    run_with_session(use)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/listen?encoding=linear16&sample_rate=16000", 401),
        ("GET", "/tts/websocket", 401),
        ("GET", "/ws3", 401),
        ("GET", "/ws", 401),
    ],
)
def test_connection_without_a_key_is_refused(
    server: OfflineServer, method: str, path: str, status: int
) -> None:
    async def use(session: aiohttp.ClientSession) -> None:
        async with session.request(method, server.url + path) as response:
            assert response.status == status

    run_with_session(use)
