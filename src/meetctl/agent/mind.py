"""What the model is told, may do, and takes into account when it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meetctl.agent.persona import Persona
from meetctl.agent.requests import RequestLog
from meetctl.agent.tools import MeetingActions, MeetingTools
from meetctl.agent.turn_words import TurnWords
from meetctl.agent.video_agent import RequestHooks, VideoAgent

if TYPE_CHECKING:
    from meetctl.agent.conduct import Conduct
    from meetctl.agent.conversation import Conversation
    from meetctl.agent.frame_feed import FrameFeed
    from meetctl.agent.journal import MeetingJournal
    from meetctl.agent.platform_link import PlatformLink
    from meetctl.agent.usage import UsageMeter
    from meetctl.core.config import AgentSettings, ProviderAccess
    from meetctl.domain.vision_tokens import ImageRule
    from meetctl.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What of its meeting the model can know and touch."""

    frames: FrameFeed
    conversation: Conversation
    link: PlatformLink
    people: Callable[[], AbstractSet[str]]
    """The identities of all people who are there."""
    leave: Callable[[], None]
    """Takes leave and lets the agent go; does not block."""
    conduct: Conduct
    answering: Callable[[], ProviderAccess]
    """The model that has served the last request."""


class Mind:
    """The agent without its senses: its persona, its tools, and the log of what it asked the model."""

    def __init__(
        self,
        settings: AgentSettings,
        around: Surroundings,
        *,
        rules: Mapping[ProviderAccess, ImageRule],
        usage: UsageMeter,
        journal: MeetingJournal,
        clock: Clock,
    ) -> None:
        """Think with the settings' models; `rules` has the image rule of each."""
        self._settings = settings
        self._around = around
        self._rules = rules
        self._usage = usage
        self._journal = journal
        self._clock = clock
        self.persona = Persona(settings, journal, personality=lambda: around.link.tenancy.personality)
        knowledge = around.link.knowledge
        self._words = TurnWords(heard=knowledge.begin if knowledge else None)
        journal.listen(self._words.read)
        self._agent: VideoAgent | None = None

    def make_agent(self, session_id: str) -> VideoAgent:
        """Return the agent of a session, with the instructions as they are known now."""
        settings, around = self._settings, self._around
        knowledge = around.link.knowledge
        self.persona.refresh()
        self._agent = VideoAgent(
            session_id=session_id,
            instructions=self.persona.instructions,
            frames=around.frames,
            requests=RequestLog(
                self._usage,
                settings.llm,
                settings.policy,
                self._rules[settings.llm],
                answered_by=around.answering,
                rules=self._rules,
            ),
            conversation=around.conversation,
            tools=self._make_tools().functions(),
            hooks=RequestHooks(
                find_material=knowledge.messages if knowledge else None,
                name_speakers=around.conversation.name_speakers,
                guard=self.persona.filter.filter,
                may_ask=lambda: around.conduct.answers,
            ),
            recognition=around.conduct.recognition,
        )
        return self._agent

    async def refresh(self) -> None:
        """Take what has become known of the tenant since the agent was made."""
        self.persona.refresh()
        if self._agent is not None and self._agent.instructions != self.persona.instructions:
            await self._agent.update_instructions(self.persona.instructions)

    def _make_tools(self) -> MeetingTools:
        around = self._around
        return MeetingTools(
            MeetingActions(
                turn=lambda: around.conversation.turn,
                people=around.people,
                look=self._look,
                leave=around.leave,
                may_look=lambda: around.conduct.looks_closely,
            ),
            words=self._words,
            journal=self._journal,
            clock=self._clock,
            knowledge=around.link.knowledge,
        )

    async def _look(self) -> bool:
        return await self._around.frames.look() is not None
