"""The dashboard's colours."""

from __future__ import annotations

from difflib import get_close_matches

from textual.theme import BUILTIN_THEMES

from meetctl.errors import UsageError

CYCLE = (
    "textual-dark",
    "textual-light",
    "nord",
    "gruvbox",
    "tokyo-night",
    "catppuccin-latte",
    "solarized-light",
    "ansi-dark",
    "ansi-light",
)
"""The themes that `t` goes through; the palette has all of them."""

_FEW_COLOURS = "ansi-dark"
"""For terminals with 16 colours: it takes the terminal's own instead of mixing some."""


def check_theme(name: str | None) -> None:
    """Make sure that there is a theme of this name.

    Raises:
        UsageError: There is none.
    """
    if name is not None and name not in BUILTIN_THEMES:
        close = get_close_matches(name, BUILTIN_THEMES, n=3) or CYCLE
        raise UsageError(f"--theme: there is no theme {name!r}", hint=f"try {', '.join(close)}")


def first_theme(color_system: str | None) -> str:
    """Return the theme to begin with on a terminal that has these colours, in Rich's words."""
    return CYCLE[0] if color_system in ("256", "truecolor") else _FEW_COLOURS


def next_theme(name: str) -> str:
    """Return the theme that comes after this one.

    >>> next_theme("textual-dark"), next_theme("ansi-light"), next_theme("dracula")
    ('textual-light', 'textual-dark', 'textual-dark')
    """
    return CYCLE[(CYCLE.index(name) + 1) % len(CYCLE)] if name in CYCLE else CYCLE[0]
