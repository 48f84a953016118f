"""A group of commands that does one of them where none is named."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class SummaryByDefault(TyperGroup):
    """Takes what follows the group's name for `summary`, unless it is another command or asks for help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name in where it is left out."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["summary", *args]
        return super().parse_args(ctx, args)
