"""Moving a replay's cursor by keys, on every screen that has a scrub bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.screen import Screen

from meetctl.tui.screens.go_to import GoToScreen
from meetctl.tui.widgets.scrub_bar import MINUTE, ScrubBar

if TYPE_CHECKING:
    from textual.binding import BindingType

    from meetctl.services.dashboard.player import Direction, Player


class TransportScreen(Screen[None]):
    """Has a player and a scrub bar; the keys work wherever the focus is.

    Left, right, home and end belong to what is in focus, which is the bar at first; 0 comes back to it.
    One key of a pair stands in the footer for both.
    """

    BINDING_GROUP_TITLE = "Replay"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("space", "toggle_playing", "Play"),
        Binding("full_stop", "step_frame(1)", "Frame", key_display=",/."),
        Binding("comma", "step_frame(-1)", "Frame back", show=False),
        Binding("right_square_bracket", "step_turn(1)", "Turn", key_display="[/]"),
        Binding("left_square_bracket", "step_turn(-1)", "Turn back", show=False),
        Binding("n", "step_marker(1)", "Marker", key_display="n/N"),
        Binding("N", "step_marker(-1)", "Marker back", show=False),
        Binding("plus,equals_sign", "change_speed(1)", "Speed", key_display="-/+"),
        Binding("minus", "change_speed(-1)", "Slower", show=False),
        ("g", "go_to", "Go to"),
        Binding("shift+left", f"seek_by(-{MINUTE})", "Back a minute", show=False),
        Binding("shift+right", f"seek_by({MINUTE})", "On a minute", show=False),
        Binding("0", "focus_bar", "Bar", show=False),
    ]

    player: Player

    def on_mount(self) -> None:
        """Begin at the bar."""
        self.action_focus_bar()

    def show_cursor(self) -> None:
        """Show where the cursor is; panels follow with the next view."""
        self.query_one(ScrubBar).show_head(self.player.head)

    def on_scrub_bar_moved(self, message: ScrubBar.Moved) -> None:
        """Go where somebody pointed."""
        self._seek(message.t)

    def action_focus_bar(self) -> None:
        """Go to the bar, so that left and right move the cursor."""
        self.query_one(ScrubBar).focus()

    def action_toggle_playing(self) -> None:
        """Play, or pause."""
        self.player.toggle()
        self.show_cursor()

    def action_seek_by(self, seconds: float) -> None:
        """Move the cursor."""
        self.player.seek_by(seconds)
        self.show_cursor()

    def action_change_speed(self, steps: int) -> None:
        """Play faster or slower."""
        self.player.change_speed(steps)
        self.show_cursor()

    def action_step_frame(self, direction: Direction) -> None:
        """Go to the next or the last kept frame."""
        self._say_unless(found=self.player.step_frame(direction), what="kept frame")

    def action_step_turn(self, direction: Direction) -> None:
        """Go to where the next or the last turn begins."""
        self._say_unless(found=self.player.step_turn(direction), what="turn")

    def action_step_marker(self, direction: Direction) -> None:
        """Go to the next or the last marker."""
        self._say_unless(found=self.player.step_marker(direction) is not None, what="marker")

    def action_go_to(self) -> None:
        """Ask for a time, and go there."""
        self.app.push_screen(GoToScreen(self.player.head.end_s), self._seek)

    def _seek(self, t: float | None) -> None:
        if t is not None:
            self.player.seek(t)
            self.show_cursor()

    def _say_unless(self, *, found: bool, what: str) -> None:
        self.show_cursor()
        if not found:
            self.notify(f"no further {what} in this direction", timeout=2)
