"""Ears, thought and voice: the providers' plugins, and how those that fail are replaced by others."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from livekit.agents import APIConnectOptions, inference, llm, stt, tts, vad
from livekit.agents.utils import http_context
from livekit.agents.voice.agent_session import SessionConnectOptions

# Plugins register themselves when they are imported, and livekit-agents wants that on the main thread.
from livekit.plugins import cartesia, deepgram, openai, rime

from meetctl.agent.providers import Providers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from meetctl.agent.providers import ProviderChange
    from meetctl.core.config import AgentSettings, ProviderAccess

MODEL_TIMEOUT_S = 10.0
"""How long a model may be silent before the next one is asked: as long as one that is alone may be."""
VOICE_TIMEOUT_S = 5.0
"""The same of a voice, which is asked when the person has already waited for the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """What a meeting hears, thinks and speaks with."""

    ears: Providers[stt.STT[Any]]
    models: Providers[llm.LLM[Any]]
    voices: Providers[tts.TTS[Any]]
    vad: vad.VAD

    @property
    def stt(self) -> stt.STT[Any]:
        """What the session hears with."""
        return self.ears.model

    @property
    def llm(self) -> llm.LLM[Any]:
        """What the session thinks with."""
        return self.models.model

    @property
    def tts(self) -> tts.TTS[Any]:
        """What the session speaks with."""
        return self.voices.model

    @property
    def connect_options(self) -> SessionConnectOptions:
        """How often the session tries again: not itself where there are others, who have all been tried.

        It never closes over errors: when to leave is for `meetctl.agent.farewell` to decide.
        """
        options = SessionConnectOptions(max_unrecoverable_errors=sys.maxsize)
        if self.models.has_fallback:
            options.llm_conn_options = APIConnectOptions(max_retry=0, timeout=MODEL_TIMEOUT_S)
        if self.voices.has_fallback:
            options.tts_conn_options = APIConnectOptions(max_retry=0, timeout=VOICE_TIMEOUT_S)
        return options

    def with_voices(self, voices: Sequence[ProviderAccess]) -> Speech:
        """Return the same with these voices, out of those that were prepared."""
        return replace(self, voices=self.voices.choose(voices))

    def follow(self, on_change: Callable[[ProviderChange], None]) -> None:
        """Tell `on_change` whenever a provider is passed over or can be used again."""
        self.ears.follow(on_change)
        self.models.follow(on_change)
        self.voices.follow(on_change)

    async def close(self) -> None:
        """Let all connections go."""
        await self.ears.close()
        await self.models.close()
        await self.voices.close()


def choose_voice(settings: AgentSettings, allowed: bool | None) -> tuple[ProviderAccess, ...]:
    """Return the voices in the order in which they are tried.

    Where the premium voice is allowed, it is the first; where it is not, it is never used, as long as there
    is any other. Where nobody says (`allowed` is None) the usual voice is the first, and the premium one the
    last resort.
    """
    usual, premium = (settings.tts, *settings.tts_fallbacks), settings.premium_tts
    if premium is None:
        return usual
    if allowed is None:
        return tuple(dict.fromkeys((*usual, premium)))
    others = tuple(access for access in usual if access != premium)
    return (premium, *others) if allowed else others or usual


def prepare_speech(settings: AgentSettings) -> Speech:
    """Load everything before there is a meeting: loading holds the event loop for tenths of a second.

    All voices are there, in the order that holds where nobody says whether the premium one is allowed.
    """
    with ThreadPoolExecutor(max_workers=1) as elsewhere:
        # The process may be in an event loop already, and there can be only one in a thread.
        elsewhere.submit(asyncio.run, _load_certificates()).result()
    local_vad = inference.VAD()
    ears = {access: make_stt(access) for access in (settings.stt, *settings.stt_fallbacks)}
    models = {access: make_llm(access) for access in (settings.llm, *settings.llm_fallbacks)}
    voices = {access: make_tts(access) for access in choose_voice(settings, None)}
    return Speech(
        ears=Providers("stt", ears, lambda several: stt.FallbackAdapter(several, vad=local_vad)),
        models=Providers("llm", models, join_models),
        voices=Providers("tts", voices, join_voices),
        vad=local_vad,
    )


async def _load_certificates() -> None:
    """Read the machine's certificates, which livekit-agents then keeps for the process's life."""
    async with http_context.open():
        return


def join_models(models: list[llm.LLM[Any]]) -> llm.LLM[Any]:
    """Make one model of several; each is asked when those before it fail."""
    return llm.FallbackAdapter(models, attempt_timeout=MODEL_TIMEOUT_S)


def join_voices(voices: list[tts.TTS[Any]]) -> tts.TTS[Any]:
    """Make one voice of several; each speaks when those before it fail twice at once."""
    return tts.FallbackAdapter(voices, max_retry_per_tts=1)


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
