from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from tests.written_audit import written_audit

from meetctl.adapters.audit_duckdb import export_parquet, save_audit
from meetctl.bootstrap import AuditTask, audit_recordings
from meetctl.domain.audit import RecordingAudit
from meetctl.domain.billing import MEANINGS
from meetctl.domain.policy import Policy
from meetctl.errors import OutputError
from meetctl.services.replay import AuditRequest
from meetctl.services.summary import make_audit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meetctl.domain.audit import Audit

TABLES = {
    "changes",
    "frames",
    "kept",
    "meta",
    "policies",
    "recordings",
    "requests",
    "results",
    "tracks",
    "warnings",
}
HOLD_OPEN = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def audit(recordings: Path) -> Audit:
    """The sample recordings, audited by the real services."""
    base = Policy(name="", fps=Fraction(1))
    request = AuditRequest(
        base=base,
        policies=(Policy(name="1 fps", fps=Fraction(1)), Policy(name="0.2 fps", fps=Fraction(1, 5))),
        coverage="decode",
    )
    tasks = [
        AuditTask(
            path=recordings / name, request=request, price_files=(), frames_directory=None, frames_folder=name
        )
        for name in ("quarterly-review", "code-walkthrough", "live-demo")
    ]
    found = [one for _, one in audit_recordings(tasks, jobs=1, progress_of=lambda _: lambda *_: None)]
    audits = [audit for audit in found if isinstance(audit, RecordingAudit)]
    assert len(audits) == 3
    return make_audit(audits, price_book="2026-11-22", meaning="per_turn", target=0.95, sweep=False)


@pytest.fixture(scope="module")
def saved(audit: Audit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "meetings.duckdb"
    save_audit(audit, path)
    return path


def query(path: Path, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql, list(parameters)).fetchall()


def column(path: Path, sql: str, parameters: Sequence[object] = ()) -> list[object]:
    return [row[0] for row in query(path, sql, parameters)]


def test_file_has_the_documented_tables_and_nothing_beside_it(saved: Path) -> None:
    assert set(column(saved, "SELECT table_name FROM duckdb_tables()")) == TABLES
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_meta_says_what_made_it(saved: Path) -> None:
    from meetctl import __version__

    assert query(saved, "SELECT schema_name, meetctl_version, price_book, meaning, target FROM meta") == [
        ("meetctl.audit/1", __version__, "2026-11-22", "per_turn", 0.95)
    ]


def test_frames_are_those_of_the_recordings(audit: Audit, saved: Path) -> None:
    rows = query(saved, "SELECT * FROM frames ORDER BY recording, track, frame")
    expected = [
        (number, place, index, t_us, track.size_bytes[index], bool(track.keyframe[index]), 1280, 720)
        for number, recording in enumerate(audit.recordings)
        for place, track in enumerate(recording.recording.tracks)
        for index, t_us in enumerate(track.t_us)
    ]
    assert len(expected) > 4000
    assert rows == expected


def test_kept_frames_changes_and_requests_are_those_of_the_audit(audit: Audit, saved: Path) -> None:
    for number, recording in enumerate(audit.recordings):
        for policy in recording.policies:
            kept = column(
                saved,
                "SELECT t_us FROM kept WHERE recording = ? AND track = 0 AND policy = ? ORDER BY t_us",
                [number, policy.policy.name],
            )
            assert kept == list(policy.kept_us[0])
        changes = column(saved, "SELECT t_us FROM changes WHERE recording = ? ORDER BY t_us", [number])
        assert changes == list(recording.changes_us[0] or ())
        requests = column(saved, "SELECT t_us FROM requests WHERE recording = ? ORDER BY request", [number])
        assert requests == list(recording.requests_us)


def test_every_kept_frame_is_a_frame(saved: Path) -> None:
    assert query(saved, "SELECT * FROM kept ANTI JOIN frames USING (recording, track, t_us)") == []


def test_money_is_exact(audit: Audit, saved: Path) -> None:
    rows = query(saved, "SELECT sent, tokens, usd FROM results")
    expected = [
        (cost.sent, cost.tokens, cost.usd)
        for recording in audit.recordings
        for policy in recording.policies
        for cost in (policy.costs[meaning] for meaning in MEANINGS)
    ]
    assert rows == expected
    assert all(isinstance(row[2], Decimal) for row in rows)


def test_policies_have_their_coverage(audit: Audit, saved: Path) -> None:
    rows = query(
        saved, "SELECT policy, is_baseline, kept, changes, seen, coverage, delay_p95_s, fps FROM policies"
    )
    assert rows == [
        (
            p.policy.name,
            p.is_baseline,
            p.kept,
            p.coverage.changes,
            p.coverage.seen,
            p.coverage.ratio,
            p.coverage.delay_s(95),
            None if p.policy.fps is None else float(p.policy.fps),
        )
        for recording in audit.recordings
        for p in recording.policies
    ]


def test_unpriced_and_unknown_is_null_and_never_zero(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    save_audit(written_audit(), path)
    unpriced = query(
        path,
        "SELECT count(*), count(usd), count(usd_per_min), count(saving) FROM results"
        " JOIN policies USING (recording, policy) WHERE model = 'nobody-prices-this'",
    )
    assert unpriced == [(6, 0, 0, 0)]
    assert query(path, "SELECT track, changes FROM tracks ORDER BY ALL") == [(0, 2), (0, None), (1, None)]
    assert query(path, "SELECT changes, coverage FROM policies WHERE recording = 1") == [(None, None)] * 3


def test_frames_have_the_size_they_have_at_their_time(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    save_audit(written_audit(), path)
    widths = column(path, "SELECT width FROM frames WHERE recording = 0 ORDER BY frame")
    assert widths == [640, 640, 640, 640, 1280, 1280]


def test_times_of_day_are_in_utc(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    save_audit(written_audit(), path)
    hours = column(path, "SELECT hour(recorded_at_utc) FROM recordings ORDER BY recording")
    assert hours == [7, 9]


def test_warnings_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    save_audit(written_audit(), path)
    assert query(path, "FROM warnings") == [(0, "films/review: the end is missing"), (0, "=another")]


def test_a_name_that_is_no_unicode_is_kept_as_far_as_it_is(tmp_path: Path) -> None:
    audit, name = written_audit(), os.fsdecode(b"caf\xe9.mkv")
    recording = replace(audit.recordings[0].recording, path=Path(name))
    first = replace(audit.recordings[0], recording=recording, warnings=(f"{name} is cut off",))
    save_audit(replace(audit, recordings=(first,)), tmp_path / "a.duckdb")
    assert query(
        tmp_path / "a.duckdb", "SELECT path, warning FROM recordings JOIN warnings USING (recording)"
    ) == [("caf\N{REPLACEMENT CHARACTER}.mkv", "caf\N{REPLACEMENT CHARACTER}.mkv is cut off")]


def test_an_own_file_is_replaced_and_its_log_goes(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    path.write_bytes(saved.read_bytes())
    (tmp_path / "a.duckdb.wal").touch()
    save_audit(written_audit(), path)
    assert column(path, "SELECT count(*) FROM frames") == [18]
    assert [file.name for file in tmp_path.iterdir()] == ["a.duckdb"]


def test_a_link_is_followed_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "link.duckdb").symlink_to("real.duckdb")
    save_audit(written_audit(), tmp_path / "link.duckdb")
    assert (tmp_path / "link.duckdb").is_symlink()
    assert column(tmp_path / "real.duckdb", "SELECT count(*) FROM frames") == [18]


@pytest.mark.parametrize("content", [b"", b"notes that somebody needs", b"SQLite format 3\0" * 64])
def test_another_file_is_not_touched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.duckdb"
    path.write_bytes(content)
    with pytest.raises(OutputError, match=re.escape(f"{path} exists and is no DuckDB file")):
        save_audit(written_audit(), path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("made_by", ["CREATE TABLE sales (usd INT)", "CREATE TABLE meta AS SELECT 1 AS x"])
def test_another_database_is_not_touched(tmp_path: Path, made_by: str) -> None:
    path = tmp_path / "sales.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(made_by)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="holds no audit of meetctl") as raised:
        save_audit(written_audit(), path)
    assert raised.value.hint == "choose another name, or remove it first"
    assert path.read_bytes() == before


def test_a_broken_database_is_not_touched(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    path.write_bytes(saved.read_bytes()[:5000])
    with pytest.raises(OutputError, match=re.escape(str(path))) as raised:
        save_audit(written_audit(), path)
    assert "\n" not in raised.value.message
    assert path.stat().st_size == 5000


def test_a_file_that_another_program_has_open_is_not_replaced(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    path.write_bytes(saved.read_bytes())
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_OPEN, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(OutputError, match=re.escape(str(path))):
            save_audit(written_audit(), path)
        other.communicate("")
    assert column(path, "SELECT count(*) FROM recordings") == [3]


@pytest.mark.parametrize("name", ["", "missing/a.duckdb"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=re.escape(str(tmp_path / name))):
        save_audit(written_audit(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_parquet_files_hold_the_same_tables(audit: Audit, saved: Path, tmp_path: Path) -> None:
    directory = tmp_path / "out [1]"
    export_parquet(audit, directory)
    export_parquet(audit, directory)
    assert {path.name for path in directory.iterdir()} == {f"{table}.parquet" for table in TABLES}
    for table in TABLES:
        # By pattern, because DuckDB reads the brackets of the directory's name as one.
        from_parquet = duckdb.read_parquet(f"{tmp_path}/out*/{table}.parquet")
        with duckdb.connect(str(saved), read_only=True) as connection:
            assert from_parquet.fetchall() == connection.table(table).fetchall()
            assert from_parquet.types == connection.table(table).types


def test_parquet_files_are_compressed_with_zstandard(audit: Audit, tmp_path: Path) -> None:
    export_parquet(audit, tmp_path)
    used = duckdb.execute(
        "SELECT DISTINCT compression FROM parquet_metadata(?)", [str(tmp_path / "frames.parquet")]
    )
    assert used.fetchall() == [("ZSTD",)]


def test_parquet_files_of_others_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "frames.parquet").write_text("somebody's")
    with pytest.raises(OutputError, match=r"frames\.parquet exists and is no table of meetctl's"):
        export_parquet(written_audit(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["frames.parquet"]
    assert (tmp_path / "frames.parquet").read_text() == "somebody's"


def test_parquet_needs_a_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=re.escape(str(tmp_path / "file"))):
        export_parquet(written_audit(), tmp_path / "file")


def test_every_column_is_explained_and_documented(saved: Path, root: Path) -> None:
    columns = query(
        saved, "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal"
    )
    assert [row for row in columns if not row[3]] == []
    page = (root / "docs" / "replay-sql.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(\w+)` \| `(\w+)` \| `([^`]+)` \| (.+) \|$", page, re.MULTILINE))
    assert documented == set(columns)


def test_queries_of_the_docs_give_what_the_docs_show(saved: Path, root: Path) -> None:
    page = (root / "docs" / "replay-sql.md").read_text(encoding="utf-8")
    queries = re.findall(r"```sql\n(.+?)```\n\n```text\n(.+?)```", page, re.DOTALL)
    assert len(queries) == 3
    with duckdb.connect(str(saved), read_only=True) as connection:
        assert [str(connection.sql(sql)).strip() for sql, _ in queries] == [
            text.strip() for _, text in queries
        ]
