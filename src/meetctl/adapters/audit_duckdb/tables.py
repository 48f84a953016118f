"""The tables of an audit, filled column by column; data/audit.sql says what they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from importlib.resources import files
from typing import TYPE_CHECKING

from meetctl import __version__
from meetctl.domain.billing import MEANINGS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from duckdb import DuckDBPyConnection

    from meetctl.domain.audit import Audit, PolicyAudit, RecordingAudit
    from meetctl.domain.recording import Track

    Column = npt.NDArray[np.generic]

SCHEMA = "meetctl.audit/1"


def fill_tables(connection: DuckDBPyConnection, audit: Audit) -> None:
    """Make the tables in an empty database, and fill them in one transaction."""
    connection.execute((files("meetctl") / "data" / "audit.sql").read_text(encoding="utf-8"))
    connection.begin()
    meta = {
        "schema_name": SCHEMA,
        "meetctl_version": __version__,
        "price_book": audit.price_book,
        "meaning": audit.meaning,
        "target": audit.target,
    }
    _insert_records(connection, "meta", [meta])
    _insert_records(connection, "recordings", [_recording(n, r) for n, r in enumerate(audit.recordings)])
    for number, recording in enumerate(audit.recordings):
        _fill_recording(connection, number, recording)
    connection.commit()


def _fill_recording(connection: DuckDBPyConnection, number: int, audit: RecordingAudit) -> None:
    key: dict[str, object] = {"recording": number}
    _insert_records(connection, "warnings", [{**key, "warning": warning} for warning in audit.warnings])
    _insert_records(connection, "tracks", [{**key, **track} for track in _tracks(audit)])
    _insert_records(connection, "policies", [{**key, **_policy(policy)} for policy in audit.policies])
    results = [{**key, **result} for policy in audit.policies for result in _results(policy)]
    _insert_records(connection, "results", results)
    _insert_columns(connection, "requests", _numbered("request", audit.requests_us), key)
    for place, track in enumerate(audit.recording.tracks):
        of_track = {**key, "track": place}
        _insert_columns(connection, "frames", _frames(track), of_track)
        _insert_columns(connection, "changes", {"t_us": _integers(audit.changes_us[place] or ())}, of_track)
        for policy in audit.policies:
            kept = {"t_us": _integers(policy.kept_us[place])}
            _insert_columns(connection, "kept", kept, {**of_track, "policy": policy.policy.name})


def _insert_columns(
    connection: DuckDBPyConnection, table: str, columns: Mapping[str, Column], same: Mapping[str, object]
) -> None:
    """Append columns of equal length; `same` holds what is alike in all their rows."""
    constants = "".join(f"? AS {name}, " for name in same)
    connection.register("columns", dict(columns))
    connection.execute(
        f"INSERT INTO {table} BY NAME SELECT {constants}* FROM columns", [*map(_unicode, same.values())]
    )
    connection.unregister("columns")


def _insert_records(
    connection: DuckDBPyConnection, table: str, records: Sequence[Mapping[str, object]]
) -> None:
    """Append records, all with the same keys, as columns."""
    import numpy as np

    if not records:
        return
    columns = {
        name: np.fromiter((_unicode(record[name]) for record in records), dtype=object, count=len(records))
        for name in records[0]
    }
    _insert_columns(connection, table, columns, {})


def _recording(number: int, audit: RecordingAudit) -> dict[str, object]:
    recording = audit.recording
    return {
        "recording": number,
        "path": str(recording.path),
        "kind": recording.kind,
        "duration_us": recording.duration_us,
        "recorded_at_utc": _utc(recording.recorded_at),
        "recorded_at_source": recording.recorded_at_source,
        "priced_at_utc": _utc(audit.priced_at),
        "turns": audit.turns,
        "has_audio": recording.has_audio,
        "damaged": recording.damaged,
    }


def _tracks(audit: RecordingAudit) -> Iterator[dict[str, object]]:
    for number, (track, changes) in enumerate(zip(audit.recording.tracks, audit.changes_us, strict=True)):
        yield {
            "track": number,
            "name": track.name,
            "media": str(track.media),
            "stream": track.stream,
            "codec": track.codec,
            "frames": len(track.t_us),
            "fps": track.fps,
            "changes": None if changes is None else len(changes),
        }


def _frames(track: Track) -> dict[str, Column]:
    import numpy as np

    count = len(track.t_us)
    lengths = np.diff([run.first for run in track.runs], append=count)
    return {
        **_numbered("frame", track.t_us),
        "size_bytes": _integers(track.size_bytes),
        "keyframe": np.frombuffer(track.keyframe, dtype=np.bool_),
        "width": np.repeat([run.width for run in track.runs], lengths),
        "height": np.repeat([run.height for run in track.runs], lengths),
    }


def _policy(audit: PolicyAudit) -> dict[str, object]:
    policy, coverage = audit.policy, audit.coverage
    return {
        "policy": policy.name,
        "is_baseline": audit.is_baseline,
        "is_cheapest": audit.is_cheapest,
        "model": policy.model,
        "detail": policy.detail,
        "fps": _real(policy.fps),
        "window_frames": policy.window,
        "side_px": policy.side,
        "gate_percent": _real(policy.gate),
        "rule": audit.rule,
        "tokens_per_frame": audit.tokens_per_frame,
        "kept": audit.kept,
        "coverage_method": coverage.method,
        "changes": coverage.changes,
        "seen": coverage.seen,
        "coverage": coverage.ratio,
        "delay_p50_s": coverage.delay_s(50),
        "delay_p95_s": coverage.delay_s(95),
    }


def _results(audit: PolicyAudit) -> Iterator[dict[str, object]]:
    for meaning in MEANINGS:
        cost = audit.costs[meaning]
        yield {
            "policy": audit.policy.name,
            "meaning": meaning,
            "sent": cost.sent,
            "tokens": cost.tokens,
            "usd": _decimal_text(cost.usd, 12),
            "usd_per_min": _decimal_text(cost.usd_per_min, 6),
            "usd_per_hour": _decimal_text(cost.usd_per_hour, 6),
            "saving": audit.saving[meaning],
        }


def _numbered(name: str, t_us: Sequence[int]) -> dict[str, Column]:
    import numpy as np

    return {name: np.arange(len(t_us)), "t_us": _integers(t_us)}


def _integers(values: Sequence[int]) -> Column:
    """Return a column of 64-bit integers; an `array` of such is not copied."""
    import numpy as np

    return np.asarray(values, dtype=np.int64)


def _real(number: Fraction | None) -> float | None:
    return None if number is None else float(number)


def _decimal_text(amount: Decimal | None, decimals: int) -> str | None:
    """Round half-even, as CSV and JSON do, and hand over text: DuckDB alone would round half up."""
    if amount is None:
        return None
    rounded = amount.quantize(
        Decimal((0, (1,), -decimals)), context=Context(prec=60, rounding=ROUND_HALF_EVEN)
    )
    return f"{rounded:f}"


def _utc(moment: datetime) -> datetime:
    """Return a time in UTC without its zone, as DuckDB's TIMESTAMP has it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _unicode(value: object) -> object:
    """Return a text as valid Unicode, other values as they are.

    Bytes of a file name that are no UTF-8 come as lone surrogates, which DuckDB refuses.
    """
    return (
        value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if isinstance(value, str)
        else value
    )
