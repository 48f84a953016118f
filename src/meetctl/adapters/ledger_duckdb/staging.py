"""One batch of journal lines as temporary tables: `staged`, a row an event, and `staged_usage`, a row a unit.

What a usage event means is said by `read_usage` of domain/session_cost.py. For lines of the shape that the
agent writes (`_REGULAR`), SQL says the same several times faster; a property test holds that both agree. As
soon as one line of a batch has another shape, all of it goes through Python (careful.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from meetctl.domain.session_cost import OFFLINE, USAGE_TYPES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_USAGE = ", ".join(f"'{kind}'" for kind in USAGE_TYPES)
_REQUESTS = "'llm.request', 'llm.probe'"

_COLUMNS = {
    # What must be told apart by its JSON type is read as JSON, for DuckDB would take "7" for 7.
    **dict.fromkeys(("seq", "t", "t_us", "billed", "image_usd", "policy", "providers", "latency"), "JSON"),
    **dict.fromkeys(("input_tokens", "cached_input_tokens", "output_tokens", "image_tokens"), "JSON"),
    **dict.fromkeys(("audio_s", "characters"), "JSON"),
    **dict.fromkeys(("turn", "kept", "width", "height", "from_us", "as_of_us", "requests"), "BIGINT"),
    **dict.fromkeys(("duration_ms", "duration_s"), "DOUBLE"),
    **dict.fromkeys(("ts", "type", "session_id", "tenant_id", "room", "provider", "model"), "VARCHAR"),
    **dict.fromkeys(("outcome", "reason", "basis", "track", "frame", "detail", "request"), "VARCHAR"),
    **dict.fromkeys(("agent", "version"), "VARCHAR"),
    **dict.fromkeys(("images", "looked"), "VARCHAR[]"),
    "image_tokens_reconciled": "BIGINT",
    "usd_by_unit": "STRUCT(input_tokens JSON, cached_input_tokens JSON, output_tokens JSON, minutes JSON,"
    " characters JSON)",
}

_COUNT = "[0-9]{1,15}"
_AMOUNT = '"[0-9]{1,15}([.][0-9]{1,18})?"|null'
_NAME = r'[^\[\]{}"\\]+'
"""A text that no other kind of JSON value reads like, once numbers and the words of JSON are taken out."""
_TYPE = "[a-z]+([._][a-z]+)*"
_NO_NAME = "[-+.0-9eE]+|true|false|null"


def _is(column: str, pattern: str) -> str:
    return f"coalesce(regexp_full_match({column}::VARCHAR, '{pattern}'), true)"


_REGULAR = " AND ".join(
    [
        f"regexp_full_match(seq::VARCHAR, '{_COUNT}')",
        "regexp_full_match(t::VARCHAR, '-?[0-9]{1,15}([.][0-9]{1,15})?')",
        *(
            f"regexp_full_match({name}, '{_NAME}') AND NOT regexp_full_match({name}, '{_NO_NAME}')"
            for name in ("session_id", "room", "provider", "model")
        ),
        "usd_by_unit IS NOT NULL",
        *(_is(name, _COUNT) for name in ("input_tokens", "cached_input_tokens", "output_tokens")),
        *(_is(name, _COUNT) for name in ("image_tokens", "characters")),
        # Of more than 15 digits a floating-point number does not keep all.
        _is("audio_s", "[0-9]{1,15}|[0-9]{1,6}[.][0-9]{1,9}|[0-9]{7}[.][0-9]{1,8}"),
        *(_is(f"usd_by_unit.{unit}", _AMOUNT) for unit in ("input_tokens", "cached_input_tokens")),
        *(_is(f"usd_by_unit.{unit}", _AMOUNT) for unit in ("output_tokens", "minutes", "characters")),
        _is("image_usd", _AMOUNT),
    ]
)
"""The shape of a usage event that SQL reads as `read_usage` does."""

_WHOLE = "try_cast({0}::VARCHAR AS BIGINT)"


def stage_lines(connection: DuckDBPyConnection, spool: Path) -> None:
    """Read a file of whole lines into `staged`; a line that is no event becomes a row without `seq`.

    Raises:
        duckdb.Error: A line is not even JSON that DuckDB reads.
    """
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in _COLUMNS.items())
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE staged AS
        SELECT * EXCLUDE (t_us, ts)
            REPLACE ({_WHOLE.format("seq")} AS seq, try_cast(t::VARCHAR AS DOUBLE) AS t),
            CASE WHEN type IN ({_USAGE}) THEN {_REGULAR} ELSE true END AS is_regular,
            make_timestamp(epoch_us(try_cast(ts AS TIMESTAMPTZ))) AS ts,
            CASE WHEN type = 'video.frames' THEN json_array_length(t_us) END AS frames,
            CASE WHEN type IN ('frame.kept', 'frame.looked') THEN {_WHOLE.format("t_us")} END AS t_us
        FROM read_json($spool, format = 'newline_delimited', columns = {{{columns}}}, ignore_errors = true,
                       maximum_object_size = 2097152)
        """,
        {"spool": str(spool)},
    )


def is_plain(connection: DuckDBPyConnection, lines: int) -> bool:
    """Tell whether SQL may read all of `staged`: so many lines, each an event, usage in its shape."""
    row = connection.execute(
        f"""
        SELECT count(*) FILTER (seq IS NOT NULL AND t IS NOT NULL AND session_id IS NOT NULL AND is_regular),
               count(DISTINCT (session_id, seq)),
               (SELECT bool_and(regexp_full_match(type, '{_TYPE}') AND type NOT IN ('true', 'false'))
                FROM (SELECT DISTINCT coalesce(type, '') AS type FROM staged))
        FROM staged
        """
    ).fetchone()
    return row == (lines, lines, True)


def stage_usage(connection: DuckDBPyConnection) -> None:
    """Make `staged_usage` from usage events of the regular shape."""
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE staged_usage AS
        WITH counted AS (
            SELECT session_id, seq, ts, type, turn, provider, model, usd_by_unit,
                   provider = '{OFFLINE}' AS is_offline,
                   CASE WHEN basis IN ('reported', 'reconciled', 'mixed') THEN basis
                        ELSE 'estimated' END AS basis,
                   coalesce({_WHOLE.format("image_tokens")}, 0) AS images, image_usd,
                   coalesce({_WHOLE.format("input_tokens")}, 0) AS input,
                   coalesce({_WHOLE.format("cached_input_tokens")}, 0) AS cached,
                   coalesce({_WHOLE.format("output_tokens")}, 0) AS output,
                   coalesce(try_cast(audio_s::VARCHAR AS DECIMAL(38, 18)), 0) AS audio_s,
                   coalesce({_WHOLE.format("characters")}, 0) AS characters
            FROM staged
            WHERE type IN ('stt.usage', 'tts.usage')
               OR (type IN ({_REQUESTS}) AND (outcome IS DISTINCT FROM 'failed' OR billed::VARCHAR = 'true'))
        ), listed AS (
            SELECT *, CASE type
                WHEN 'stt.usage' THEN [{_unit("minutes", "audio_s")}]
                WHEN 'tts.usage' THEN [{_unit("characters", "characters")}]
                ELSE [{_unit("input_tokens", "greatest(input - cached, 0)")},
                      {_unit("cached_input_tokens", "cached")}, {_unit("output_tokens", "output")}]
            END AS units
            FROM counted
        ), filled AS (
            SELECT * REPLACE (list_filter(units, lambda one: one.measured > 0) AS units) FROM listed
        ), rows AS (
            SELECT * EXCLUDE (units), unnest(units) AS one, generate_subscripts(units, 1) AS place,
                   len(list_filter(units, lambda one: one.usd IS NULL)) = 0 OR is_offline AS is_priced
            FROM filled
        )
        SELECT session_id, seq, ts, type, turn, provider, model, one.unit AS unit, one.measured AS measured,
               CASE WHEN is_offline THEN 0 ELSE one.usd END AS usd, basis,
               CASE WHEN is_bearer THEN images ELSE 0 END AS image_tokens,
               CASE WHEN NOT is_bearer OR is_offline OR images = 0 THEN 0
                    ELSE {_amount("image_usd")} END AS image_usd,
               place = 1 AS is_first, is_priced
        FROM (
            SELECT *, place = 1 AND one.unit IN ('input_tokens', 'cached_input_tokens') AS is_bearer FROM rows
        )
        """
    )


def _amount(column: str) -> str:
    return f"try_cast(json_extract_string({column}, '$') AS DECIMAL(38, 18))"


def _unit(name: str, measured: str) -> str:
    return (
        f"{{unit: '{name}', measured: ({measured})::DECIMAL(38, 18), usd: {_amount(f'usd_by_unit.{name}')}}}"
    )
