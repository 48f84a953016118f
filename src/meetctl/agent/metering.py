"""What hearing, speaking and trying models again uses: an event for each, in the name of who did it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.agents.metrics import LLMMetrics, STTMetrics, TTSMetrics

    from meetctl.agent.providers import ProviderChange, Providers
    from meetctl.agent.speech import Speech
    from meetctl.agent.usage import UsageMeter
    from meetctl.core.config import ProviderAccess

CurrentTurn: TypeAlias = "Callable[[], int | None]"
"""Tells the turn under way; None before the first."""


def meter_speech(speech: Speech, usage: UsageMeter, current_turn: CurrentTurn) -> None:
    """Write an event for each piece of recognised and of spoken audio, and for each model tried again.

    Requests to the model that a person waits for have a log of their own.
    """
    for access, ears in speech.ears.members:
        ears.on("metrics_collected", _ear_meter(access, usage, current_turn))
    for access, voice in speech.voices.members:
        voice.on("metrics_collected", _voice_meter(access, usage, current_turn))
    _meter_probes(speech.models, usage, current_turn)


def _ear_meter(
    access: ProviderAccess, usage: UsageMeter, current_turn: CurrentTurn
) -> Callable[[STTMetrics], None]:
    def hear(metrics: STTMetrics) -> None:
        if metrics.audio_duration:
            audio_s = round(metrics.audio_duration, 3)
            usage.record(
                "stt.usage", access, {"turn": current_turn(), "audio_s": audio_s, "basis": "reported"}
            )

    return hear


def _voice_meter(
    access: ProviderAccess, usage: UsageMeter, current_turn: CurrentTurn
) -> Callable[[TTSMetrics], None]:
    def speak(metrics: TTSMetrics) -> None:
        fields = {
            "turn": current_turn(),
            "characters": metrics.characters_count,
            "audio_s": round(metrics.audio_duration, 3),
            "first_byte_ms": round(metrics.ttfb * 1000) if metrics.ttfb >= 0 else None,
            "cancelled": metrics.cancelled,
            "basis": "reported",
        }
        usage.record("tts.usage", access, fields)

    return speak


def _meter_probes(models: Providers[Any], usage: UsageMeter, current_turn: CurrentTurn) -> None:
    """Write an event for each request that found out that a model is back.

    livekit-agents sends a request that another model has answered to the failed one too. When that succeeds,
    its provider bills it, though nobody hears the answer. What a model reports last before it is told to be
    back is that request's use.
    """
    reported: dict[ProviderAccess, LLMMetrics] = {}

    def change(event: ProviderChange) -> None:
        metrics = reported.pop(event.provider, None)
        if not event.is_available or metrics is None:
            return
        fields = {
            "turn": current_turn(),
            "input_tokens": metrics.prompt_tokens,
            "cached_input_tokens": metrics.prompt_cached_tokens,
            "output_tokens": metrics.completion_tokens,
            "basis": "reported",
            "outcome": "done",
        }
        usage.record("llm.probe", event.provider, fields)

    if models.has_fallback:
        for access, model in models.members:
            model.on("metrics_collected", partial(reported.__setitem__, access))
        models.follow(change)
