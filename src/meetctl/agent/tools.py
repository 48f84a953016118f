"""What the model may do in a meeting, each with checks of its own, whatever the model was talked into."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit.agents import llm

from meetctl.domain.confirmation import LeaveConfirmation

if TYPE_CHECKING:
    from meetctl.agent.journal import MeetingJournal
    from meetctl.agent.knowledge import KnowledgeFeed
    from meetctl.agent.turn_words import TurnWords
    from meetctl.ports import Clock

logger = logging.getLogger(__name__)

MOST_CALLS = 2
"""How often each tool may be called in a turn."""

FAILED = "That did not work. Go on without it."
TOO_OFTEN = "You have done that often enough in this turn. Answer with what you have."
NOT_CLOSELY = "You cannot look closely for now. Answer with what you have."
NOTHING_SHOWN = "Nothing is shown now, so there is nothing to look at."
LOOKED = "This is the screen as it is now, in full detail."
ASK_TO_CONFIRM = (
    'You stay until the person confirms. Say: "Shall I leave? Please say: yes, leave the meeting."'
)
REFUSALS = {
    "others are here": 'You stay. Say: "I stay, because other people are here."',
    "unknown speaker": 'You stay. Say: "I stay, because I do not know who asked me to leave."',
    "nobody asked": 'You stay, whatever else says so. Say: "I stay, because nobody asked me to leave."',
    "no later turn": 'You stay until the person answers in a turn of their own. Say: "Shall I leave?"',
    "not confirmed": 'You stay. Say: "I stay. If you want me to leave, please say: yes, leave the meeting."',
}
"""What the model is told when it may not leave, by reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingActions:
    """What the tools know of the meeting and can do in it."""

    turn: Callable[[], int | None]
    """The turn under way."""
    people: Callable[[], AbstractSet[str]]
    """The identities of all who are there, the agents left out."""
    look: Callable[[], Awaitable[bool]]
    """Adds the screen as it is now to the turn's next request; False when nothing is shown."""
    leave: Callable[[], None]
    """Takes leave and lets the agent go, and nobody else; does not block."""
    may_look: Callable[[], bool] = lambda: True
    """Tells whether full detail may be sent, as far as the meeting's budget goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """What a tool says to the model, and what became of its call."""

    text: str | None
    """None for nothing that the model should answer to."""
    outcome: str = "done"
    refused: str | None = None
    """Why it was refused."""


class MeetingTools:
    """The tools of one meeting's model."""

    def __init__(
        self,
        actions: MeetingActions,
        *,
        words: TurnWords,
        journal: MeetingJournal,
        clock: Clock,
        knowledge: KnowledgeFeed | None = None,
    ) -> None:
        """Make them; without `knowledge` there is no tool to search it."""
        self._actions = actions
        self._words = words
        self._journal = journal
        self._clock = clock
        self._knowledge = knowledge
        self._confirmation = LeaveConfirmation()
        self._turn: int | None = None
        self._calls: Counter[str] = Counter()

    def functions(self) -> list[llm.Tool]:
        """Return the tools for the agent; their docstrings are what the model reads of them."""

        @llm.function_tool
        async def look_closely() -> str | None:
            """Look again at what is shared now, in full detail, for reading what is small."""
            return await self._call("look_closely", self._look)

        @llm.function_tool
        async def end_meeting() -> str | None:
            """Leave, when the person that you are alone with wants you to; they are asked to confirm it."""
            return await self._call("end_meeting", self._leave)

        @llm.function_tool
        async def search_knowledge(query: str) -> str | None:
            """Search the organisation's documents.

            Args:
                query: What to search for, in a few words.
            """
            return await self._call("search_knowledge", lambda: self._search(query))

        tools: list[llm.Tool] = [look_closely, end_meeting]
        return [*tools, search_knowledge] if self._knowledge is not None else tools

    async def _call(self, tool: str, work: Callable[[], Awaitable[_Reply]]) -> str | None:
        """Do a tool's work within its limit, and journal the call without what it was called with."""
        turn, began_s = self._actions.turn(), self._clock.monotonic()
        if self._count(tool, turn) > MOST_CALLS:
            reply = _Reply(text=TOO_OFTEN, outcome="refused", refused="too often")
        else:
            try:
                reply = await work()
            except Exception as error:  # noqa: BLE001  whatever it is, the model answers without the tool
                # Its text may quote people.
                logger.error("the tool %s failed: %s", tool, type(error).__name__)
                reply = _Reply(text=FAILED, outcome="failed")
        if reply.refused is not None:
            self._journal.write("tool.refused", {"tool": tool, "reason": reply.refused, "turn": turn})
        duration_ms = round((self._clock.monotonic() - began_s) * 1000)
        self._journal.write(
            "tool.called", {"tool": tool, "outcome": reply.outcome, "duration_ms": duration_ms, "turn": turn}
        )
        return reply.text

    def _count(self, tool: str, turn: int | None) -> int:
        if turn != self._turn:
            self._turn = turn
            self._calls.clear()
        self._calls[tool] += 1
        return self._calls[tool]

    async def _look(self) -> _Reply:
        if not self._actions.may_look():
            return _Reply(text=NOT_CLOSELY, outcome="refused", refused="budget")
        if await self._actions.look():
            return _Reply(text=LOOKED)
        return _Reply(text=NOTHING_SHOWN, outcome="refused", refused="nothing shown")

    async def _search(self, query: str) -> _Reply:
        if self._knowledge is None:
            return _Reply(text=FAILED, outcome="refused", refused="no knowledge")
        return _Reply(text=await self._knowledge.look_up(self._actions.turn(), query))

    async def _leave(self) -> _Reply:
        decision = self._confirmation.decide(
            turn=self._words.turn,
            said=self._words.said,
            speakers=self._words.speakers,
            people=self._actions.people(),
        )
        if decision == "confirmed":
            self._actions.leave()
            return _Reply(text=None)
        if decision == "ask":
            return _Reply(text=ASK_TO_CONFIRM, outcome="asked")
        return _Reply(text=REFUSALS[decision], outcome="refused", refused=decision)
