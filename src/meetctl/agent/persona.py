"""Who the agent is in a meeting: the tenant's personality over the worker's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.agent.disclosure_filter import DisclosureFilter
from meetctl.agent.meeting_recording import RECORDED
from meetctl.domain.disclosure import DisclosureGuard
from meetctl.domain.material import KNOWLEDGE_PREAMBLE, MATERIAL_RULE, add_material_rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from meetctl.agent.journal import MeetingJournal
    from meetctl.core.config import AgentSettings
    from meetctl.domain.tenancy import Personality


class Persona:
    """What the agent is told to be, how it introduces itself, and what of that it keeps to itself."""

    def __init__(
        self,
        settings: AgentSettings,
        journal: MeetingJournal,
        *,
        personality: Callable[[], Personality | None],
    ) -> None:
        """`personality` is asked each time, because it may become known only later."""
        self._settings = settings
        self._personality = personality
        self.filter = DisclosureFilter(self._make_guard(), journal)
        """What answers pass through, so that they do not recite the instructions."""

    @property
    def name(self) -> str | None:
        """What the agent is called; None for the worker's own name."""
        personality = self._personality()
        return personality.name if personality else None

    @property
    def instructions(self) -> str:
        """What the model is told to be."""
        return add_material_rule(self._own_instructions)

    @property
    def _own_instructions(self) -> str:
        personality = self._personality()
        own = personality.instructions if personality else None
        return own or self._settings.instructions

    @property
    def greeting(self) -> str:
        """What the agent says first, without the announcement of a recording; empty for nothing."""
        personality = self._personality()
        own = personality.greeting if personality else None
        return self._settings.greeting if own is None else own

    def compose_greeting(self, *, is_recorded: bool) -> str:
        """Return all that is said first; empty for nothing."""
        announcement = RECORDED if is_recorded and self._settings.announces_recording else ""
        return " ".join(part for part in (self.greeting, announcement) if part)

    def refresh(self) -> None:
        """Guard what the instructions are now."""
        self.filter.guard = self._make_guard()

    def _make_guard(self) -> DisclosureGuard:
        return DisclosureGuard(
            [self._own_instructions],
            strict=[MATERIAL_RULE, KNOWLEDGE_PREAMBLE],
            public=[self.greeting, RECORDED],
        )
