"""The agent's settings: plain data that can be sent to the processes of its meetings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

from meetctl.core.local_stack import LiveKitAccess
from meetctl.domain.budget import Budgets
from meetctl.domain.policy import Policy
from meetctl.errors import UsageError

Speaker = Literal["cartesia", "rime"]
SPEAKERS: tuple[Speaker, ...] = get_args(Speaker)

TurnDetection = Literal["v1-mini", "vad"]
TURN_DETECTIONS: tuple[TurnDetection, ...] = get_args(TurnDetection)

Environment = Literal["development", "production"]
ENVIRONMENTS: tuple[Environment, ...] = get_args(Environment)

Transformer = Literal["superjson", "plain"]
TRANSFORMERS: tuple[Transformer, ...] = get_args(Transformer)

LogForm = Literal["auto", "text", "json"]
"""How log lines are written; `auto` is JSON in production, but text on a terminal and elsewhere."""
LOG_FORMS: tuple[LogForm, ...] = get_args(LogForm)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAccess:
    """One provider's address and key, and which of its models is used."""

    name: str
    """Who it is: "openai", "deepgram", "cartesia" or "rime"."""
    model: str
    api_key: str = field(repr=False)
    base_url: str | None = None
    """Where it is reached; None for the provider's own address."""
    is_offline: bool = False
    """Whether the offline providers of this machine answer in its place."""

    @property
    def billed_as(self) -> str:
        """Who bills: the provider, or "offline"."""
        return "offline" if self.is_offline else self.name

    @property
    def priced_model(self) -> str:
        """The model's name as the price book knows it."""
        return f"offline/{self.model}" if self.is_offline else self.model


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendAccess:
    """The platform's backend: where it is, and how it wants to be spoken to."""

    url: str
    """Its base address, without the path of the procedures."""
    api_key: str = field(repr=False)
    transformer: Transformer = "superjson"
    procedures: Mapping[str, str] = field(default_factory=dict)
    """Names of procedures that differ from ours, by ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """How much of the video is recorded."""

    mode: Literal["off", "sampled", "full", "rate"]
    fps: Fraction | None = None
    """Frames a second in the mode "rate", besides the kept ones."""

    @property
    def is_on(self) -> bool:
        """Whether anything is recorded."""
        return self.mode != "off"

    @property
    def text(self) -> str:
        """What the user wrote."""
        return str(self.fps) if self.mode == "rate" else self.mode


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """Everything that the agent of one meeting is told when it starts."""

    livekit: LiveKitAccess
    llm: ProviderAccess
    stt: ProviderAccess
    tts: ProviderAccess
    policy: Policy
    recording: Recording
    sessions: Path
    """Where bundles are written."""
    instructions: str
    greeting: str
    """What the agent says first; empty for nothing."""
    announces_recording: bool = True
    """Whether it says that the meeting is recorded, where it is."""
    turn_detection: TurnDetection = "v1-mini"
    grace_s: float = 20.0
    """How long it waits for somebody to return after the last person has left."""
    patience_s: float = 300.0
    """How long it waits for the first person."""
    price_files: tuple[Path, ...] = ()
    environment: Environment = "development"
    backend: BackendAccess | None = None
    """The platform's backend; None for an agent without one."""
    premium_tts: ProviderAccess | None = None
    """The better voice, for tenants who may have it; None where there is none."""
    llm_fallbacks: tuple[ProviderAccess, ...] = ()
    """What is asked when the model fails, in this order."""
    stt_fallbacks: tuple[ProviderAccess, ...] = ()
    tts_fallbacks: tuple[ProviderAccess, ...] = ()
    knowledge_wait_s: float = 0.8
    """How long an answer waits for the tenant's knowledge after a person has finished."""
    budgets: Budgets = field(default_factory=Budgets)
    logs_content: bool = False
    """Whether log lines may hold what people said, and their names."""


def parse_recording(text: str) -> Recording:
    """Read `off`, `sampled`, `full` or a number of frames a second.

    >>> parse_recording("sampled").mode, parse_recording("0.5").fps
    ('sampled', Fraction(1, 2))

    Raises:
        UsageError: It is none of these.
    """
    match text.strip():
        case "off" | "sampled" | "full" as mode:
            return Recording(mode=mode)
        case rate:
            try:
                # An exponent is not even read: it may stand for a number that takes for ever to write out.
                fps = Fraction(0) if "e" in rate.lower() else Fraction(rate)
            except (ValueError, ZeroDivisionError):
                fps = Fraction(0)
            if fps <= 0:
                raise UsageError(
                    f"record {text!r} is none of off, sampled, full or a number of frames a second",
                    hint="sampled records what the agent keeps, full every frame it sees",
                )
            return Recording(mode="rate", fps=fps)
