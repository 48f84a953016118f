"""The pages of docs/commands: what each command's help says, made by walking the command tree."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer
import typer.main

from docs.blocks import fence
from docs.guides import PAGE_OF
from docs.markdown import table
from meetctl.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / "docs" / "commands"
_WIDTH = 100
_MADE = "<!-- Made by `make docs` from the help of each command. -->"


def make_pages() -> dict[Path, str]:
    """Return every page of docs/commands, and an empty text for one that there should not be any more."""
    root = typer.main.get_command(app)
    context = _context(root, "meetctl", None)
    groups = [_Command(name, child, context) for name, child in _children(root)]
    pages = {DIRECTORY / f"{group.name}.md": _page(group) for group in groups}
    pages[DIRECTORY / "README.md"] = _index(context, groups)
    return dict.fromkeys(DIRECTORY.glob("*.md"), "") | pages


class _Command:
    """A command, or a group of them, with its place in the tree."""

    def __init__(self, name: str, command: Any, parent: typer.Context) -> None:
        self.name = name
        self.context = _context(command, name, parent)
        self.line = self.context.command_path
        self.does = " ".join((command.help or "").strip().partition("\n\n")[0].split())
        self.children = [_Command(child, below, self.context) for child, below in _children(command)]
        self.runs = not self.children or getattr(command, "invoke_without_command", False)

    def leaves(self) -> Iterator[_Command]:
        """Yield each command that does something, at this place or below."""
        if self.runs:
            yield self
        for child in self.children:
            yield from child.leaves()

    def help(self) -> str:
        """Return what --help prints, as wide as these pages are."""
        text: str = self.context.command.get_help(self.context)
        return text

    def guide(self) -> str:
        """Return a link to the page that explains it; empty where none does."""
        page = PAGE_OF.get(tuple(self.line.split()[1:]), "")
        target = Path(os.path.relpath(ROOT / page, DIRECTORY)).as_posix()
        return f"[{Path(page).stem}]({target})" if page else ""


def _context(command: Any, name: str, parent: typer.Context | None) -> typer.Context:
    return typer.Context(
        command,
        parent=parent,
        info_name=name,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        **command.context_settings,
    )


def _children(command: Any) -> list[tuple[str, Any]]:
    return [(name, child) for name, child in getattr(command, "commands", {}).items() if not child.hidden]


def _page(group: _Command) -> str:
    parts = [f"# meetctl {group.name}", _MADE]
    leaves = list(group.leaves())
    if group.children:
        rows = [[f"[`{one.line}`](#{one.line.replace(' ', '-')})", _cell(one.does)] for one in leaves]
        parts += [group.does, table(["command", "does"], rows, right_from=2)]
    for one in leaves:
        parts += [f"## {one.line}"] if group.children else []
        parts += [f"Guide: {guide}"] if (guide := one.guide()) else []
        parts += [fence("text", one.help())]
    return "\n\n".join(parts) + "\n"


def _index(root: typer.Context, groups: Sequence[_Command]) -> str:
    rows = []
    for group in groups:
        guides = dict.fromkeys(guide for one in group.leaves() if (guide := one.guide()))
        rows.append([f"[`meetctl {group.name}`]({group.name}.md)", _cell(group.does), ", ".join(guides)])
    parts = [
        "# Commands",
        _MADE,
        "Each command with all its options, as `--help` prints them. The guides say more, with real output.",
        table(["command", "does", "guide"], rows, right_from=3),
        "These may stand before every command:",
        fence("text", root.command.get_help(root).partition("\nCommands:")[0]),
    ]
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
