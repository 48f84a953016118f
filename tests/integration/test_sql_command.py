"""`meetctl sql`: it answers, and it gets at nothing but the ledger."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from tests.written_journals import write_meeting

from meetctl.core.places import ledger_file, sessions_directory

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MeetctlRunner

VIEWS = ("sessions", "turns", "frames", "requests", "usage", "cost", "events")
COLUMNS = """
SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'main' ORDER BY ALL
"""


@pytest.fixture(autouse=True)
def meeting() -> None:
    write_meeting(sessions_directory())


def test_json_has_exact_money_and_times_in_utc(meetctl: MeetctlRunner) -> None:
    result = meetctl(
        "sql", "--json", "SELECT usd, ts, tenant_id, turn FROM usage WHERE unit = 'minutes' ORDER BY seq"
    )
    document = json.loads(result.stdout)
    assert document["schema"] == "meetctl.sql/1"
    assert document["columns"] == ["usd", "ts", "tenant_id", "turn"]
    assert document["rows"][0] == ["0.000404", "2026-11-16T09:00:06Z", "northwind", 1]


def test_csv_and_stdin(meetctl: MeetctlRunner) -> None:
    result = meetctl("sql", "-", "--format", "csv", input="SELECT NULL AS nothing, type FROM events LIMIT 1")
    assert list(csv.reader(io.StringIO(result.stdout))) == [["nothing", "type"], ["", "session.started"]]


def test_a_table_shows_null_and_how_many_rows_there_are(meetctl: MeetctlRunner) -> None:
    result = meetctl("sql", "SELECT range AS number, NULL AS nothing FROM range(250)")
    assert "NULL" in result.stdout
    assert len([line for line in result.stdout.splitlines() if line.strip()]) == 2 + 200
    assert "200 of 250 rows" in result.stderr


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_has_rows(meetctl: MeetctlRunner, view: str) -> None:
    document = json.loads(meetctl("sql", "--json", f"FROM {view}").stdout)
    assert document["rows"]


def test_each_view_and_column_is_documented_and_none_is_made_up(meetctl: MeetctlRunner, root: Path) -> None:
    page = (root / "docs" / "ledger.md").read_text(encoding="utf-8")
    told: set[tuple[str, str]] = set()
    for part in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        section = part.partition("\n## ")[0]
        view = section.split("\n", 1)[0].strip("` ")
        for row in re.findall(r"^\| ((?:`\w+`,? ?)+) \|", section, flags=re.MULTILINE):
            told |= {(view, column) for column in re.findall(r"`(\w+)`", row)}
    rows = json.loads(meetctl("sql", "--json", COLUMNS).stdout)["rows"]
    assert told == {(view, column) for view, column in rows}


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM store.usage",
        "CREATE TABLE mine (a INTEGER)",
        "UPDATE store.usage SET usd = 0",
        "COPY (SELECT 1) TO '{place}/out.csv'",
        "EXPORT DATABASE '{place}/out'",
        "ATTACH '{place}/other.duckdb'",
        "SELECT * FROM read_text('{place}/secret')",
        "FROM '{place}/secret'",
        "FROM glob('{place}/*')",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "PRAGMA enable_profiling; SET profiling_output = '{place}/out'",
        "LOAD '{place}/secret'",
        "INSTALL httpfs",
        "SELECT getenv('HOME')",
    ],
)
def test_a_query_cannot_write_or_read_elsewhere(meetctl: MeetctlRunner, tmp_path: Path, query: str) -> None:
    (tmp_path / "secret").write_text("nobody may read this")
    result = meetctl("sql", query.format(place=tmp_path))
    assert result.returncode == 2, result.stdout
    assert "nobody may read this" not in result.stdout + result.stderr
    assert len(result.stderr.splitlines()) == 2
    assert [path.name for path in tmp_path.iterdir() if path.name != "home0"] == ["secret"]


def test_with_write_it_changes_the_ledger_and_still_nothing_else(
    meetctl: MeetctlRunner, tmp_path: Path
) -> None:
    assert meetctl("sql", "--write", "DELETE FROM store.usage").returncode == 0
    assert json.loads(meetctl("sql", "--json", "SELECT count(*) FROM usage").stdout)["rows"] == [[0]]
    assert meetctl("sql", "--write", f"COPY (SELECT 1) TO '{tmp_path}/out.csv'").returncode == 2
    assert list(tmp_path.glob("out*")) == []


def test_an_error_is_one_line_with_its_place(meetctl: MeetctlRunner) -> None:
    result = meetctl("sql", "SELECT usd\nFROM usage\nWHERE colour = 3")
    assert result.returncode == 2
    assert "colour" in result.stderr.splitlines()[0]
    assert result.stderr.splitlines()[0].endswith("(line 3, column 7)")


@pytest.mark.parametrize("query", ["", "   ", "/* nothing */"])
def test_no_query_is_said_so(meetctl: MeetctlRunner, query: str) -> None:
    result = meetctl("sql", query)
    assert (result.returncode, result.stdout) == (2, "")
    assert "there is no query" in result.stderr


def test_a_directory_of_sessions_that_is_not_there(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    result = meetctl("sql", "FROM usage", "--sessions", tmp_path / "nowhere")
    assert result.returncode == 2
    assert "is no directory" in result.stderr
    assert not ledger_file().exists()
