"""Settings of an agent whose every value is written out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from meetctl.core.config import AgentSettings, ProviderAccess, Recording
from meetctl.core.local_stack import LiveKitAccess
from meetctl.domain.image_sizing import FixedTokens
from meetctl.domain.policy import Policy
from meetctl.domain.vision_tokens import ImageRule

GPT_4_1_RULE = ImageRule(
    id="test/2026-02-26",
    kind="tile",
    provider="openai",
    models=("gpt-4.1",),
    auto="high",
    details=(("low", FixedTokens(tokens=85)), ("high", FixedTokens(tokens=1105))),
    source="test",
    origin="test",
)
"""The image rule of the settings' model."""

SECRETS = ("livekit-secret", "openai-key", "deepgram-key", "cartesia-key")


def make_settings() -> AgentSettings:
    secret, openai, deepgram, cartesia = SECRETS
    return AgentSettings(
        livekit=LiveKitAccess(url="ws://127.0.0.1:7880", api_key="devkey", api_secret=secret),
        llm=ProviderAccess(name="openai", model="gpt-4.1", api_key=openai),
        stt=ProviderAccess(name="deepgram", model="nova-3", api_key=deepgram),
        tts=ProviderAccess(name="cartesia", model="sonic-3", api_key=cartesia),
        policy=Policy(name="agent", fps=Fraction(1)),
        recording=Recording(mode="sampled"),
        sessions=Path("sessions"),
        instructions="You help in a meeting.",
        greeting="Hello.",
    )
