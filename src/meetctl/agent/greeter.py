"""Greets people who join later, without ever speaking into what somebody says."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from meetctl.domain.person_names import clean_name, join_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc
    from livekit.agents import AgentSession

    from meetctl.domain.tenancy import Personality

logger = logging.getLogger(__name__)

GREETING = "Hello {name}, welcome."
NAMELESS = "there"
"""What somebody without a name is called."""
MOST_NAMES = 5
"""More people than these are greeted as all."""
EVERYBODY = "everybody"

SETTLE_S = 1.5
"""How long it has to be quiet; people who join within it are greeted together."""
UNANSWERED_S = 8.0
"""How long it has to be quiet where something was heard that got no answer, such as a cough."""
_LOOK_EVERY_S = 0.25


class Greeter:
    """Says one sentence to all who have joined, once the agent listens and nobody speaks."""

    def __init__(
        self,
        *,
        personality: Callable[[], Personality | None],
        is_answering: Callable[[], bool],
    ) -> None:
        """Greet nobody yet.

        `personality` is asked when somebody is about to be greeted; `is_answering` tells whether somebody's
        words still wait for an answer.
        """
        self._session: AgentSession[Any] | None = None
        self._personality = personality
        self._is_answering = is_answering
        self._waiting: dict[str, str] = {}
        self._greeting: asyncio.Task[None] | None = None

    def follow(self, session: AgentSession[Any]) -> None:
        """Greet by this session; who has joined before is greeted too."""
        self._session = session

    def welcome(self, participant: rtc.Participant) -> None:
        """Greet somebody as soon as it is quiet."""
        self._waiting[participant.identity] = clean_name(participant.name) or NAMELESS
        if self._greeting is None or self._greeting.done():
            self._greeting = asyncio.create_task(self._greet(), name="greeter")

    def forget(self, participant: rtc.Participant) -> None:
        """Greet somebody no more, who has gone."""
        self._waiting.pop(participant.identity, None)

    async def close(self) -> None:
        """Greet nobody any more."""
        if self._greeting is not None:
            self._greeting.cancel()
            await asyncio.wait([self._greeting])

    async def _greet(self) -> None:
        while self._waiting:
            session = await self._wait_for_quiet()
            names = list(self._waiting.values())
            self._waiting.clear()
            personality = self._personality()
            if names and personality is not None and personality.greets_latecomers:
                try:
                    session.say(compose_greeting(personality.latecomer_greeting or GREETING, names))
                except RuntimeError as error:
                    # The session has closed meanwhile: then there is nobody who could say it.
                    logger.info("nobody was greeted: %s", type(error).__name__)
                    return

    async def _wait_for_quiet(self) -> AgentSession[Any]:
        quiet_s = 0.0
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            session = self._session
            if session is None or session.agent_state != "listening" or session.user_state == "speaking":
                quiet_s = 0.0
                continue
            quiet_s += _LOOK_EVERY_S
            if quiet_s >= (UNANSWERED_S if self._is_answering() else SETTLE_S):
                return session


def compose_greeting(greeting: str, names: list[str]) -> str:
    """Return what is said to people of these names; `{name}` in the greeting stands for all of them.

    >>> compose_greeting("Hello {name}, welcome.", ["Maya", "Noor"])
    'Hello Maya and Noor, welcome.'
    """
    called = list(dict.fromkeys(names))
    return greeting.replace("{name}", join_names(called) if len(names) <= MOST_NAMES else EVERYBODY)
