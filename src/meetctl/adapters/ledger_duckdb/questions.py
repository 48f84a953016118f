"""What the services ask of requests and frames, as SQL; sums of money are sums of DECIMAL, and exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from meetctl.adapters.ledger_duckdb.selections import group_by, select_rows
from meetctl.domain.ledger import (
    Dimension,
    ImageRequest,
    Interrupted,
    KeptFrames,
    RequestTokens,
    Selection,
    SentImages,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROWS = 10_000
"""So many rows are held at a time where there may be any number."""


def sum_tokens(
    connection: DuckDBPyConnection, selection: Selection, by: Sequence[Dimension]
) -> list[RequestTokens]:
    """Return the tokens of billed requests, by day, provider, model and basis."""
    where, values = select_rows(selection, "billed")
    rows = connection.execute(
        f"""
        WITH one AS (
            SELECT {group_by(by)} AS part, ts::DATE AS day, provider, model, basis,
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
    where, values = select_rows(selection, "billed")
    rows = connection.execute(
        f"""
        WITH sent AS (
            SELECT {group_by(by)} AS part, session, ts::DATE AS day, provider, model, r.detail AS asked,
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
    where, values = select_rows(selection, "billed")
    cursor = connection.execute(
        f"""
        SELECT session, {group_by(by)}, ts::DATE, provider, model,
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
    where, values = select_rows(selection, "NOT looked")
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
        SELECT {group_by(by)} AS part, ts::DATE AS day, provider, model, detail, side, width, height, count(*)
        FROM (SELECT *, false AS looked FROM kept) f JOIN store.sessions s USING (session) {where}
        GROUP BY ALL ORDER BY ALL
        """,
        values,
    ).fetchall()
    names = ("day", "provider", "model", "detail", "side", "width", "height", "frames")
    return [KeptFrames(group=tuple(row[0]), **dict(zip(names, row[1:], strict=True))) for row in rows]


def sum_interrupted(connection: DuckDBPyConnection, selection: Selection) -> list[Interrupted]:
    """Return what requests cost that were cut off, by provider."""
    where, values = select_rows(selection, "outcome <> 'done'", "billed")
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
