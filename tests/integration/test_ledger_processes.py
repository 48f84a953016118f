"""The ledger among real processes: two that fold while a third writes, and one that is killed."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import pytest
from tests.written_journals import (
    STT_USE,
    format_lines,
    make_event,
    meeting_events,
    write_journal,
    write_meeting,
)

from meetctl.adapters.ledger_duckdb import DuckLedger
from meetctl.adapters.ledger_duckdb.lock import WAIT_S
from meetctl.adapters.system_clock import SystemClock
from meetctl.core.places import ledger_file, sessions_directory
from meetctl.domain.ledger import DIMENSIONS, Selection
from meetctl.errors import MeetctlError, ServiceError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MeetctlRunner

USES = 400

WRITE = """
import sys
from pathlib import Path
lines = Path(sys.argv[1]).read_bytes().splitlines(keepends=True)
with Path(sys.argv[2]).open("ab", buffering=0) as journal:
    for line in lines:
        # In two writes, so that a reader meets half a line again and again.
        journal.write(line[:20])
        journal.write(line[20:])
print("written", flush=True)
"""

FOLD_SLOWLY = """
import sys
from pathlib import Path
from meetctl.adapters.ledger_duckdb import DuckLedger
from meetctl.adapters.system_clock import SystemClock
ledger, sessions = map(Path, sys.argv[1:])
ledger = DuckLedger(ledger, sessions, clock=SystemClock(), on_waiting=print, batch_bytes=4000)
ledger.fold(lambda step, done, total, unit: print(done, flush=True))
"""


def make_ledger(*, wait_s: float = WAIT_S) -> DuckLedger:
    return DuckLedger(
        ledger_file(), sessions_directory(), clock=SystemClock(), on_waiting=lambda _: None, wait_s=wait_s
    )


def no_progress(step: str, done: float, total: float, unit: str) -> None:
    pass


def stt_usd(ledger: DuckLedger) -> Decimal:
    return sum((one.usd for one in ledger.sum_spending(Selection())), Decimal(0))


def test_two_fold_while_a_third_writes(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_bytes(format_lines(make_event("stt.usage", seq, **STT_USE) for seq in range(USES)))
    journal = write_journal(sessions_directory(), "s1", b"")
    writer = subprocess.Popen([sys.executable, "-c", WRITE, str(lines), str(journal)], stdout=subprocess.PIPE)
    folders = [
        subprocess.Popen(
            [sys.executable, "-m", "meetctl", "cost", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for folder in folders:
        out, errors = folder.communicate()
        assert folder.returncode == 0, errors.decode()
        total = json.loads(out)["total"]
        assert Decimal(total["usd"]) == total["uses"] * Decimal("0.000404")
    writer.communicate()
    assert writer.returncode == 0
    total = json.loads(meetctl("cost", "--json").stdout)["total"]
    assert (total["uses"], Decimal(total["usd"])) == (USES, USES * Decimal("0.000404"))


def test_a_killed_fold_loses_nothing_and_counts_nothing_twice() -> None:
    sessions = sessions_directory()
    events = [make_event("stt.usage", seq, **STT_USE) for seq in range(USES)]
    write_journal(sessions, "s1", format_lines(events))
    program = [sys.executable, "-c", FOLD_SLOWLY, str(ledger_file()), str(sessions)]
    for batches in (1, 3, 2):
        process = subprocess.Popen(program, stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(batches):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    ledger = make_ledger()
    ledger.fold(no_progress)
    (sums,) = ledger.sum_spending(Selection())
    assert (sums.uses, sums.usd) == (USES, USES * Decimal("0.000404"))
    assert next(iter(list(ledger.query("SELECT count(*), count(DISTINCT seq) FROM events"))[1:])) == (
        USES,
        USES,
    )
    names = sorted(path.name for path in ledger_file().parent.iterdir())
    assert names == ["ledger.duckdb", "ledger.duckdb.lock"]


def test_a_ledger_that_was_deleted_is_made_again_the_same() -> None:
    sessions = sessions_directory()
    for number in range(3):
        path = write_meeting(sessions, f"s{number}")
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        make_ledger().fold(no_progress)
        path.write_bytes(whole)
    ledger = make_ledger()
    ledger.fold(no_progress)
    queries = [
        f"FROM {view} ORDER BY ALL" for view in ("sessions", "turns", "frames", "requests", "usage", "events")
    ]
    grown = [list(ledger.query(query)) for query in queries]
    ledger_file().unlink()
    make_ledger().fold(no_progress)
    assert [list(make_ledger().query(query)) for query in queries] == grown
    assert len(grown[-1]) == 1 + 3 * len(meeting_events())


def test_one_that_waits_too_long_says_who_has_it() -> None:
    write_meeting(sessions_directory())
    make_ledger().fold(no_progress)
    with ledger_file().with_name("ledger.duckdb.lock").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ServiceError, match="in use by another meetctl"):
            make_ledger(wait_s=0.1).fold(no_progress)


def test_a_database_that_is_open_elsewhere_is_said_so(meetctl: MeetctlRunner) -> None:
    write_meeting(sessions_directory())
    make_ledger().fold(no_progress)
    with duckdb.connect(str(ledger_file())):
        result = meetctl("cost")
    assert result.returncode == 3
    assert "open in another program" in result.stderr


def test_an_older_ledger_is_brought_up_and_keeps_what_it_has() -> None:
    """That of the first schema had no sums, and the journals may be gone by now."""
    sessions = sessions_directory()
    path = write_meeting(sessions)
    write_journal(sessions, "odd", b"nothing\n")
    ledger = make_ledger()
    ledger.fold(no_progress)
    asked = [
        ledger.sum_spending(Selection(), DIMENSIONS),
        ledger.count_completeness(Selection()),
        list(ledger.query("FROM cost ORDER BY ALL")),
    ]
    take_back = "DROP VIEW cost; DROP TABLE store.spending; UPDATE store.meta SET schema_version = 1"
    list(ledger.query(take_back, write=True))
    path.unlink()
    ledger.fold(no_progress)
    assert asked == [
        ledger.sum_spending(Selection(), DIMENSIONS),
        ledger.count_completeness(Selection()),
        list(ledger.query("FROM cost ORDER BY ALL")),
    ]
    assert len(ledger.sum_spending(Selection(), DIMENSIONS)) == 4
    assert ledger.count_completeness(Selection()).unreadable_lines == 1


def test_the_view_of_costs_is_the_sum_of_usage() -> None:
    sessions = sessions_directory()
    write_meeting(sessions)
    unpriced = {**STT_USE, "usd": None, "usd_by_unit": {"minutes": None}}
    events = [
        make_event("stt.usage", 0, session="s2", **STT_USE),
        make_event("stt.usage", 1, session="s2", **unpriced),
    ]
    write_journal(sessions, "s2", format_lines(events))
    ledger = make_ledger()
    ledger.fold(no_progress)
    _, *kept = ledger.query("FROM cost ORDER BY ALL")
    _, *summed = ledger.query(
        """
        SELECT session_id, tenant_id, room, day, provider, model, unit, basis, count(*) FILTER (is_first),
               (CASE unit WHEN 'minutes' THEN sum(measured) / 60 ELSE sum(measured) END)::DOUBLE,
               CASE WHEN count(usd) = count(*) THEN sum(usd) END, coalesce(sum(usd), 0),
               count(*) FILTER (usd IS NULL), sum(image_tokens)::BIGINT,
               CASE WHEN count(image_usd) = count(*) THEN sum(image_usd) END
        FROM usage GROUP BY session_id, tenant_id, room, day, provider, model, unit, basis ORDER BY ALL
        """
    )
    assert kept == summed
    assert {row[10] for row in kept} >= {None, Decimal("0.001212")}


def test_a_ledger_of_a_newer_meetctl_is_left_alone(meetctl: MeetctlRunner) -> None:
    make_ledger().fold(no_progress)
    list(make_ledger().query("UPDATE store.meta SET schema_version = 99", write=True))
    result = meetctl("cost")
    assert result.returncode == 1
    assert "schema 99" in result.stderr
    assert "update meetctl" in result.stderr


def test_a_damaged_ledger_says_that_it_can_be_deleted(meetctl: MeetctlRunner) -> None:
    make_ledger().fold(no_progress)
    ledger_file().write_bytes(b"\xff" * 20_000)
    result = meetctl("cost")
    assert result.returncode == 1
    assert "delete it and it is made again" in result.stderr


def test_a_database_of_somebody_else_is_left_alone() -> None:
    ledger_file().parent.mkdir(parents=True)
    with duckdb.connect(str(ledger_file())) as connection:
        connection.execute("CREATE TABLE theirs (a INTEGER)")
    with pytest.raises(MeetctlError, match="no ledger of meetctl"):
        make_ledger().fold(no_progress)


def test_the_ledger_is_its_users_alone() -> None:
    write_meeting(sessions_directory())
    make_ledger().fold(no_progress)
    assert ledger_file().parent.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in ledger_file().parent.iterdir()} == {0o600}
