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

    from meetctl.agent.conduct import Conduct, Sense
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
    conduct: Conduct
    rules: Sequence[ImageRule]
    """Those of all models that may answer, which say what details there are."""
    record: Callable[[Recording], Awaitable[None]]
    """Records in another way from now on, and tells people where something is recorded now."""
    allow: Callable[[Mapping[str, Any]], None]
    """Takes other limits for the meeting's budgets, by their names in the operation."""
    leave: Callable[[str], None]


class Steering:
    """Performs operations whose arguments have been checked; what cannot be done is a UsageError."""

    def __init__(self, parts: Steered) -> None:
        self._parts = parts

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
            "budget": self._allow,
        }

    async def _change_policy(self, args: Mapping[str, Any]) -> None:
        policy = change_policy(args, self._parts.frames.policy)
        for rule in self._parts.rules:
            resolve_detail(rule, policy.detail)
        self._parts.conduct.order_policy(lambda base: change_policy(args, base))

    async def _mute(self, args: Mapping[str, Any]) -> None:
        await self._order(args["what"], is_on=False)

    async def _unmute(self, args: Mapping[str, Any]) -> None:
        await self._order(args["what"], is_on=True)

    async def _order(self, sense: Sense, *, is_on: bool) -> None:
        if sense == "voice":
            self._begun_session()
        await self._parts.conduct.order(sense, is_on=is_on)

    async def _say(self, args: Mapping[str, Any]) -> None:
        self._begun_session().say(args["text"])

    async def _ask(self, args: Mapping[str, Any]) -> None:
        session = self._begun_session()
        if not self._parts.conduct.answers:
            raise UsageError("what the meeting may use is used up", hint="the operation budget raises it")
        message = llm.ChatMessage(role="user", content=[args["text"]])
        self._parts.hearing.conversation.read_typed(message.id, OPERATOR, args["text"])
        session.generate_reply(user_input=message)

    async def _leave(self, _: Mapping[str, Any]) -> None:
        self._parts.leave("asked to leave by an operator")

    async def _record(self, args: Mapping[str, Any]) -> None:
        await self._parts.record(parse_recording(args["mode"]))

    async def _allow(self, args: Mapping[str, Any]) -> None:
        self._parts.allow(args)

    def _begun_session(self) -> AgentSession[Any]:
        session = self._parts.session()
        if session is None:
            raise UsageError("the agent has not begun yet", hint="try again in a second")
        return session
