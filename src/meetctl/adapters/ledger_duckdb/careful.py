"""Batches that hold what SQL must not read by itself: every line is read by the domain's own functions.

What comes out is of one known shape, which DuckDB then reads: events with fields of the right types, and a
row for each unit of usage, as `read_usage` says it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meetctl.domain.events import Event, parse_journal
from meetctl.domain.session_cost import CostLine, read_usage

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PLACES = 18
"""Decimal places that the ledger keeps of amounts and quantities; what is smaller is rounded half-even."""
_MOST = 10**15
"""A quantity above this is none that anybody used; its event is counted as unreadable."""
_EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)

_WHOLE = ("turn", "kept", "width", "height", "from_us", "as_of_us", "requests", "image_tokens_reconciled")
_COUNTS = ("input_tokens", "cached_input_tokens", "output_tokens", "image_tokens")
_REAL = ("duration_ms", "duration_s")
_TEXT = ("outcome", "reason", "basis", "track", "frame", "detail", "request", "agent", "version")
_NAMES = ("images", "looked")
_TREES = ("policy", "providers", "latency")

_ROW = {
    **dict.fromkeys(("session_id", "ts", "type", "provider", "model", "unit", "basis"), "VARCHAR"),
    **dict.fromkeys(("seq", "turn", "image_tokens"), "BIGINT"),
    **dict.fromkeys(("measured", "usd", "image_usd"), "DECIMAL(38, 18)"),
    **dict.fromkeys(("is_first", "is_priced"), "BOOLEAN"),
}


def write_clean(pieces: Iterable[bytes], events: Path, usage: Path) -> int:
    """Write all events of the pieces, and the rows of their usage; return how many lines are no events.

    Of several events of one session with the same number the first counts.
    """
    seen: set[tuple[str, int]] = set()
    unreadable = 0
    with events.open("w", encoding="utf-8") as event_file, usage.open("w", encoding="utf-8") as usage_file:
        for piece in pieces:
            for event in parse_journal(piece):
                lines = None if event is None else read_usage(event.type, event.fields)
                if event is None or lines is None or not _is_sound(event, lines):
                    unreadable += 1
                    continue
                clean = _clean(event)
                key = (clean["session_id"], clean["seq"])
                if key not in seen:
                    seen.add(key)
                    event_file.write(json.dumps(clean) + "\n")
                    usage_file.writelines(json.dumps(row) + "\n" for row in _rows(clean, lines))
    return unreadable


def stage_rows(connection: DuckDBPyConnection, spool: Path) -> None:
    """Make `staged_usage` from rows that `write_clean` wrote."""
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in _ROW.items())
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE staged_usage AS
        SELECT * REPLACE (make_timestamp(epoch_us(try_cast(ts AS TIMESTAMPTZ))) AS ts)
        FROM read_json($spool, format = 'newline_delimited', columns = {{{columns}}})
        """,
        {"spool": str(spool)},
    )


def _is_sound(event: Event, lines: Iterable[CostLine]) -> bool:
    return abs(event.seq) < 2**63 and all(
        line.quantity <= _MOST and line.image_tokens <= _MOST for line in lines
    )


def _clean(event: Event) -> dict[str, Any]:
    fields = event.fields
    clean: dict[str, Any] = {
        "seq": int(event.seq),
        "ts": _plain(event.ts),
        "t": event.t if isfinite(event.t) else None,
        "type": _plain(event.type),
        "session_id": _plain(event.session_id),
        "tenant_id": _plain(event.tenant_id) if isinstance(event.tenant_id, str) else None,
        "room": _plain(event.room),
        "billed": fields.get("billed") is True,
    }
    clean |= (
        {name: _plain(str(fields.get(name) or "unknown")) for name in ("provider", "model")}
        if (event.type.partition(".")[0] in ("llm", "stt", "tts"))
        else {
            name: _plain(value)
            for name in ("provider", "model")
            if isinstance(value := fields.get(name), str)
        }
    )
    for name in (*_WHOLE, *_COUNTS):
        value = fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MOST:
            clean[name] = value
    clean |= {name: _plain(value) for name in _TEXT if isinstance(value := fields.get(name), str)}
    clean |= {name: value for name in _REAL if _is_real(value := fields.get(name))}
    clean |= {name: _plain_names(value) for name in _NAMES if isinstance(value := fields.get(name), list)}
    clean |= {name: _plain_tree(value) for name in _TREES if isinstance(value := fields.get(name), Mapping)}
    times = fields.get("t_us")
    if isinstance(times, list):
        clean["t_us"] = [0] * len(times)
    elif isinstance(times, int) and abs(times) <= _MOST:
        clean["t_us"] = int(times)
    return clean


def _rows(clean: Mapping[str, Any], lines: Iterable[CostLine]) -> Iterable[dict[str, Any]]:
    lines = list(lines)
    is_priced = all(line.usd is not None for line in lines)
    for place, line in enumerate(lines):
        yield {
            **{name: clean.get(name) for name in ("session_id", "seq", "ts", "type", "turn")},
            "provider": _plain(line.provider),
            "model": _plain(line.model),
            "unit": line.unit,
            "measured": _decimal(line.quantity * 60 if line.unit == "minutes" else line.quantity),
            "usd": None if line.usd is None else _decimal(line.usd),
            "basis": line.basis,
            "image_tokens": line.image_tokens,
            "image_usd": None if line.image_usd is None else _decimal(line.image_usd),
            "is_first": place == 0,
            "is_priced": is_priced,
        }


def _decimal(amount: Decimal | Fraction) -> str:
    exact = (
        amount
        if isinstance(amount, Decimal)
        else _EXACT.divide(Decimal(amount.numerator), Decimal(amount.denominator))
    )
    return f"{exact.quantize(Decimal(1).scaleb(-_PLACES), context=_EXACT):f}"


def _plain(text: str) -> str:
    """Return text that DuckDB takes: no halves of characters, and no zero bytes."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _plain_names(values: Iterable[object]) -> list[str]:
    return [_plain(value) for value in values if isinstance(value, str)]


def _plain_tree(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return two levels of a JSON object, as far as they are texts, numbers and objects of such."""
    plain: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, str):
            plain[_plain(name)] = _plain(value)
        elif _is_real(value):
            plain[_plain(name)] = value
        elif isinstance(value, Mapping):
            plain[_plain(name)] = _plain_tree(value)
    return plain


def _is_real(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and isfinite(value) and abs(value) <= _MOST  # type: ignore[arg-type]
