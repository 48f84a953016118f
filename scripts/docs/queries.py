"""The results of the SQL queries that the documentation shows."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from docs.blocks import Block, BlockError, fence, fenced_text

if TYPE_CHECKING:
    from docs.commands import Commands


def answer_query(commands: Commands, block: Block) -> str:
    """Return the block's query and its result on the database that the block's command saves."""
    import duckdb

    command = block.source.removeprefix("sql: ")
    words = shlex.split(command)
    if "--save" not in words:
        raise BlockError(block, "the command saves no database")
    commands.run(command)
    query = fenced_text(block)
    database = commands.directory / words[words.index("--save") + 1]
    with duckdb.connect(str(database), read_only=True) as connection:
        return f"{fence('sql', query)}\n\n{fence('text', str(connection.sql(query)))}"
