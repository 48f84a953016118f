"""A staged batch into the ledger's tables; what is known stays as it is, so that nothing counts twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.adapters.ledger_duckdb.spending import keep_sums
from meetctl.domain.session_cost import USAGE_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from duckdb import DuckDBPyConnection

    from meetctl.adapters.ledger_duckdb.journals import Cursor

_REQUESTS = ", ".join(f"'{kind}'" for kind in USAGE_TYPES if kind.startswith("llm."))

_KNOWN = """
FROM {table} JOIN store.sessions USING (session_id) SEMI JOIN store.events known USING (session, seq)
"""

_NEW_SESSIONS = """
INSERT INTO store.sessions (session, session_id)
SELECT nextval('store.session_numbers'), session_id
FROM (SELECT DISTINCT session_id FROM staged) ANTI JOIN store.sessions USING (session_id)
"""

_INSERTS = (
    """
    INSERT INTO store.events
    SELECT session, seq, ts, t, type, turn, provider, model, outcome, staged.reason, duration_ms, frames, kept
    FROM staged JOIN store.sessions USING (session_id)
    """,
    """
    INSERT INTO store.frames
    SELECT session, seq, ts, frame, track, t_us, width, height, detail, type = 'frame.looked'
    FROM staged JOIN store.sessions USING (session_id) WHERE type IN ('frame.kept', 'frame.looked')
    """,
    """
    INSERT INTO store.turn_starts
    SELECT session, seq, turn, ts, t
    FROM staged JOIN store.sessions USING (session_id) WHERE type = 'turn.started'
    """,
    """
    INSERT INTO store.turn_ends
    SELECT session, seq, turn, ts, t, outcome, staged.requests,
           try_cast(latency ->> 'transcript_s' AS DOUBLE),
           try_cast(latency ->> 'end_of_turn_s' AS DOUBLE),
           try_cast(latency ->> 'knowledge_s' AS DOUBLE),
           try_cast(latency ->> 'llm_s' AS DOUBLE),
           try_cast(latency ->> 'tts_s' AS DOUBLE),
           try_cast(latency ->> 'total_s' AS DOUBLE)
    FROM staged JOIN store.sessions USING (session_id) WHERE type = 'turn.ended'
    """,
    """
    INSERT INTO store.policies
    SELECT session, seq, coalesce(from_us, 0), providers ->> '$.llm.provider', policy ->> 'model',
           policy ->> 'detail', try_cast(policy ->> 'side' AS BIGINT)
    FROM staged JOIN store.sessions USING (session_id) WHERE type IN ('session.started', 'policy.changed')
    """,
    f"""
    INSERT INTO store.requests
    SELECT session, seq, ts, t, type, turn, request, coalesce(provider, 'unknown'),
           coalesce(model, 'unknown'), coalesce(outcome, 'done'),
           outcome IS DISTINCT FROM 'failed' OR coalesce(billed::VARCHAR = 'true', false),
           CASE WHEN basis IN ('reported', 'reconciled', 'mixed') THEN basis ELSE 'estimated' END, as_of_us,
           images, looked, detail, coalesce(try_cast(image_tokens::VARCHAR AS BIGINT), 0),
           image_tokens_reconciled,
           coalesce(try_cast(input_tokens::VARCHAR AS BIGINT), 0),
           coalesce(try_cast(cached_input_tokens::VARCHAR AS BIGINT), 0),
           coalesce(try_cast(output_tokens::VARCHAR AS BIGINT), 0)
    FROM staged JOIN store.sessions USING (session_id) WHERE type IN ({_REQUESTS})
    """,
    """
    INSERT INTO store.usage
    SELECT session, seq, ts, type, turn, provider, model, unit, measured, usd, basis, image_tokens, image_usd,
           is_first, is_priced
    FROM staged_usage JOIN store.sessions USING (session_id)
    """,
)

_SESSIONS = f"""
UPDATE store.sessions AS known SET
    room = coalesce(known.room, fresh.room),
    tenant_id = CASE WHEN fresh.tenant_seq > coalesce(known.tenant_seq, -1) THEN fresh.tenant_id
                     ELSE known.tenant_id END,
    tenant_seq = greatest(known.tenant_seq, fresh.tenant_seq),
    agent = coalesce(fresh.agent, known.agent),
    version = coalesce(fresh.version, known.version),
    started = least(known.started, fresh.started),
    last_ts = greatest(known.last_ts, fresh.last_ts),
    ended = coalesce(fresh.ended, known.ended),
    has_ended = known.has_ended OR fresh.has_ended,
    reason = coalesce(fresh.reason, known.reason),
    duration_s = coalesce(fresh.duration_s, known.duration_s),
    frames_seen = known.frames_seen + fresh.frames_seen,
    frames_kept = known.frames_kept + fresh.frames_kept,
    turns = known.turns + fresh.turns,
    requests = known.requests + fresh.requests,
    events = known.events + fresh.events,
    last_seq = greatest(known.last_seq, fresh.last_seq)
FROM (
    SELECT session_id, arg_min(room, seq) AS room,
           arg_max(tenant_id, seq) FILTER (tenant_id <> '') AS tenant_id,
           max(seq) FILTER (tenant_id <> '') AS tenant_seq,
           any_value(agent) FILTER (type = 'session.started') AS agent,
           any_value(version) FILTER (type = 'session.started') AS version,
           min(ts) AS started, max(ts) AS last_ts, max(ts) FILTER (type = 'session.ended') AS ended,
           bool_or(type = 'session.ended') AS has_ended,
           any_value(reason) FILTER (type = 'session.ended') AS reason,
           any_value(duration_s) FILTER (type = 'session.ended') AS duration_s,
           coalesce(sum(frames), 0) AS frames_seen, count(*) FILTER (type = 'frame.kept') AS frames_kept,
           count(*) FILTER (type = 'turn.started') AS turns,
           count(*) FILTER (type IN ({_REQUESTS})) AS requests,
           count(*) AS events, max(seq) AS last_seq
    FROM staged GROUP BY session_id
) AS fresh
WHERE known.session_id = fresh.session_id
"""


def merge_staged(connection: DuckDBPyConnection) -> int:
    """Take everything that is staged and not known yet; return how many events that was."""
    connection.execute(_NEW_SESSIONS)
    for table in ("staged", "staged_usage"):
        known = _KNOWN.format(table=table)
        if _count(connection, f"SELECT count(*) {known}"):
            connection.execute(
                f"DELETE FROM {table} WHERE (session_id, seq) IN (SELECT (session_id, seq) {known})"
            )
    for statement in _INSERTS:
        connection.execute(statement)
    keep_sums(connection)
    connection.execute(_SESSIONS)
    return _count(connection, "SELECT count(*) FROM staged")


def save_cursors(connection: DuckDBPyConnection, cursors: Iterable[Cursor]) -> None:
    """Remember how far journals are folded."""
    rows = list(cursors)
    columns = ("path", "device", "inode", "modified_ns", "folded_bytes", "fingerprint")
    # One statement with lists: DuckDB takes milliseconds for each of many.
    connection.execute(
        f"INSERT OR REPLACE INTO store.journals SELECT {', '.join(f'unnest(${name})' for name in columns)}",
        {name: [getattr(row, name) for row in rows] for name in columns},
    )


def _count(connection: DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
