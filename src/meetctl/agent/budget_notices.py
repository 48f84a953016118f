"""What people in the meeting are told when a budget changes what the agent does; never an amount."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livekit.agents import AgentSession

    from meetctl.domain.budget import Announcing
    from meetctl.domain.restraint import Restraint

logger = logging.getLogger(__name__)

LESS_CLOSELY = "From now on I look less closely at what you share, to keep within this meeting's budget."
NO_VISION = "From now on I do not look at what you share any more, to keep within this meeting's budget."
NO_SPEECH = "From now on I do not listen or answer any more, because what this meeting may use is used up."
CLOSER = "I look more closely again at what you share."
VISION = "I can look at what you share again."
SPEECH = "I listen and answer again."
FAREWELL = "What this meeting may use is used up, so I have to leave."
"""Said or written before the agent leaves, however people are told of the other steps."""
REASON = "the budget is used up"
"""Why the agent left, as the journal has it."""

SAY_LIMIT_S = 20.0
WRITE_LIMIT_S = 5.0


def compose_notice(before: Restraint, after: Restraint) -> str | None:
    """Return the sentence for the most that changes; None where people would notice nothing."""
    if before.speaks != after.speaks:
        return SPEECH if after.speaks else NO_SPEECH
    if before.sees != after.sees:
        return VISION if after.sees else NO_VISION
    if before == after:
        return None
    return LESS_CLOSELY if after == before.join(after) else CLOSER


class BudgetNotices:
    """Tells people of steps, as it is configured."""

    def __init__(
        self,
        announcing: Announcing,
        *,
        session: Callable[[], AgentSession[Any] | None],
        write: Callable[[str], Awaitable[object]],
    ) -> None:
        """Speak by the session, once there is one, or write to the room."""
        self._announcing = announcing
        self._session = session
        self._write = write

    async def announce(self, before: Restraint, after: Restraint) -> None:
        """Tell of a change; what keeps it from being told is logged."""
        sentence = compose_notice(before, after)
        if sentence is None or self._announcing == "off":
            return
        session = self._session()
        try:
            if self._announcing == "voice" and session is not None and session.output.audio_enabled:
                async with asyncio.timeout(SAY_LIMIT_S):
                    await session.say(sentence)
            else:
                async with asyncio.timeout(WRITE_LIMIT_S):
                    await self._write(sentence)
        except Exception:
            # Whatever keeps people from being told, the step holds, and the next ones are taken.
            logger.exception("people were not told of the budget")
