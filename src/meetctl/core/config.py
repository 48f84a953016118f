"""The agent's settings: plain data that can be sent to the processes of its meetings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from meetctl.core.local_stack import LiveKitAccess
from meetctl.domain.policy import Policy
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from meetctl.core.local_stack import StackState

Speaker = Literal["cartesia", "rime"]
SPEAKERS: tuple[Speaker, ...] = get_args(Speaker)

TurnDetection = Literal["v1-mini", "vad"]
TURN_DETECTIONS: tuple[TurnDetection, ...] = get_args(TurnDetection)

OFFLINE_KEY = "offline"
"""What the plugins are given as a key for offline providers, as they insist on one."""

OFFLINE_VARIABLE = "MEETCTL_OFFLINE_URL"
"""The variable that says where offline providers are, other than those of the local stack."""

KEY_VARIABLES = {
    "openai": "OPENAI_API_KEY",
    "deepgram": "DEEPGRAM_API_KEY",
    "cartesia": "CARTESIA_API_KEY",
    "rime": "RIME_API_KEY",
}
"""The variable that holds each provider's key."""

_OFFLINE_PATHS = {"openai": "/v1", "deepgram": "/v1/listen", "cartesia": "", "rime": "/v1/rime-tts"}
_URL_HINT = (
    "run `meetctl up` for a server on this machine, "
    "or set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET"
)


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
                fps = Fraction(rate)
            except (ValueError, ZeroDivisionError):
                fps = Fraction(0)
            if fps <= 0 or "e" in rate.lower():
                raise UsageError(
                    f"record {text!r} is none of off, sampled, full or a number of frames a second",
                    hint="sampled records what the agent keeps, full every frame it sees",
                )
            return Recording(mode="rate", fps=fps)


def find_livekit(
    environment: Mapping[str, str], stack: StackState | None, *, url: str | None = None
) -> LiveKitAccess:
    """Find the server: by option, by the environment, or the local stack's.

    Raises:
        UsageError: There is none, or its key or secret is missing.
    """
    chosen = url or environment.get("LIVEKIT_URL", "")
    local = stack.livekit if stack is not None else None
    if local is not None and chosen in ("", local.url):
        return local
    if not chosen:
        raise UsageError("no LiveKit server is configured: LIVEKIT_URL is not set", hint=_URL_HINT)
    if not chosen.startswith(("ws://", "wss://", "http://", "https://")):
        raise UsageError(
            f"the LiveKit address {chosen!r} does not begin with ws:// or wss://", hint=_URL_HINT
        )
    missing = [name for name in ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET") if not environment.get(name)]
    if missing:
        raise UsageError(f"{' and '.join(missing)} not set, for the LiveKit server {chosen}", hint=_URL_HINT)
    return LiveKitAccess(
        url=chosen,
        api_key=environment["LIVEKIT_API_KEY"],
        api_secret=environment["LIVEKIT_API_SECRET"],
    )


def find_provider(
    name: str, model: str, environment: Mapping[str, str], stack: StackState | None
) -> ProviderAccess:
    """Take the real provider where its key is set, else an offline one.

    Raises:
        UsageError: There is neither.
    """
    variable = KEY_VARIABLES[name]
    offline_url = environment.get(OFFLINE_VARIABLE) or (stack.offline_url if stack is not None else None)
    if key := environment.get(variable):
        base_url = environment.get("OPENAI_BASE_URL") if name == "openai" else None
        return ProviderAccess(name=name, model=model, api_key=key, base_url=base_url or None)
    if offline_url is None:
        raise UsageError(
            f"{variable} is not set, and no offline provider runs on this machine",
            hint=f"set {variable}, or run `meetctl up`",
        )
    return ProviderAccess(
        name=name,
        model=model,
        api_key=OFFLINE_KEY,
        base_url=offline_url.rstrip("/") + _OFFLINE_PATHS[name],
        is_offline=True,
    )
