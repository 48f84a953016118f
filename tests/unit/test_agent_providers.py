"""Providers that fail are replaced, said so, tried again, and metered under their own names."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from livekit.agents import APIConnectionError, llm
from livekit.agents.llm import CompletionUsage
from tests.fakes.clock import ManualClock, run_virtually
from tests.fakes.event_sink import InMemoryEventSink
from tests.fakes.language_model import Answer, ScriptedModel
from tests.fakes.price_book import InMemoryPriceBook
from tests.fakes.voice import ScriptedVoice

from meetctl.agent.journal import MeetingJournal
from meetctl.agent.metering import meter_speech
from meetctl.agent.providers import ProviderChange, Providers
from meetctl.agent.speech import Speech, join_models, join_voices
from meetctl.agent.usage import UsageMeter
from meetctl.core.config import ProviderAccess

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.agents import stt, tts

FIRST = ProviderAccess(name="openai", model="gpt-4.1", api_key="k")
SECOND = ProviderAccess(name="openai", model="gpt-4.1-mini", api_key="k")
RIME = ProviderAccess(name="rime", model="coda", api_key="k")
CARTESIA = ProviderAccess(name="cartesia", model="sonic-3", api_key="k", is_offline=True)
USAGE = CompletionUsage(completion_tokens=5, prompt_tokens=900, prompt_cached_tokens=100, total_tokens=905)
FAILURE = APIConnectionError()


class NamedModel(ScriptedModel):
    """A scripted model with a name."""

    def __init__(self, model: str, *answers: Answer) -> None:
        super().__init__(*answers)
        self._model = model

    @property
    def model(self) -> str:
        return self._model


def make_models(first: list[Answer], second: list[Answer]) -> Providers[llm.LLM[Any]]:
    models: dict[ProviderAccess, llm.LLM[Any]] = {
        FIRST: NamedModel(FIRST.model, *first),
        SECOND: NamedModel(SECOND.model, *second),
    }
    return Providers("llm", models, join_models)


def make_voices(rime: ScriptedVoice, cartesia: ScriptedVoice) -> Providers[tts.TTS[Any]]:
    voices: dict[ProviderAccess, tts.TTS[Any]] = {RIME: rime, CARTESIA: cartesia}
    return Providers("tts", voices, join_voices)


def follow(providers: Providers[Any]) -> list[ProviderChange]:
    changes: list[ProviderChange] = []
    providers.follow(changes.append)
    return changes


async def wait_until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_true():  # noqa: ASYNC110  what is waited for sets no event
            await asyncio.sleep(0.01)


async def ask(models: Providers[llm.LLM[Any]]) -> str:
    text = ""
    async with models.model.chat(chat_ctx=llm.ChatContext.empty()) as stream:
        async for chunk in stream:
            text += (chunk.delta.content or "") if chunk.delta else ""
    return text


async def speak(voices: Providers[tts.TTS[Any]], text: str) -> float:
    """Speak as a session does: through a stream, though these voices take whole sentences."""
    async with voices.model.stream() as stream:
        stream.push_text(text)
        stream.end_input()
        return sum([audio.frame.duration async for audio in stream])


def test_a_single_provider_is_used_as_it_is() -> None:
    voice = ScriptedVoice("coda")
    voices = make_voices(voice, ScriptedVoice("sonic-3")).choose((RIME,))
    assert voices.model is voice
    assert voices.answering == RIME
    assert follow(voices) == []


def test_the_next_model_answers_for_one_that_fails() -> None:
    async def run() -> None:
        models = make_models([Answer(error=FAILURE), Answer(error=FAILURE)], [Answer(text="Hello.")])
        changes = follow(models)
        assert models.answering == FIRST
        assert await ask(models) == "Hello."
        assert models.answering == SECOND
        assert changes == [ProviderChange(use="llm", provider=FIRST, is_available=False, instead=SECOND)]
        await models.close()

    run_virtually(run())


def test_a_model_that_is_back_is_said_so_and_asked_first_again() -> None:
    async def run() -> None:
        back = [Answer(text="probe"), Answer(text="I am back.")]
        models = make_models([Answer(error=FAILURE), *back], [Answer(text="Hello.")])
        changes = follow(models)
        await ask(models)
        await wait_until(lambda: len(changes) == 2)
        assert changes[1] == ProviderChange(use="llm", provider=FIRST, is_available=True, instead=None)
        assert await ask(models) == "I am back."
        assert models.answering == FIRST

    run_virtually(run())


def test_when_all_models_have_failed_the_request_fails_and_nobody_is_instead() -> None:
    async def run() -> None:
        models = make_models([Answer(error=FAILURE)] * 2, [Answer(error=FAILURE)] * 2)
        changes = follow(models)
        with pytest.raises(APIConnectionError):
            await ask(models)
        assert [(change.provider, change.instead) for change in changes] == [(FIRST, SECOND), (SECOND, None)]

    run_virtually(run())


def test_a_voice_that_fails_twice_is_replaced_and_comes_back() -> None:
    async def run() -> None:
        rime, cartesia = ScriptedVoice("coda", fails=True), ScriptedVoice("sonic-3")
        voices = make_voices(rime, cartesia)
        changes = follow(voices)
        assert await speak(voices, "Hello.") > 0
        assert (rime.asked[:2], cartesia.asked) == (["Hello."] * 2, ["Hello."])
        assert [change.kind for change in changes] == ["provider.degraded"]
        rime.fails = False
        await speak(voices, "Again.")
        await wait_until(lambda: len(changes) == 2)
        assert changes[1].kind == "provider.recovered"
        await voices.close()

    run_virtually(run())


def test_one_that_cannot_be_closed_keeps_no_other_from_it() -> None:
    class Stuck(NamedModel):
        async def aclose(self) -> None:
            raise APIConnectionError

    class Closing(NamedModel):
        is_closed = False

        async def aclose(self) -> None:
            self.is_closed = True

    async def scene() -> None:
        closing = Closing(SECOND.model)
        models: dict[ProviderAccess, llm.LLM[Any]] = {FIRST: Stuck(FIRST.model), SECOND: closing}
        await Providers("llm", models, join_models).close()
        assert closing.is_closed

    asyncio.run(scene())


def test_the_order_decides_which_voices_speak() -> None:
    async def run() -> None:
        rime, cartesia = ScriptedVoice("coda"), ScriptedVoice("sonic-3")
        voices = make_voices(rime, cartesia).choose((CARTESIA, RIME))
        await speak(voices, "Hello.")
        assert (rime.asked, cartesia.asked) == ([], ["Hello."])

    run_virtually(run())


def test_a_change_is_journalled_with_who_bills() -> None:
    change = ProviderChange(use="tts", provider=RIME, is_available=False, instead=CARTESIA)
    assert change.kind == "provider.degraded"
    assert change.fields == {
        "use": "tts",
        "provider": "rime",
        "model": "coda",
        "instead": {"provider": "offline", "model": "sonic-3"},
    }


class Metered:
    """A session's speech whose use is journalled."""

    def __init__(self, models: Providers[llm.LLM[Any]], voices: Providers[tts.TTS[Any]]) -> None:
        clock = ManualClock()
        self.sink = InMemoryEventSink(clock=clock)
        usage = UsageMeter(MeetingJournal(self.sink), book=InMemoryPriceBook([], [], "v"), clock=clock)
        no_ears: dict[ProviderAccess, stt.STT[Any]] = {}
        ears: Providers[stt.STT[Any]] = Providers("stt", no_ears, lambda several: several[0])
        unused: Any = None
        meter_speech(Speech(ears=ears, models=models, voices=voices, vad=unused), usage, lambda: 4)

    def uses(self, kind: str) -> list[tuple[Any, ...]]:
        return [(fields["provider"], fields["model"], fields["turn"]) for fields in self.sink.fields(kind)]


def test_speech_is_metered_for_the_voice_that_spoke_and_for_one_that_is_tried() -> None:
    async def run() -> None:
        rime = ScriptedVoice("coda", fails=True)
        voices = make_voices(rime, ScriptedVoice("sonic-3"))
        metered = Metered(make_models([], []), voices)
        changes = follow(voices)
        await speak(voices, "Hello.")
        assert metered.uses("tts.usage") == [("offline", "sonic-3", 4)]
        rime.fails = False
        await speak(voices, "Again.")
        await wait_until(lambda: len(changes) == 2)
        assert sorted(metered.uses("tts.usage")) == [("offline", "sonic-3", 4)] * 2 + [("rime", "coda", 4)]

    run_virtually(run())


def test_a_request_that_finds_a_model_back_is_metered_once() -> None:
    async def run() -> None:
        models = make_models(
            [Answer(error=FAILURE), Answer(usage=USAGE), Answer(usage=USAGE)], [Answer(usage=USAGE)]
        )
        metered = Metered(models, make_voices(ScriptedVoice("coda"), ScriptedVoice("sonic-3")))
        changes = follow(models)
        await ask(models)
        await wait_until(lambda: len(changes) == 2)
        await ask(models)
        (probe,) = metered.sink.fields("llm.probe")
        assert (probe["provider"], probe["model"], probe["turn"]) == ("openai", "gpt-4.1", 4)
        assert (probe["input_tokens"], probe["cached_input_tokens"], probe["output_tokens"]) == (900, 100, 5)
        assert (probe["basis"], probe["outcome"]) == ("reported", "done")

    run_virtually(run())


def test_a_request_that_finds_a_model_still_failing_costs_nothing() -> None:
    async def run() -> None:
        models = make_models([Answer(error=FAILURE)] * 2, [Answer(usage=USAGE)])
        metered = Metered(models, make_voices(ScriptedVoice("coda"), ScriptedVoice("sonic-3")))
        first = models.members[0][1]
        assert isinstance(first, NamedModel)
        await ask(models)
        await wait_until(lambda: len(first.asked) == 2)
        assert metered.sink.fields("llm.probe") == []

    run_virtually(run())
