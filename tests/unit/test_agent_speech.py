"""What recognition and voices are journalled and priced as."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from livekit import rtc
from livekit.agents.metrics import STTMetrics, TTSMetrics
from tests.agent_settings import make_settings
from tests.fakes.clock import ManualClock
from tests.fakes.event_sink import InMemoryEventSink
from tests.fakes.price_book import InMemoryPriceBook

from meetctl.agent.journal import MeetingJournal
from meetctl.agent.speech import Speech, meter_speech
from meetctl.agent.usage import UsageMeter
from meetctl.domain.pricing import Price

if TYPE_CHECKING:
    from collections.abc import Sequence


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
        unused = cast("Any", None)
        speech = Speech(stt=cast("Any", self.ears), llm=unused, tts=cast("Any", self.voice), vad=unused)
        meter_speech(speech, self.usage, make_settings(), lambda: 3)

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


def test_what_has_no_price_is_unpriced_and_never_free() -> None:
    booth = Booth(prices=PRICES[:1])
    booth.speak(100)
    booth.hear(60)
    (spoken,) = booth.sink.fields("tts.usage")
    assert (spoken["usd"], spoken["usd_by_unit"]) == (None, {"characters": None})
    assert [line.usd for line in booth.usage.lines] == [None, Decimal("0.0048")]
    assert booth.usage.usd == Decimal("0.0048")
