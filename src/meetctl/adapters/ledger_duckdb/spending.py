"""What was spent, from sums that are kept while folding: a question never reads all usage.

A sum is that of one session, day, model, unit and basis. A period that begins or ends within a day takes its
part of that day from the usage itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from meetctl.adapters.ledger_duckdb.selections import as_utc, group_by, select_whose, where
from meetctl.domain.ledger import Completeness, Dimension, Selection, Spending

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SUMS = """
SELECT session, ts::DATE AS day, provider, model, unit, basis, count(*) AS usage_rows,
       count(usd) AS priced_rows, count(image_usd) AS priced_image_rows, count(*) FILTER (is_first) AS uses,
       count(*) FILTER (is_first AND is_priced) AS priced_uses, sum(measured) AS measured,
       coalesce(sum(measured) FILTER (usd IS NULL), 0) AS unpriced, coalesce(sum(usd), 0) AS usd,
       sum(image_tokens)::BIGINT AS image_tokens, coalesce(sum(image_usd), 0) AS image_usd
FROM {usage} GROUP BY ALL
"""


def keep_sums(connection: DuckDBPyConnection) -> None:
    """Add the sums of the usage that is staged, whose sessions are known."""
    staged = "staged_usage JOIN store.sessions USING (session_id)"
    connection.execute(f"INSERT INTO store.spending BY NAME {_SUMS.format(usage=staged)}")


def sum_spending(
    connection: DuckDBPyConnection, selection: Selection, by: Sequence[Dimension]
) -> list[Spending]:
    """Return sums of usage, by the dimensions and by provider, model, unit and basis."""
    sums, values = _select_sums(selection)
    rows = connection.execute(
        f"""
        SELECT {group_by(by, day="day")}, provider, model, unit, basis, sum(measured), sum(usd),
               sum(unpriced), sum(uses)::BIGINT, sum(priced_uses)::BIGINT, sum(image_tokens)::BIGINT,
               sum(image_usd), sum(usage_rows) > sum(priced_image_rows)
        FROM ({sums}) s
        GROUP BY ALL ORDER BY ALL
        """,
        values,
    ).fetchall()
    names = ("uses", "priced_uses", "image_tokens", "image_usd", "has_unpriced_images")
    return [
        Spending(
            group=tuple(group),
            provider=provider,
            model=model,
            unit=unit,
            basis=basis,
            quantity=_quantity(measured, unit),
            usd=usd,
            unpriced=_quantity(unpriced, unit),
            **dict(zip(names, counts, strict=True)),
        )
        for group, provider, model, unit, basis, measured, usd, unpriced, *counts in rows
    ]


def count_completeness(connection: DuckDBPyConnection, selection: Selection) -> Completeness:
    """Return what may be missing in the sums of the same selection."""
    sums, values = _select_sums(selection)
    row = connection.execute(
        f"""
        SELECT count(*), count(*) FILTER (NOT has_ended),
               coalesce(sum(greatest(last_seq + 1 - events, 0)), 0)::BIGINT
        FROM store.sessions SEMI JOIN ({sums}) USING (session)
        """,
        values,
    ).fetchone()
    whose, values = select_whose(selection)
    undated = connection.execute(
        f"""
        SELECT coalesce(sum(uses), 0)::BIGINT FROM store.spending JOIN store.sessions s USING (session)
        {where("day IS NULL", *whose)}
        """,
        values,
    ).fetchone()
    unreadable = connection.execute("SELECT unreadable FROM store.meta").fetchone()
    sessions, unended, missing = row or (0, 0, 0)
    return Completeness(
        sessions=sessions,
        unended=unended,
        missing_events=missing,
        unreadable_lines=unreadable[0] if unreadable else 0,
        undated_uses=undated[0] if undated else 0,
    )


def _select_sums(selection: Selection) -> tuple[str, dict[str, Any]]:
    """Return a query for the sums of a selection, each with its session's names, and its values."""
    whose, values = select_whose(selection)
    whole_days, rest, moments = _split_period(selection)
    sums = f"SELECT * FROM store.spending {where(*whole_days)}"
    if rest:
        usage = f"store.usage WHERE {' OR '.join(rest)}"
        sums = f"{sums} UNION ALL BY NAME {_SUMS.format(usage=usage)}"
    return (
        f"""
        SELECT u.*, tenant_id, room, session_id
        FROM ({sums}) u JOIN store.sessions s USING (session) {where(*whose)}
        """,
        values | moments,
    )


def _split_period(selection: Selection) -> tuple[list[str], list[str], dict[str, Any]]:
    """Return conditions for a period's whole days, for its parts of other days, and their values."""
    since, until = (
        None if moment is None else as_utc(moment) for moment in (selection.since, selection.until)
    )
    if since is not None and until is not None and since.date() >= until.date():
        return ["false"], ["ts >= $since AND ts < $until"], {"since": since, "until": until}
    days, rest = [], []
    values: dict[str, Any] = {}
    if since is not None:
        values["first_day"] = since.date()
        days.append("day >= $first_day" if _is_midnight(since) else "day > $first_day")
        if not _is_midnight(since):
            values["since"] = since
            rest.append("(ts >= $since AND ts < $first_day::DATE + INTERVAL 1 DAY)")
    if until is not None:
        values["last_day"] = until.date()
        days.append("day < $last_day")
        if not _is_midnight(until):
            values["until"] = until
            rest.append("(ts >= $last_day::DATE AND ts < $until)")
    return days, rest, values


def _is_midnight(moment: datetime) -> bool:
    return moment.time() == time()


def _quantity(measured: Decimal, unit: str) -> Fraction:
    """Return a quantity in its unit; minutes are kept in seconds, whose decimals end."""
    return Fraction(measured) / 60 if unit == "minutes" else Fraction(measured)
