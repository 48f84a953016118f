"""What the services ask the ledger, as SQL; sums of money are sums of DECIMAL, and exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from meetctl.domain.ledger import (
    Completeness,
    Dimension,
    ImageRequest,
    Interrupted,
    KeptFrames,
    RequestTokens,
    Selection,
    SentImages,
    Spending,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_GROUPS: dict[Dimension, str] = {
    "tenant": "s.tenant_id",
    "session": "s.session_id",
    "room": "s.room",
    "provider": "provider",
    "model": "model",
    "day": "strftime(ts, '%Y-%m-%d')",
}
_ROWS = 10_000
"""So many rows are held at a time where there may be any number."""


def sum_spending(
    connection: DuckDBPyConnection, selection: Selection, by: Sequence[Dimension]
) -> list[Spending]:
    """Return sums of usage, by the dimensions and by provider, model, unit and basis."""
    where, values = _where(selection)
    rows = connection.execute(
        f"""
        SELECT {_group(by)}, provider, model, unit, basis, sum(measured), coalesce(sum(usd), 0),
               coalesce(sum(measured) FILTER (usd IS NULL), 0), count(*) FILTER (is_first),
               count(*) FILTER (is_first AND is_priced), sum(image_tokens)::BIGINT,
               coalesce(sum(image_usd), 0), count(*) > count(image_usd)
        FROM store.usage u JOIN store.sessions s USING (session) {where}
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
    where, values = _where(selection)
    row = connection.execute(
        f"""
        WITH used AS (
            SELECT DISTINCT session FROM store.usage u JOIN store.sessions s USING (session) {where}
        )
        SELECT count(*), count(*) FILTER (NOT has_ended),
               coalesce(sum(greatest(last_seq + 1 - events, 0)), 0)::BIGINT
        FROM store.sessions SEMI JOIN used USING (session)
        """,
        values,
    ).fetchone()
    others, values = _where(
        Selection(tenant=selection.tenant, room=selection.room, session=selection.session)
    )
    undated = connection.execute(
        f"""
        SELECT count(*) FILTER (is_first AND ts IS NULL)
        FROM store.usage u JOIN store.sessions s USING (session) {others}
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


def sum_tokens(
    connection: DuckDBPyConnection, selection: Selection, by: Sequence[Dimension]
) -> list[RequestTokens]:
    """Return the tokens of billed requests, by day, provider, model and basis."""
    where, values = _where(selection, "billed")
    rows = connection.execute(
        f"""
        WITH one AS (
            SELECT {_group(by)} AS part, ts::DATE AS day, provider, model, basis,
                   cached_input_tokens AS cached, greatest(input_tokens, cached_input_tokens) AS input,
                   output_tokens AS output,
                   least(coalesce(image_tokens_reconciled, image_tokens), input) AS pictured,
                   least(cached, input - pictured) AS cached_text
            FROM store.requests r JOIN store.sessions s USING (session) {where}
        )
        SELECT part, day, provider, model, basis, count(*), sum(input)::BIGINT, sum(cached_text)::BIGINT,
               sum(cached - cached_text)::BIGINT, sum(output)::BIGINT, sum(pictured)::BIGINT
        FROM one GROUP BY ALL ORDER BY ALL
        """,
        values,
    ).fetchall()
    counts = ("requests", "input_tokens", "cached_text_tokens", "cached_image_tokens", "output_tokens")
    names = ("day", "provider", "model", "basis", *counts, "image_tokens")
    return [RequestTokens(group=tuple(row[0]), **dict(zip(names, row[1:], strict=True))) for row in rows]


def count_images(
    connection: DuckDBPyConnection, selection: Selection, by: Sequence[Dimension]
) -> list[SentImages]:
    """Return how many images of each size billed requests sent."""
    where, values = _where(selection, "billed")
    rows = connection.execute(
        f"""
        WITH sent AS (
            SELECT {_group(by)} AS part, session, ts::DATE AS day, provider, model, r.detail AS asked,
                   unnest([{{name: name, looked: false}} FOR name IN coalesce(images, [])] ||
                          [{{name: name, looked: true}} FOR name IN coalesce(r.looked, [])]) AS image
            FROM store.requests r JOIN store.sessions s USING (session) {where}
        ), sized AS (
            SELECT sent.*, f.t_us, f.width, f.height, f.detail
            FROM sent LEFT JOIN store.frames f ON f.session = sent.session AND f.frame = sent.image.name
        )
        SELECT part, day, sized.provider, sized.model, width, height,
               CASE WHEN image.looked THEN NULL ELSE side END AS side,
               coalesce(CASE WHEN image.looked THEN sized.detail ELSE asked END, 'high') AS detail,
               image.looked AS is_looked, count(*)
        FROM sized ASOF LEFT JOIN store.policies p ON p.session = sized.session AND p.from_us <= sized.t_us
        GROUP BY ALL ORDER BY ALL
        """,
        values,
    ).fetchall()
    names = ("day", "provider", "model", "width", "height", "side", "detail", "is_looked", "images")
    return [SentImages(group=tuple(row[0]), **dict(zip(names, row[1:], strict=True))) for row in rows]


def list_image_requests(
    connection: DuckDBPyConnection, selection: Selection, by: Sequence[Dimension]
) -> Iterator[ImageRequest]:
    """Yield billed requests in the order of their sessions, each session's in its own order."""
    where, values = _where(selection, "billed")
    cursor = connection.execute(
        f"""
        SELECT session, {_group(by)}, ts::DATE, provider, model,
               coalesce(len(images), 0) + coalesce(len(looked), 0), image_tokens
        FROM store.requests r JOIN store.sessions s USING (session) {where}
        ORDER BY session, seq
        """,
        values,
    )
    while rows := cursor.fetchmany(_ROWS):
        for session, group, day, provider, model, images, tokens in rows:
            yield ImageRequest(
                session=session,
                group=tuple(group),
                day=day,
                provider=provider,
                model=model,
                images=images,
                tokens=tokens,
            )


def count_kept(
    connection: DuckDBPyConnection, selection: Selection, by: Sequence[Dimension]
) -> list[KeptFrames]:
    """Return how many frames of each size were kept under which policy."""
    where, values = _where(selection, "NOT looked")
    rows = connection.execute(
        f"""
        WITH first AS (
            SELECT session, arg_min(provider, seq) AS provider, arg_min(model, seq) AS model
            FROM store.policies GROUP BY session
        ), asked AS (
            SELECT session, arg_min(provider, seq) AS provider FROM store.requests GROUP BY session
        ), kept AS (
            SELECT f.session, ts, t_us, width, height, p.detail, p.side,
                   coalesce(first.provider, asked.provider) AS provider,
                   coalesce(p.model, first.model) AS model
            FROM (SELECT session, seq, ts, t_us, width, height, looked FROM store.frames) f
            ASOF LEFT JOIN store.policies p ON p.session = f.session AND p.from_us <= f.t_us
            LEFT JOIN first ON first.session = f.session
            LEFT JOIN asked ON asked.session = f.session
            WHERE NOT looked
        )
        SELECT {_group(by)} AS part, ts::DATE AS day, provider, model, detail, side, width, height, count(*)
        FROM (SELECT *, false AS looked FROM kept) f JOIN store.sessions s USING (session) {where}
        GROUP BY ALL ORDER BY ALL
        """,
        values,
    ).fetchall()
    names = ("day", "provider", "model", "detail", "side", "width", "height", "frames")
    return [KeptFrames(group=tuple(row[0]), **dict(zip(names, row[1:], strict=True))) for row in rows]


def sum_interrupted(connection: DuckDBPyConnection, selection: Selection) -> list[Interrupted]:
    """Return what requests cost that were cut off, by provider."""
    where, values = _where(selection, "outcome <> 'done'", "billed")
    rows = connection.execute(
        f"""
        WITH cut AS (
            SELECT session, seq FROM store.requests r JOIN store.sessions s USING (session) {where}
        )
        SELECT provider, count(*) FILTER (is_first), coalesce(sum(usd), 0)
        FROM store.usage SEMI JOIN cut USING (session, seq) GROUP BY provider ORDER BY provider
        """,
        values,
    ).fetchall()
    return [Interrupted(provider=provider, requests=count, usd=usd) for provider, count, usd in rows]


def _group(by: Sequence[Dimension]) -> str:
    return f"[{', '.join(_GROUPS[one] for one in by)}]::VARCHAR[]"


def _where(selection: Selection, *conditions: str) -> tuple[str, dict[str, Any]]:
    """Return the condition of a selection, and the values in it."""
    found = list(conditions)
    values: dict[str, Any] = {}
    for name, column in (("tenant", "s.tenant_id"), ("room", "s.room"), ("session", "s.session_id")):
        if (value := getattr(selection, name)) is not None:
            found.append(f"{column} = ${name}")
            values[name] = value
    if selection.since is not None:
        found.append("ts >= $since")
        values["since"] = _utc(selection.since)
    if selection.until is not None:
        found.append("ts < $until")
        values["until"] = _utc(selection.until)
    return (f"WHERE {' AND '.join(found)}" if found else ""), values


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _quantity(measured: Decimal, unit: str) -> Fraction:
    """Return a quantity in its unit; minutes are kept in seconds, whose decimals end."""
    return Fraction(measured) / 60 if unit == "minutes" else Fraction(measured)
