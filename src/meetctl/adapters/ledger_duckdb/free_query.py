"""A query that the user wrote: it gets at the ledger and at nothing else of the machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from meetctl.errors import UsageError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROWS = 10_000
"""So many rows are held at a time."""

_SETTINGS = (
    "SET errors_as_json = true",
    # A name in the query never means a variable of this program.
    "SET python_enable_replacements = false",
    # No other file, database or address, whatever the query says; and the query cannot take that back.
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


def answer_query(connection: DuckDBPyConnection, sql: str) -> Iterator[tuple[object, ...]]:
    """Yield the columns' names, then the rows.

    Raises:
        UsageError: The query is wrong; the message says where.
    """
    import duckdb

    for setting in _SETTINGS:
        connection.execute(setting)
    try:
        if not connection.extract_statements(sql):
            raise UsageError("there is no query", hint="give one, or - to read it from stdin")
        cursor = connection.execute(sql)
        yield tuple(column[0] for column in cursor.description or ())
        while rows := cursor.fetchmany(_ROWS):
            yield from rows
    except duckdb.Error as error:
        raise UsageError(
            _explain(error, sql), hint="docs/ledger.md lists the views and their columns"
        ) from error


def _explain(error: Exception, sql: str) -> str:
    """Return DuckDB's own words in one line, with the place in the query where it says one."""
    try:
        document = json.loads(str(error)[str(error).index("{") :])
    except ValueError:
        return f"the query failed: {str(error).splitlines()[0]}"
    kind = str(document.get("exception_type", "")).lower()
    text = " ".join(str(document.get("exception_message", "")).split("\n\n")[0].split())
    place = ""
    if str(document.get("position", "")).isdigit():
        before = sql.encode()[: int(document["position"])].decode(errors="replace")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        place = f" (line {line}, column {column})" if "\n" in sql.strip() else f" (column {column})"
    return f"the query failed: {kind} error, {text}{place}"
