"""What signed control messages let an operator do with a running agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit.agents import llm

from meetctl.core.config import parse_recording
from meetctl.domain.control import change_policy
from meetctl.domain.vision_tokens import resolve_detail
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from livekit.agents import AgentSession

    from meetctl.agent.control import Perform
    from meetctl.agent.frame_feed import FrameFeed
    from meetctl.agent.hearing import Hearing
    from meetctl.core.config import Recording
    from meetctl.domain.vision_tokens import ImageRule

OPERATOR = "operator"
"""Whose words are those that come by a control message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steered:
    """The parts of a meeting that can be steered."""

    session: Callable[[], AgentSession[Any] | None]
    """The session; None until it has begun."""
    frames: FrameFeed
    hearing: Hearing
    rules: Sequence[ImageRule]
    """Those of all models that may answer, which say what details there are."""
    record: Callable[[Recording], Awaitable[None]]
    """Records in another way from now on, and tells people where something is recorded now."""
    leave: Callable[[str], None]


class Steering:
    """Performs operations whose arguments have been checked; what cannot be done is a UsageError."""

    def __init__(self, parts: Steered) -> None:
        self._parts = parts
        self.has_changed_policy = False
        """Whether an operator has said how the agent looks; then nobody else decides it."""

    @property
    def operations(self) -> Mapping[str, Perform]:
        """What control messages can ask for, by the operations' names."""
        return {
            "policy": self._change_policy,
            "mute": self._mute,
            "unmute": self._unmute,
            "say": self._say,
            "ask": self._ask,
            "leave": self._leave,
            "record": self._record,
        }

    async def _change_policy(self, args: Mapping[str, Any]) -> None:
        policy = change_policy(args, self._parts.frames.policy)
        for rule in self._parts.rules:
            resolve_detail(rule, policy.detail)
        self.has_changed_policy = True
        self._parts.frames.change_policy(policy)

    async def _mute(self, args: Mapping[str, Any]) -> None:
        match args["what"]:
            case "ears":
                self._parts.hearing.ears.mute()
            case "eyes":
                self._parts.frames.shut_eyes()
            case _:
                await self._mute_voice(self._begun_session())

    async def _mute_voice(self, session: AgentSession[Any]) -> None:
        try:
            # Before the voice is off, because an output that is off cannot tell how much of it was heard.
            await session.interrupt(force=True)
        finally:
            session.output.set_audio_enabled(False)
        # What has begun meanwhile would still be spoken.
        await session.interrupt(force=True)

    async def _unmute(self, args: Mapping[str, Any]) -> None:
        match args["what"]:
            case "ears":
                self._parts.hearing.ears.unmute()
            case "eyes":
                self._parts.frames.open_eyes()
            case _:
                self._begun_session().output.set_audio_enabled(True)

    async def _say(self, args: Mapping[str, Any]) -> None:
        self._begun_session().say(args["text"])

    async def _ask(self, args: Mapping[str, Any]) -> None:
        session = self._begun_session()
        message = llm.ChatMessage(role="user", content=[args["text"]])
        self._parts.hearing.conversation.read_typed(message.id, OPERATOR, args["text"])
        session.generate_reply(user_input=message)

    async def _leave(self, _: Mapping[str, Any]) -> None:
        self._parts.leave("asked to leave by an operator")

    async def _record(self, args: Mapping[str, Any]) -> None:
        await self._parts.record(parse_recording(args["mode"]))

    def _begun_session(self) -> AgentSession[Any]:
        session = self._parts.session()
        if session is None:
            raise UsageError("the agent has not begun yet", hint="try again in a second")
        return session
