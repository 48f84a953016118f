"""Ears, thought and voice: the providers' plugins, and what each use of them is reported as."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit.agents import inference, llm, stt, tts, vad
from livekit.agents.utils import http_context

# Plugins register themselves when they are imported, and livekit-agents wants that on the main thread.
from livekit.plugins import cartesia, deepgram, openai, rime

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.agents.metrics import STTMetrics, TTSMetrics

    from meetctl.agent.usage import UsageMeter
    from meetctl.core.config import AgentSettings, ProviderAccess


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """What a meeting hears, thinks and speaks with."""

    stt: stt.STT[Any]
    llm: llm.LLM[Any]
    tts: tts.TTS[Any]
    vad: vad.VAD


def prepare_speech(settings: AgentSettings) -> Speech:
    """Load everything before there is a meeting: loading holds the event loop for tenths of a second."""
    with ThreadPoolExecutor(max_workers=1) as elsewhere:
        # The process may be in an event loop already, and there can be only one in a thread.
        elsewhere.submit(asyncio.run, _load_certificates()).result()
    return Speech(
        stt=make_stt(settings.stt),
        llm=make_llm(settings.llm),
        tts=make_tts(settings.tts),
        vad=inference.VAD(),
    )


async def _load_certificates() -> None:
    """Read the machine's certificates, which livekit-agents then keeps for the process's life."""
    async with http_context.open():
        return


def make_stt(access: ProviderAccess) -> stt.STT[Any]:
    """Return Deepgram's streaming recognition."""
    options: dict[str, Any] = {"base_url": access.base_url} if access.base_url else {}
    return deepgram.STT(model=access.model, api_key=access.api_key, **options)


def make_llm(access: ProviderAccess) -> llm.LLM[Any]:
    """Return OpenAI's chat completions."""
    options: dict[str, Any] = {"base_url": access.base_url} if access.base_url else {}
    return openai.LLM(model=access.model, api_key=access.api_key, **options)


def make_tts(access: ProviderAccess) -> tts.TTS[Any]:
    """Return Cartesia's voice, or Rime's."""
    options: dict[str, Any] = {"base_url": access.base_url} if access.base_url else {}
    if access.name == "rime":
        return rime.TTS(model=access.model, api_key=access.api_key, **options)
    return cartesia.TTS(model=access.model, api_key=access.api_key, **options)


def meter_speech(
    speech: Speech,
    usage: UsageMeter,
    settings: AgentSettings,
    current_turn: Callable[[], int | None],
) -> None:
    """Write an event for each piece of recognised and of spoken audio."""

    def hear(metrics: STTMetrics) -> None:
        fields = {"turn": current_turn(), "audio_s": round(metrics.audio_duration, 3), "basis": "reported"}
        if metrics.audio_duration:
            usage.record("stt.usage", settings.stt, fields)

    def speak(metrics: TTSMetrics) -> None:
        fields = {
            "turn": current_turn(),
            "characters": metrics.characters_count,
            "audio_s": round(metrics.audio_duration, 3),
            "first_byte_ms": round(metrics.ttfb * 1000) if metrics.ttfb >= 0 else None,
            "cancelled": metrics.cancelled,
            "basis": "reported",
        }
        usage.record("tts.usage", settings.tts, fields)

    speech.stt.on("metrics_collected", hear)
    speech.tts.on("metrics_collected", speak)
