"""What the command palette offers: every key's action, every meeting, every theme."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from meetctl.reports.plain_text import show_plain
from meetctl.tui.messages import MeetingChosen

if TYPE_CHECKING:
    from typing import Any

    from meetctl.domain.view.dashboard import DashboardView


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that can be chosen."""

    words: str
    help: str
    run: Callable[[], Awaitable[Any]] | Callable[[], Any]


class _Commands(Provider):
    """Offers a list of commands, in its order; a search keeps those that match."""

    def commands(self) -> Iterator[Command]:
        """Return what can be chosen now; nothing, unless a kind of command says more."""
        return iter(())

    async def discover(self) -> Hits:
        """Offer everything."""
        for command in self.commands():
            yield DiscoveryHit(Text(command.words), command.run, command.words, command.help)

    async def search(self, query: str) -> Hits:
        """Offer what matches."""
        matcher = self.matcher(query)
        for command in self.commands():
            score = matcher.match(command.words)
            if score > 0:
                yield Hit(score, Text(command.words), command.run, command.words, command.help)


class KeyCommands(_Commands):
    """What the keys do on the screen from which the palette was called."""

    def commands(self) -> Iterator[Command]:
        """Return the keys' actions; of several keys for one action only the first."""
        seen: set[tuple[int, str]] = set()
        for active in self.screen.active_bindings.values():
            binding, known = active.binding, (id(active.node), active.binding.action)
            if not binding.description or not active.enabled or known in seen:
                continue
            seen.add(known)
            run = partial(self.app.run_action, binding.action, active.node)
            yield Command(binding.description, f"key {self.app.get_key_display(binding)}", run)


class MeetingCommands(_Commands):
    """The meetings, to go to."""

    def commands(self) -> Iterator[Command]:
        """Return every meeting that is known."""
        view: DashboardView | None = getattr(self.app, "view", None)
        for meeting in view.meetings if view is not None else ():
            run = partial(self.app.post_message, MeetingChosen(meeting.key))
            yield Command(f"Open the meeting {show_plain(meeting.room)}", "", run)


class ThemeCommands(_Commands):
    """The themes."""

    def commands(self) -> Iterator[Command]:
        """Return every theme, but for the one that is on."""
        for name in self.app.available_themes:
            if name != self.app.theme:
                yield Command(f"Theme {name}", "", partial(setattr, self.app, "theme", name))
