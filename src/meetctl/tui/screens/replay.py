"""A recorded session: the meeting's panels as they were at the cursor, and a bar to move it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work

from meetctl.tui.screens.compare import TwoPoliciesScreen
from meetctl.tui.screens.meeting import MeetingScreen
from meetctl.tui.screens.policies import PoliciesScreen, PolicyChoice
from meetctl.tui.screens.transport import TransportScreen
from meetctl.tui.widgets.policy_strip import PolicyStrip
from meetctl.tui.widgets.scrub_bar import ScrubBar

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from meetctl.domain.view.dashboard import DashboardView
    from meetctl.services.dashboard.player import Player
    from meetctl.services.dashboard.what_if import WhatIf
    from meetctl.tui.dependencies import Dependencies


class PolicyScreen(TransportScreen):
    """Its key stands in the footer before those of the panels."""

    BINDINGS: ClassVar[list[BindingType]] = [("v", "choose_policy", "Policy")]

    def action_choose_policy(self) -> None:
        """Show what other policies would have kept and cost, to choose one; the screen below says how."""


class ReplayScreen(MeetingScreen, PolicyScreen):
    """One recorded session's panels, what another policy would have cost, and the bar below them."""

    BINDING_GROUP_TITLE = "Replay"
    # Totals are of meetings that go on.
    DEFAULT_CSS = "ReplayScreen TotalsStrip { display: none; }"

    def __init__(self, player: Player, dependencies: Dependencies) -> None:
        MeetingScreen.__init__(self, player.keys[0], dependencies)
        self.player = player
        self._chosen: str | None = None
        """The policy that is shown; None for the session as it was recorded."""
        self._is_auditing = False

    def compose(self) -> ComposeResult:
        """Put the bar below the panels."""
        yield from super().compose()
        yield PolicyStrip()
        yield ScrubBar()

    def show_view(self, view: DashboardView) -> None:
        """Show the meeting and the bar at the cursor."""
        super().show_view(view)
        self.show_cursor()
        what_if = self.dependencies.what_if
        if what_if is not None and not self._is_auditing and not self.player.head.is_loading:
            self._is_auditing = True
            self._audit(what_if)

    def show_cursor(self) -> None:
        """Show the bar, and what the chosen policy comes to."""
        super().show_cursor()
        what_if = self.dependencies.what_if
        if what_if is not None:
            chosen = what_if.find(self._chosen)
            self.query_one(PolicyStrip).show_policy(what_if.audit, chosen, self.player.head.t)

    def action_back(self) -> None:
        """Give the other panels their places again, or go back to the bar; there is nothing behind it."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.action_focus_bar()

    def action_choose_policy(self) -> None:
        """Show what other policies would have kept and cost, to choose one."""
        what_if = self.dependencies.what_if
        if what_if is None:
            self.notify("there is no recording here to try other policies on", severity="warning")
            return
        before = self._chosen
        own = what_if.find_own(self.player.first_looking)
        beside = before or (own.policy.name if own else None)

        def take(choice: PolicyChoice | None) -> None:
            if choice is None or choice.is_beside:
                self._show_policy(before)
            else:
                self._show_policy(choice.name)
            if choice is not None and choice.is_beside and choice.name and beside:
                self.app.push_screen(TwoPoliciesScreen(self.player, what_if, (beside, choice.name)))

        self.app.push_screen(PoliciesScreen(what_if, beside, self._show_policy), take)

    @work(exclusive=True, group="audit")
    async def _audit(self, what_if: WhatIf) -> None:
        await what_if.make(self.player.first_looking, self._show_audit)

    def _show_audit(self) -> None:
        """Show what has become known: another policy's figures, and what it missed."""
        self._show_policy(self._chosen)

    def _show_policy(self, name: str | None) -> None:
        self._chosen = name
        what_if = self.dependencies.what_if
        if what_if is not None:
            shown = what_if.find(name) or what_if.find_own(self.player.first_looking)
            self.player.show_missed(shown.coverage.missed_us if shown else ())
        self.show_cursor()
