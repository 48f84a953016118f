"""A selection of the services as SQL: its condition, its groups, its values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meetctl.domain.ledger import Dimension, Selection

_GROUPS: dict[Dimension, str] = {
    "tenant": "s.tenant_id",
    "session": "s.session_id",
    "room": "s.room",
    "provider": "provider",
    "model": "model",
}


def group_by(by: Sequence[Dimension], *, day: str = "ts::DATE") -> str:
    """Return the list of a row's values in the dimensions; `day` is where the row has its date."""
    columns = {**_GROUPS, "day": f"strftime({day}, '%Y-%m-%d')"}
    return f"[{', '.join(columns[one] for one in by)}]::VARCHAR[]"


def select_whose(selection: Selection) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions of a selection on `store.sessions s`, and their values; not the period."""
    found: list[str] = []
    values: dict[str, Any] = {}
    for name, column in (("tenant", "s.tenant_id"), ("room", "s.room"), ("session", "s.session_id")):
        if (value := getattr(selection, name)) is not None:
            found.append(f"{column} = ${name}")
            values[name] = value
    return found, values


def select_rows(selection: Selection, *conditions: str) -> tuple[str, dict[str, Any]]:
    """Return the WHERE of a selection of rows that have a `ts`, and the values in it."""
    found, values = select_whose(selection)
    if selection.since is not None:
        found.append("ts >= $since")
        values["since"] = as_utc(selection.since)
    if selection.until is not None:
        found.append("ts < $until")
        values["until"] = as_utc(selection.until)
    return where(*conditions, *found), values


def where(*conditions: str) -> str:
    """Return conditions that all hold; nothing where there are none."""
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def as_utc(moment: datetime) -> datetime:
    """Return a moment as the ledger keeps it."""
    return moment.astimezone(UTC).replace(tzinfo=None)
