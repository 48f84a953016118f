"""What `c` copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meetctl.tui.sharing import GivesText

if TYPE_CHECKING:
    from textual.screen import Screen


def find_text(screen: Screen[Any]) -> str:
    """Return the text of the innermost part in focus that has one; empty where none has."""
    focused = screen.focused
    parts = [*focused.ancestors_with_self] if focused is not None else [screen]
    return next((part.plain_text() for part in parts if isinstance(part, GivesText)), "")
