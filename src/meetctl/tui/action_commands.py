"""The actions in the command palette."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

from textual.command import DiscoveryHit, Hit, Provider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.command import Hits

    from meetctl.domain.view.possible_actions import PossibleAction
    from meetctl.tui.operator_actions import OperatorActions


class _Host(Protocol):
    """The dashboard's app."""

    operator: OperatorActions


class ActionCommands(Provider):
    """Offers what can be done now to the meeting that is shown or chosen."""

    async def discover(self) -> Hits:
        """Yield every action that can be done, before anything is typed."""
        for action in self._possible():
            yield DiscoveryHit(
                action.label, partial(self._operator.open, action.name), help=self._help(action)
            )

    async def search(self, query: str) -> Hits:
        """Yield the actions that fit what was typed."""
        matcher = self.matcher(query)
        for action in self._possible():
            score = matcher.match(action.label)
            if score > 0:
                yield Hit(
                    score,
                    matcher.highlight(action.label),
                    partial(self._operator.open, action.name),
                    help=self._help(action),
                )

    def _possible(self) -> Iterator[PossibleAction]:
        return (one for one in self._operator.possible() if one.refusal is None)

    @property
    def _operator(self) -> OperatorActions:
        return cast("_Host", self.app).operator

    def _help(self, action: PossibleAction) -> str:
        return f"in the menu of actions: {action.key}"
