"""Which voices are tried in which order, and what recognition and voices are journalled and priced as."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest
from livekit import rtc
from livekit.agents.metrics import STTMetrics, TTSMetrics
from tests.agent_settings import make_settings
from tests.fakes.clock import ManualClock
from tests.fakes.event_sink import InMemoryEventSink
from tests.fakes.price_book import InMemoryPriceBook

from meetctl.agent.journal import MeetingJournal
from meetctl.agent.metering import meter_speech
from meetctl.agent.providers import Providers
from meetctl.agent.speech import Speech, choose_voice, join_models, join_voices, make_tts, prepare_speech
from meetctl.agent.usage import UsageMeter
from meetctl.core.config import ProviderAccess
from meetctl.domain.pricing import Price

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


CARTESIA = make_settings().tts
RIME = ProviderAccess(name="rime", model="coda", api_key="rime-key")


@pytest.mark.parametrize(
    ("allowed", "voices"), [(True, (RIME, CARTESIA)), (False, (CARTESIA,)), (None, (CARTESIA, RIME))]
)
def test_the_premium_voice_is_first_where_allowed_and_last_where_nobody_says(
    allowed: bool | None, voices: tuple[ProviderAccess, ...]
) -> None:
    assert choose_voice(replace(make_settings(), premium_tts=RIME), allowed) == voices


@pytest.mark.parametrize(
    ("allowed", "voices"), [(True, (RIME, CARTESIA)), (False, (CARTESIA,)), (None, (RIME, CARTESIA))]
)
def test_a_chosen_premium_voice_still_needs_to_be_allowed(
    allowed: bool | None, voices: tuple[ProviderAccess, ...]
) -> None:
    settings = replace(make_settings(), tts=RIME, premium_tts=RIME, tts_fallbacks=(CARTESIA,))
    assert choose_voice(settings, allowed) == voices


@pytest.mark.parametrize("allowed", [True, False, None])
def test_the_only_voice_is_used_whatever_is_allowed(allowed: bool | None) -> None:
    assert choose_voice(make_settings(), allowed) == (CARTESIA,)
    assert choose_voice(replace(make_settings(), tts=RIME, premium_tts=RIME), allowed) == (RIME,)


def test_the_voices_of_a_meeting_are_chosen_out_of_those_that_were_prepared() -> None:
    settings = replace(make_settings(), premium_tts=RIME)
    speech = prepare_speech(settings)
    allowed = speech.with_voices(choose_voice(settings, allowed=True))
    assert [access.name for access, _ in allowed.voices.members] == ["rime", "cartesia"]
    assert (allowed.tts.model, allowed.stt, allowed.llm) == ("coda", speech.stt, speech.llm)
    refused = speech.with_voices(choose_voice(settings, allowed=False))
    assert isinstance(refused.tts, type(make_tts(CARTESIA)))


def test_a_request_is_not_repeated_by_the_session_where_there_are_fallbacks() -> None:
    settings = make_settings()
    alone = prepare_speech(settings).connect_options
    assert (alone.llm_conn_options.max_retry, alone.tts_conn_options.max_retry) == (3, 3)
    mini = replace(settings.llm, model="gpt-4.1-mini")
    several = prepare_speech(replace(settings, premium_tts=RIME, llm_fallbacks=(mini,))).connect_options
    assert (several.llm_conn_options.max_retry, several.tts_conn_options.max_retry) == (0, 0)
    assert several.stt_conn_options.max_retry == 3


def price(provider: str, model: str, unit: str, usd: str) -> Price:
    return Price(
        provider=provider, model=model, unit=unit, usd=Decimal(usd), per=1, source="test", origin="test"
    )


PRICES = (
    price("deepgram", "nova-3", "minutes", "0.0048"),
    price("cartesia", "sonic-3", "characters", "0.00005"),
)


class Booth:
    """A session's ears and voice, which report what they used."""

    def __init__(self, prices: Sequence[Price] = PRICES) -> None:
        clock = ManualClock()
        self.sink = InMemoryEventSink(clock=clock)
        self.usage = UsageMeter(
            MeetingJournal(self.sink), book=InMemoryPriceBook(prices, [], "2026-11-22"), clock=clock
        )
        self.ears: rtc.EventEmitter[str] = rtc.EventEmitter()
        self.voice: rtc.EventEmitter[str] = rtc.EventEmitter()
        settings, unused = make_settings(), cast("Any", None)
        speech = Speech(
            ears=Providers("stt", {settings.stt: cast("Any", self.ears)}, lambda several: several[0]),
            models=Providers("llm", {settings.llm: unused}, join_models),
            voices=Providers("tts", {settings.tts: cast("Any", self.voice)}, join_voices),
            vad=unused,
        )
        meter_speech(speech, self.usage, lambda: 3)

    def hear(self, audio_s: float) -> None:
        metrics = STTMetrics(
            label="test", request_id="r", timestamp=0, duration=0, audio_duration=audio_s, streamed=True
        )
        self.ears.emit("metrics_collected", metrics)

    def speak(self, characters: int, *, ttfb: float = 0.1234, cancelled: bool = False) -> None:
        metrics = TTSMetrics(
            label="test",
            request_id="r",
            timestamp=0,
            ttfb=ttfb,
            duration=1,
            audio_duration=2.5,
            cancelled=cancelled,
            characters_count=characters,
            streamed=True,
        )
        self.voice.emit("metrics_collected", metrics)


def test_recognition_is_billed_by_the_minute() -> None:
    booth = Booth()
    booth.hear(90)
    assert booth.sink.fields("stt.usage") == [
        {
            "turn": 3,
            "audio_s": 90,
            "basis": "reported",
            "provider": "deepgram",
            "model": "nova-3",
            "usd": "0.007200",
            "usd_by_unit": {"minutes": "0.007200"},
        }
    ]


def test_silence_of_no_length_is_no_use() -> None:
    booth = Booth()
    booth.hear(0)
    assert booth.sink.events == []


def test_a_voice_is_billed_by_the_character_even_when_it_was_cut_off() -> None:
    booth = Booth()
    booth.speak(100)
    booth.speak(20, ttfb=-1, cancelled=True)
    first, second = booth.sink.fields("tts.usage")
    assert (first["characters"], first["audio_s"], first["first_byte_ms"]) == (100, 2.5, 123)
    assert (second["first_byte_ms"], second["cancelled"]) == (None, True)
    assert [Decimal(fields["usd"]) for fields in (first, second)] == [Decimal("0.005"), Decimal("0.001")]


def test_the_sessions_cost_is_the_sum_of_its_events() -> None:
    booth = Booth()
    for _ in range(3):
        booth.hear(60)
        booth.speak(100)
    assert booth.usage.usd == Decimal("0.0294")
    assert [(line.provider, line.unit, int(line.quantity)) for line in booth.usage.lines] == [
        ("deepgram", "minutes", 3),
        ("cartesia", "characters", 300),
    ]


def test_who_listens_is_told_of_each_use_whatever_becomes_of_its_event_or_of_others() -> None:
    booth = Booth()
    told: list[tuple[str, str]] = []

    def break_down(kind: str, fields: Mapping[str, Any]) -> None:
        raise RuntimeError(kind, fields)

    booth.usage.listen(break_down)
    booth.usage.listen(lambda kind, fields: told.append((kind, fields["usd"])))
    booth.sink.is_full = True
    booth.hear(60)
    assert told == [("stt.usage", "0.004800")]
    assert booth.sink.events == []
    assert booth.usage.usd == Decimal("0.0048")


def test_what_has_no_price_is_unpriced_and_never_free() -> None:
    booth = Booth(prices=PRICES[:1])
    booth.speak(100)
    booth.hear(60)
    (spoken,) = booth.sink.fields("tts.usage")
    assert (spoken["usd"], spoken["usd_by_unit"]) == (None, {"characters": None})
    assert [line.usd for line in booth.usage.lines] == [None, Decimal("0.0048")]
    assert booth.usage.usd == Decimal("0.0048")
