"""What every catalogue of sessions promises, and what only one of real bundles can be asked."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.fakes.session_catalogue import InMemoryCatalogue
from tests.session_bundles import STARTED, open_journal, write_session

from meetctl.adapters import session_catalogue
from meetctl.adapters.delivery_state import usage_waits
from meetctl.adapters.session_catalogue import DirectoryCatalogue
from meetctl.domain.events import parse_journal
from meetctl.errors import MediaError
from meetctl.services.sessions import read_session

if TYPE_CHECKING:
    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.ports import SessionCatalogue

OLD, NEW = "20261116T090000Z-standup-aaaaaa", "20261117T090000Z-review-bbbbbb"
HOLDING = """
import sys, time
from pathlib import Path
from tests.session_bundles import open_journal
bundle = Path(sys.argv[1])
journal = open_journal(bundle, bundle.name)
journal.append("session.started", {"agent": "meetctl"})
print("open", flush=True)
time.sleep(3600)
"""


def real(sessions: Path) -> DirectoryCatalogue:
    return DirectoryCatalogue(sessions, usage_waits=usage_waits)


@pytest.fixture(params=["fake", "directory"])
def catalogue(request: pytest.FixtureRequest, tmp_path: Path) -> SessionCatalogue:
    """Two sessions: an old one that ended, and a newer one that was killed."""
    write_session(tmp_path, OLD)
    write_session(tmp_path, NEW, started=STARTED + timedelta(days=1), room="review", has_ended=False)
    files = real(tmp_path)
    if request.param == "directory":
        return files
    return InMemoryCatalogue(
        {
            bundle.path: (bundle, list(parse_journal((bundle.path / "events.jsonl").read_bytes())))
            for bundle in files.list_sessions()
        }
    )


def by_id(catalogue: SessionCatalogue) -> dict[str, SessionBundle]:
    return {bundle.session_id: bundle for bundle in catalogue.list_sessions()}


def test_sessions_are_listed_newest_first_with_whose_and_when(catalogue: SessionCatalogue) -> None:
    new, old = catalogue.list_sessions()
    assert (new.session_id, new.room, new.tenant_id, new.state) == (NEW, "review", "acme", "killed")
    assert (old.session_id, old.room, old.state, old.started_at) == (OLD, "standup", "ended", STARTED)
    assert old.ended_at == STARTED + timedelta(seconds=12)
    assert (old.problems, old.usage_waits, old.pruned_at) == ((), False, None)


def test_a_bundle_is_looked_up_by_its_path_and_read(catalogue: SessionCatalogue, tmp_path: Path) -> None:
    bundle = catalogue.look_up(tmp_path / OLD)
    reading = read_session(bundle, catalogue)
    assert (reading.state.turns.ended, reading.state.about.has_ended) == (1, True)
    assert not reading.is_partial
    with pytest.raises(MediaError, match="is no bundle"):
        catalogue.look_up(tmp_path / "elsewhere")


def test_sizes_are_those_of_all_files_and_of_the_recording(tmp_path: Path) -> None:
    path = write_session(tmp_path, media=b"x" * 1000)
    (path / "segments").mkdir()
    (path / "segments" / "0001-TR.mkv").write_bytes(b"y" * 500)
    bundle = real(tmp_path).look_up(path)
    assert bundle.media_bytes == 1500
    assert bundle.size_bytes == sum(f.stat().st_size for f in path.rglob("*") if f.is_file())


def test_a_session_runs_as_long_as_its_writer_does_however_that_ends(tmp_path: Path, root: Path) -> None:
    path = tmp_path / NEW
    path.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(path)], cwd=root, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        running = real(tmp_path).look_up(path)
        assert (running.state, running.ended_at) == ("running", None)
        writer.kill()
        writer.wait()
    killed = real(tmp_path).look_up(path)
    assert (killed.state, killed.ended_at is not None) == ("killed", True)


def test_an_open_journal_is_running_even_behind_its_end_and_a_closed_one_has_ended(tmp_path: Path) -> None:
    path = tmp_path / OLD
    path.mkdir()
    journal = open_journal(path, OLD)
    journal.append("session.ended", {"reason": "everyone left"})
    assert real(tmp_path).look_up(path).state == "running"
    journal.close()
    assert real(tmp_path).look_up(path).state == "ended"


def test_a_reader_that_was_in_the_way_delays_the_lock_and_not_the_meeting(tmp_path: Path) -> None:
    """The reader holds its lock when the journal begins, and lets go of it later."""
    path = tmp_path / OLD
    path.mkdir()
    real_open = os.open
    readers: list[int] = []

    def open_and_read(name: Path, flags: int, mode: int = 0o777) -> int:
        descriptor = real_open(name, flags, mode)
        readers.append(real_open(name, os.O_RDONLY))
        fcntl.flock(readers[0], fcntl.LOCK_SH)
        return descriptor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", open_and_read)
        journal = open_journal(path, OLD)
    assert journal.append("log", {}).seq == 0
    os.close(readers[0])
    while session_catalogue.is_written(path / "events.jsonl") is not True:
        pass
    journal.close()
    assert session_catalogue.is_written(path / "events.jsonl") is False


def test_broken_bundles_are_named_and_the_others_still_listed(tmp_path: Path) -> None:
    write_session(tmp_path, OLD)
    no_journal = write_session(tmp_path, "no-journal")
    (no_journal / "events.jsonl").unlink()
    no_document = write_session(tmp_path, "no-document")
    (no_document / "session.json").write_text("{")
    garbage = write_session(tmp_path, "garbage")
    (garbage / "events.jsonl").write_bytes(b"\x00\xff" * 100)
    empty = write_session(tmp_path, "empty")
    (empty / "events.jsonl").write_bytes(b"")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "todo.txt").write_text("not a session")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "session.json").write_text("{}")
    found = {bundle.path.name: bundle for bundle in real(tmp_path).list_sessions()}
    assert set(found) == {OLD, "no-journal", "no-document", "garbage", "empty"}
    assert found["no-journal"].problems == ("events.jsonl is missing",)
    assert found["no-journal"].state == "unknown"
    assert found["no-document"].problems == ("session.json cannot be read",)
    assert found["no-document"].session_id == "no-document"
    assert found["garbage"].problems == ("events.jsonl does not begin with an event",)
    assert found["empty"].problems == ("events.jsonl does not begin with an event",)
    assert found[OLD].problems == ()


def test_a_torn_last_line_is_passed_over(tmp_path: Path) -> None:
    path = write_session(tmp_path, OLD)
    with (path / "events.jsonl").open("ab") as file:
        file.write(b'{"v":1,"seq":99,"ty')
    bundle = real(tmp_path).look_up(path)
    assert (bundle.state, bundle.problems) == ("ended", ())
    assert read_session(bundle, real(tmp_path)).unreadable == 0


def test_a_long_last_line_is_found(tmp_path: Path) -> None:
    path = write_session(tmp_path, OLD, talk=[("log", {"text": "x"})], has_ended=False)
    journal = path / "events.jsonl"
    line = json.loads(journal.read_text().splitlines()[-1])
    long = {**line, "seq": 2, "type": "session.ended", "reason": "y" * 300_000}
    journal.write_text(journal.read_text() + json.dumps(long) + "\n")
    assert real(tmp_path).look_up(path).state == "ended"


def test_what_waits_for_a_backend_and_what_was_pruned_is_told(tmp_path: Path) -> None:
    path = write_session(tmp_path, OLD, waits=True)
    document = json.loads((path / "session.json").read_text())
    document["pruned"] = {"at": "2026-11-20T00:00:00Z"}
    (path / "session.json").write_text(json.dumps(document))
    (bundle,) = real(tmp_path).list_sessions()
    assert bundle.usage_waits
    assert bundle.pruned_at is not None
    assert f"{bundle.pruned_at:%Y-%m-%d}" == "2026-11-20"


def test_a_place_without_sessions_has_none_and_one_that_is_a_file_is_said(tmp_path: Path) -> None:
    assert real(tmp_path / "nowhere").list_sessions() == []
    (tmp_path / "file").write_text("")
    with pytest.raises(MediaError, match="cannot be read"):
        real(tmp_path / "file").list_sessions()


def test_a_journal_that_goes_while_it_is_read_is_said(tmp_path: Path) -> None:
    path = write_session(tmp_path, OLD)
    bundle = real(tmp_path).look_up(path)
    shutil.rmtree(path)
    with pytest.raises(MediaError, match=r"events\.jsonl cannot be read"):
        list(real(tmp_path).read_events(bundle))
