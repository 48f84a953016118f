"""What every spending book promises, held against the fake and the real one, and what only files do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tests.fakes.spending_book import InMemorySpendingBook

from meetctl.adapters.spending_files import FileSpendingBook, read_journals
from meetctl.domain.budget import BudgetLimits
from meetctl.domain.spending import SessionSpending, Spent, add_spent
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.ports import SpendingBook

DAY = date(2026, 11, 16)
NEXT_DAY = DAY + timedelta(days=1)
AT = datetime(2026, 11, 16, 9, tzinfo=UTC)
ENTRY = SessionSpending(
    day=DAY,
    session_id="20261116T090000Z-demo-5c1e77",
    tenant_id="acme",
    room="demo",
    began_at=AT,
    updated_at=AT,
    spent=Spent(usd=Decimal("0.10000000000000000001"), uses=3, unpriced=1),
    meeting=Spent(usd=Decimal("0.3"), uses=9, unpriced=1),
    limits=BudgetLimits(meeting_usd=Decimal("2.50")),
    step="fps=0.2 window=1",
    day_step="detail=low",
)


@pytest.fixture(params=["fake", "files"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> SpendingBook:
    return InMemorySpendingBook() if request.param == "fake" else FileSpendingBook(tmp_path / "budget")


def test_an_entry_is_read_as_it_was_written(book: SpendingBook) -> None:
    book.write(ENTRY)
    assert list(book.of_tenant(DAY, "acme")) == [ENTRY]
    assert list(book.of_day(DAY)) == [ENTRY]


def test_a_session_has_one_entry_a_day_the_last_one(book: SpendingBook) -> None:
    for usd in ("0.1", "0.4", "0.2"):
        book.write(replace(ENTRY, spent=Spent(usd=Decimal(usd), uses=1)))
        assert add_spent(one.spent for one in book.of_tenant(DAY, "acme")).usd == Decimal(usd)


def test_tenants_and_days_are_apart(book: SpendingBook) -> None:
    for tenant in ("acme", "../acme", "Akmé / ☃", "no-tenant", None):
        for day in (DAY, NEXT_DAY):
            book.write(replace(ENTRY, tenant_id=tenant, day=day))
    for tenant in ("acme", "../acme", "Akmé / ☃", "no-tenant", None):
        assert [(one.tenant_id, one.day) for one in book.of_tenant(NEXT_DAY, tenant)] == [(tenant, NEXT_DAY)]
    assert len(book.of_day(DAY)) == 5
    assert list(book.of_tenant(DAY, "globex")) == []
    assert list(book.of_day(NEXT_DAY + timedelta(days=1))) == []


def test_an_entry_is_taken_out_and_one_that_is_not_there_is_no_error(book: SpendingBook) -> None:
    book.write(ENTRY)
    book.write(replace(ENTRY, session_id="another"))
    for _ in range(2):
        book.remove(DAY, "acme", ENTRY.session_id)
        assert [one.session_id for one in book.of_day(DAY)] == ["another"]


def test_earlier_days_are_forgotten(book: SpendingBook) -> None:
    for day in (DAY - timedelta(days=40), DAY, NEXT_DAY):
        book.write(replace(ENTRY, day=day))
    book.forget_before(DAY)
    assert list(book.of_day(DAY - timedelta(days=40))) == []
    assert [len(book.of_day(day)) for day in (DAY, NEXT_DAY)] == [1, 1]


def test_an_ended_session_does_not_run(book: SpendingBook) -> None:
    book.write(ENTRY)
    assert [one.is_running for one in book.of_day(DAY)] == [True]
    book.write(replace(ENTRY, is_running=False))
    assert [one.is_running for one in book.of_day(DAY)] == [False]


def test_what_another_process_writes_is_seen_and_stays_when_it_is_killed(tmp_path: Path) -> None:
    script = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.contract.test_spending_book import ENTRY
from meetctl.adapters.spending_files import FileSpendingBook
FileSpendingBook(Path(sys.argv[1])).write(replace(ENTRY, session_id="theirs"))
print("written", flush=True)
sys.stdin.read()
"""
    ours = FileSpendingBook(tmp_path)
    ours.write(ENTRY)
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        assert {one.session_id: one.is_running for one in ours.of_day(DAY)} == {
            ENTRY.session_id: True,
            "theirs": True,
        }
        process.kill()
    assert {one.session_id: one.is_running for one in ours.of_day(DAY)} == {
        ENTRY.session_id: True,
        "theirs": False,
    }
    assert add_spent(one.spent for one in ours.of_tenant(DAY, "acme")).uses == 6


def test_readers_beside_a_writer_never_see_half_an_entry(tmp_path: Path) -> None:
    reader, seen = FileSpendingBook(tmp_path), set[str]()
    FileSpendingBook(tmp_path).write(ENTRY)

    def write() -> None:
        book = FileSpendingBook(tmp_path)
        for number in range(200):
            book.write(replace(ENTRY, room=f"{number % 2}" * (1 + 4000 * (number % 2))))

    writing = threading.Thread(target=write)
    writing.start()
    while writing.is_alive():
        (entry,) = reader.of_day(DAY)
        seen.add(entry.room)
    writing.join()
    assert seen <= {ENTRY.room, "0", "1" * 4001}
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] == [".json"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"schema": "meetctl.spending/9"}', '{"schema": "meetctl.spending/1"}', "\0\xff"],
)
def test_a_file_that_is_no_entry_counts_for_nothing(text: str, tmp_path: Path) -> None:
    book = FileSpendingBook(tmp_path)
    book.write(ENTRY)
    (path,) = tmp_path.rglob("*.json")
    (path.parent / "broken.json").write_text(text, encoding="latin-1")
    (path.parent / "left.4711.part").write_text("{", encoding="utf-8")
    assert list(book.of_day(DAY)) == [ENTRY]


def test_an_entry_in_the_wrong_place_is_not_a_tenants(tmp_path: Path) -> None:
    book = FileSpendingBook(tmp_path)
    book.write(ENTRY)
    (path,) = tmp_path.rglob("*.json")
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps({**document, "tenant_id": "globex"}), encoding="utf-8")
    assert list(book.of_tenant(DAY, "acme")) == []


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "budget").write_text("a file")
    with pytest.raises(OutputError, match=r"what was spent cannot be written to .*budget"):
        FileSpendingBook(tmp_path / "budget").write(ENTRY)
    assert list(FileSpendingBook(tmp_path / "budget").of_day(DAY)) == []


def test_entries_are_for_their_user_only(tmp_path: Path) -> None:
    FileSpendingBook(tmp_path / "budget").write(ENTRY)
    (path,) = tmp_path.rglob("*.json")
    assert path.parent.stat().st_mode & 0o077 == 0
    assert "acme" not in str(path.relative_to(tmp_path))


def test_only_journals_of_the_day_are_read_and_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    line = '{"seq":0,"t":0,"type":"log","ts":"2026-11-16T09:00:00Z","session_id":"%s"}\n'
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "events.jsonl").write_text(f"no event\n{line % name}" + '{"torn":')
    (tmp_path / "odd" / "events.jsonl").mkdir(parents=True)
    os.utime(tmp_path / "old" / "events.jsonl", (AT.timestamp() - 1, AT.timestamp() - 1))
    found = [[event.session_id for event in events] for events in read_journals(tmp_path, "events.jsonl", AT)]
    assert [one for one in found if one] == [["new"]]
