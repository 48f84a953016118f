"""The dialog that changes how the agent looks: rate and detail, and what an hour costs by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual.widgets import Input, Label, Static

from meetctl.domain.control import check_arguments
from meetctl.domain.policy import DETAILS, parse_rate
from meetctl.domain.view.action_effects import describe_looking
from meetctl.errors import UsageError
from meetctl.reports.money import format_usd
from meetctl.reports.plain_text import show_plain
from meetctl.tui.screens.action_dialog import ActionDialog

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from meetctl.domain.state import SessionState
    from meetctl.domain.view.projection import HourProjection
    from meetctl.tui.action_runner import ActionOrder, ActionRunner
    from meetctl.tui.dependencies import ProjectHour


class PolicyDialog(ActionDialog):
    """Takes another rate and detail, and shows what they come to before they hold."""

    CONFIRM: ClassVar[str] = "Change"

    def __init__(
        self,
        runner: ActionRunner,
        title: str,
        state: SessionState,
        order_of: Callable[[Mapping[str, Any]], ActionOrder],
        project: ProjectHour | None,
    ) -> None:
        super().__init__(runner, title)
        self._state = state
        self._order_of = order_of
        self._project = project

    def compose_question(self) -> ComposeResult:
        """Ask for the rate and the detail, with those that hold now."""
        looking = self._state.looking
        yield Static(f"Now: {show_plain(describe_looking(looking))}", id="question", markup=False)
        yield Label("Frames kept a second: 0.5, 1, every-frame", markup=False)
        yield Input(looking.fps or "", id="fps", classes="field", compact=True)
        yield Label(f"Detail: {', '.join(DETAILS)}", markup=False)
        yield Input(looking.detail or "", id="detail", classes="field", compact=True)
        yield Static("", id="projection", markup=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what an hour costs by what is typed."""
        event.stop()
        self.query_one("#projection", Static).update(self._describe_cost())

    def make_order(self) -> ActionOrder:
        """Return the change, of what is not as it was."""
        changes = self._changes()
        if not changes:
            raise UsageError("nothing is changed", hint="type another rate or detail")
        return self._order_of(check_arguments("policy", changes))

    def _changes(self) -> dict[str, str]:
        looking = self._state.looking
        typed = {name: self.query_one(f"#{name}", Input).value.strip() for name in ("fps", "detail")}
        known = {"fps": looking.fps, "detail": looking.detail}
        changes = {name: value for name, value in typed.items() if value and value != known[name]}
        if "fps" in changes and looking.fps and _is_same_rate(changes["fps"], looking.fps):
            # An order of it would change nothing that a view could show.
            del changes["fps"]
        return changes

    def _describe_cost(self) -> str:
        """Return what an hour costs now and then, and what that takes for granted."""
        if self._project is None:
            return "Projected cost: not known here"
        try:
            changes = self._changes()
            checked = check_arguments("policy", changes) if changes else {}
        except UsageError as error:
            return f"Projected cost: {error.message}"
        now, then = self._project(self._state, {}), self._project(self._state, checked)
        if now is None or then is None:
            return "Projected cost: n/a, as the journal does not say how the agent looks"
        lines = [f"Projected cost an hour: {_describe(now)} now, {_describe(then)} then"]
        if changes:
            lines += [f"  {one}" for one in then.assumptions]
        return "\n".join(lines)


def _is_same_rate(typed: str, known: str) -> bool:
    """Tell whether two texts are one rate, as 0.5 and 1/2 are; what is no rate is refused later."""
    try:
        return parse_rate(typed) == parse_rate(known)
    except UsageError:
        return False


def _describe(projection: HourProjection) -> str:
    """Return an hour's cost; of images at list price too, where nothing is paid for them."""
    paid = format_usd(projection.usd)
    listed = projection.vision_list_usd
    if listed is None or listed == projection.vision_usd:
        return paid
    return f"{paid} (images at list price {format_usd(listed)})"
