"""What the agent does with its eyes, ears and voice: what is wanted of it, as far as its budget lets it.

Tenant and operators say what is wanted. A step of the budget puts a bound on that, and is undone by the next
one. What an operator says while a step is in force holds whatever it costs, until the next step.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Literal

from meetctl.agent.recognition_switch import RecognitionSwitch
from meetctl.domain.restraint import NO_RESTRAINT

if TYPE_CHECKING:
    from livekit.agents import AgentSession

    from meetctl.agent.frame_feed import FrameFeed
    from meetctl.agent.room_ears import RoomEars
    from meetctl.domain.policy import Policy
    from meetctl.domain.restraint import Restraint
    from meetctl.domain.vision_tokens import ImageRule

logger = logging.getLogger(__name__)

Sense = Literal["ears", "eyes", "voice"]

LAST_WORDS_S = 30.0
"""How long the agent may take to end what it is saying before its voice goes off."""


class Conduct:
    """Decides between what is wanted and what is left, and does it."""

    def __init__(
        self,
        frames: FrameFeed,
        ears: RoomEars,
        *,
        rules: Sequence[ImageRule],
        session: Callable[[], AgentSession[Any] | None],
    ) -> None:
        """Begin without any restraint; `rules` are those of all models that may answer.

        `session` gives the session; None until it has begun.
        """
        self.recognition = RecognitionSwitch()
        """The connection to speech recognition."""
        self._frames = frames
        self._ears = ears
        self._session = session
        self._details = _common_details(rules)
        self._wanted = frames.policy
        self._is_policy_ordered = False
        self._wants: dict[Sense, bool] = {"ears": True, "eyes": True, "voice": True}
        self._restraint = NO_RESTRAINT
        self._overridden: set[str] = set()
        """What an operator has said something about since the last step."""

    @property
    def policy(self) -> Policy:
        """How frames are kept and sent by now."""
        return self._frames.policy

    @property
    def answers(self) -> bool:
        """Whether the model may be asked."""
        return self._restraint.speaks and self._restraint.stays

    @property
    def looks_closely(self) -> bool:
        """Whether the model may ask for what is shown in full detail."""
        return not self._restraint.limits_vision or "policy" in self._overridden

    def decide_policy(self, policy: Policy) -> None:
        """Look as is wanted for the tenant, unless an operator has said how."""
        if not self._is_policy_ordered:
            self._wanted = policy
            self._frames.change_policy(self._restraint.hold(policy, self._details))

    def order_policy(self, change: Callable[[Policy], Policy]) -> None:
        """Look as an operator says; what the change leaves as it is stays restrained."""
        policy = change(self._frames.policy)
        self._wanted = change(self._wanted)
        self._is_policy_ordered = True
        self._overridden.add("policy")
        self._frames.change_policy(policy)

    async def order(self, sense: Sense, *, is_on: bool) -> None:
        """Use a sense or leave it, as an operator says."""
        self._wants[sense] = is_on
        self._overridden.add(sense)
        self._use_eyes_and_ears()
        session = self._session()
        if sense == "voice" and session is not None:
            if is_on:
                session.output.set_audio_enabled(True)
            else:
                await _cut_voice(session)

    def restrain(self, restraint: Restraint) -> None:
        """Bound everything from now on, and nothing else; a voice that is to go off may end its words."""
        self._restraint = restraint
        self._overridden.clear()
        self._frames.change_policy(restraint.hold(self._wanted, self._details))
        self._use_eyes_and_ears()
        session = self._session()
        if session is not None and self._may("voice"):
            session.output.set_audio_enabled(True)

    async def end_words(self) -> None:
        """Let the agent end what it is saying, and put its voice off where it has to be."""
        session = self._session()
        if session is None or self._may("voice"):
            return
        if session.current_speech is not None:
            try:
                async with asyncio.timeout(LAST_WORDS_S):
                    await session.current_speech.wait_for_playout()
            except TimeoutError:
                logger.info("what the agent was saying is cut off")
        if not self._may("voice"):
            await _cut_voice(session)

    def _use_eyes_and_ears(self) -> None:
        (self._frames.open_eyes if self._may("eyes") else self._frames.shut_eyes)()
        (self._ears.unmute if self._may("ears") else self._ears.mute)()
        # An operator's muted ears are soon to hear again; only what is not affordable is disconnected.
        is_restrained = not self._restraint.speaks and "ears" not in self._overridden
        (self.recognition.close if is_restrained else self.recognition.open)()

    def _may(self, sense: Sense) -> bool:
        is_left = self._restraint.sees if sense == "eyes" else self._restraint.speaks
        return self._wants[sense] and (is_left or sense in self._overridden)


async def _cut_voice(session: AgentSession[Any]) -> None:
    """Say nothing from now on; the answers are still written."""
    try:
        # Before the voice is off, because an output that is off cannot tell how much of it was heard.
        await session.interrupt(force=True)
    finally:
        session.output.set_audio_enabled(False)
    # What has begun meanwhile would still be spoken.
    await session.interrupt(force=True)


def _common_details(rules: Sequence[ImageRule]) -> Collection[str]:
    """Return the details that all models know."""
    known = [{name for name, _ in rule.details} for rule in rules]
    return set.intersection(*known) if known else set()
