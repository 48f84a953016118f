"""`meetctl sessions list` and `show`: the real command on real bundles, running, ended and killed."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from tests.session_bundles import STARTED, TALK, USE, open_journal, write_session

from meetctl import bootstrap
from meetctl.reports.session_page import print_sessions

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.conftest import MeetctlRunner

OLD, NEW = "20261116T090000Z-standup-aaaaaa", "20261117T090000Z-review-bbbbbb"


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    """Two sessions: an old one of one tenant that ended, and a newer one that was killed."""
    place = tmp_path / "sessions"
    write_session(place, OLD)
    write_session(
        place, NEW, started=STARTED + timedelta(days=1), room="review", tenant_id="globex", has_ended=False
    )
    return place


def listed(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "meetctl.sessions/1"
    return [one["session_id"] for one in document["sessions"]]


def summary(done: subprocess.CompletedProcess[str], expect: int = 0) -> dict[str, Any]:
    assert done.returncode == expect, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["schema"] == "meetctl.session-summary/1"
    return document


def test_list_shows_the_newest_first_with_what_is_known(meetctl: MeetctlRunner, sessions: Path) -> None:
    done = meetctl("sessions", "list", "--sessions", sessions)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines() if "2026111" in line]
    assert [row[0] for row in rows] == [NEW, OLD]
    assert (rows[0][1:3], rows[0][-3]) == (["review", "globex"], "killed")
    assert (rows[1][1:3], rows[1][-3]) == (["standup", "acme"], "ended")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], [NEW, OLD]),
        (["--tenant", "acme"], [OLD]),
        (["--room", "review"], [NEW]),
        (["--state", "ended"], [OLD]),
        (["--state", "ended", "--state", "killed"], [NEW, OLD]),
        (["--since", "2026-11-17"], [NEW]),
        (["--limit", "1"], [NEW]),
        (["--tenant", "nobody"], []),
    ],
)
def test_list_takes_only_what_is_asked_for(
    meetctl: MeetctlRunner, sessions: Path, options: list[str], found: list[str]
) -> None:
    assert listed(meetctl("sessions", "list", "--json", "--sessions", sessions, *options)) == found


def test_list_says_what_it_leaves_out_and_what_is_broken(meetctl: MeetctlRunner, sessions: Path) -> None:
    (sessions / OLD / "session.json").unlink()
    done = meetctl("sessions", "list", "--sessions", sessions)
    assert f"warning: {sessions / OLD}: session.json is missing" in done.stderr
    assert "ended, broken" in done.stdout
    done = meetctl("sessions", "list", "--limit", "1", "--sessions", sessions)
    assert "1 older one is not shown" in done.stderr


@pytest.mark.parametrize("width", [200, 80, 50])
def test_list_cuts_nothing_off_however_narrow_it_is(sessions: Path, width: int) -> None:
    bundles = bootstrap.session_catalogue(sessions).list_sessions()
    console = Console(file=StringIO(), width=width)
    print_sessions(bundles, STARTED + timedelta(days=2), console)
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    shown = "".join(line.split()[0] for line in lines if line.startswith(" ") and line.strip())
    assert OLD in shown
    assert "killed" in console.file.getvalue()
    assert ("globex" in console.file.getvalue()) == (width > 50)


def test_list_without_sessions_or_with_a_wrong_time(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    done = meetctl("sessions", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no sessions in" in done.stderr
    done = meetctl("sessions", "list", "--since", "soon")
    assert done.returncode == 2
    assert "'soon' is no point in time" in done.stderr
    (tmp_path / "file").write_text("")
    done = meetctl("sessions", "list", "--sessions", tmp_path / "file")
    assert done.returncode == 1
    assert "cannot be read" in done.stderr


def test_the_environment_says_where_sessions_are(meetctl: MeetctlRunner, sessions: Path) -> None:
    done = meetctl("sessions", "list", "--json", env={"MEETCTL_SESSIONS": str(sessions)})
    assert listed(done) == [NEW, OLD]


def test_show_tells_a_session_on_one_page(meetctl: MeetctlRunner, sessions: Path) -> None:
    done = meetctl("sessions", "show", "20261116", "--sessions", sessions)
    assert (done.returncode, done.stderr) == (0, "")
    text = " ".join(done.stdout.split())
    for part in (
        "session " + OLD,
        "tenant acme",
        "2026-11-16 09:00:00 UTC, 12 s; ended: everyone left",
        "people Maya Chen; 1 agent",
        "turns 1 (1 done)",
        "frames 3 seen, 1 kept, 1 sent",
        "first sound 0.90 s 0.90 s 1",
        "openai gpt-4.1 1,300 in, 20 out $0.00276 –",
        "cartesia sonic-3 40 chars – $0.002",
        "total $0.00276 $0.002",
        "priced 100% of 2 uses",
        "trouble: none",
        f"meetctl replay --fps 1 {sessions / OLD}",
    ):
        assert part in text, part


def test_show_json_has_reported_and_estimated_apart(meetctl: MeetctlRunner, sessions: Path) -> None:
    document = summary(meetctl("sessions", "show", OLD, "--json", "--sessions", sessions))
    assert document["cost"]["usd"] == "0.004760"
    assert (document["cost"]["reported_usd"], document["cost"]["estimated_usd"]) == ("0.002760", "0.002000")
    assert (document["cost"]["priced"], document["cost"]["offline"]) == (1.0, False)
    assert document["turns"]["latency"]["total_s"] == {"turns": 1, "p50_s": 0.9, "p95_s": 0.9}
    assert (document["state"], document["complete"]) == ("ended", True)


def test_show_takes_a_path_elsewhere(meetctl: MeetctlRunner, recordings: Path, tmp_path: Path) -> None:
    shutil.copytree(recordings / "live-demo", tmp_path / "meeting")
    done = meetctl("sessions", "show", "meeting", "--json", cwd=tmp_path)
    document = summary(done)
    assert document["frames"] == {"seen": 1960, "kept": 65, "looked": 0, "sent": 20}
    assert document["cost"]["offline"] is True
    done = meetctl("sessions", "show", tmp_path)
    assert done.returncode == 1
    assert "is no bundle" in done.stderr


def test_show_of_what_has_no_price_ends_with_5_and_names_it(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    unpriced = {**USE, "provider": "acme", "model": "new-model", "usd": None, "usd_by_unit": None}
    write_session(tmp_path, OLD, talk=[*TALK, ("llm.request", unpriced)])
    done = meetctl("sessions", "show", "last", "--sessions", tmp_path)
    assert done.returncode == 5
    text = " ".join(done.stdout.split())
    assert "priced 66.7% of 3 uses" in text
    assert "acme new-model 1,300 in, 20 out n/a" in text
    assert "total ≥ $0.00276 $0.002" in text
    assert "no price: acme/new-model input_tokens, acme/new-model output_tokens" in done.stderr
    document = summary(meetctl("sessions", "show", "last", "--json", "--sessions", tmp_path), expect=5)
    assert document["cost"]["unpriced"][0] == {
        "provider": "acme",
        "model": "new-model",
        "unit": "input_tokens",
    }
    assert document["complete"] is False


def test_show_of_a_damaged_journal_ends_with_5_and_says_how_much(
    meetctl: MeetctlRunner, sessions: Path
) -> None:
    journal = sessions / OLD / "events.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    lines[5] = "not an event\n"
    del lines[3]
    journal.write_text("".join(lines))
    done = meetctl("sessions", "show", OLD, "--sessions", sessions)
    assert done.returncode == 5
    assert "1 line of the journal cannot be read" in done.stdout
    assert "2 events of the journal are missing, by their numbers" in done.stdout
    assert "the bundle is damaged: 2 events of 12 missing" in done.stderr


def test_show_of_a_session_that_runs_and_of_one_that_was_killed(
    meetctl: MeetctlRunner, sessions: Path
) -> None:
    running = sessions / "20261118T090000Z-now-cccccc"
    running.mkdir()
    journal = open_journal(running, running.name, room="now")
    journal.append("session.started", {"agent": "meetctl"})
    journal.append("turn.started", {"turn": 1, "participant": "maya"})
    done = meetctl("sessions", "show", running, "--json")
    document = summary(done, expect=5)
    assert (document["state"], document["turns"]["started"], document["ended_at"]) == ("running", 1, None)
    journal.close()
    done = meetctl("sessions", "show", NEW, "--sessions", sessions)
    assert done.returncode == 0
    assert "killed: its journal has no end" in done.stdout


def test_show_of_what_is_not_there(meetctl: MeetctlRunner, sessions: Path) -> None:
    done = meetctl("sessions", "show", "2026111", "--sessions", sessions)
    assert done.returncode == 2
    assert f"2 sessions begin with '2026111': {NEW}, {OLD}" in done.stderr
    done = meetctl("sessions", "show", "20261116T090000Z-standpu-aaaaaa", "--sessions", sessions)
    assert done.returncode == 2
    assert f"did you mean {OLD}" in done.stderr
    done = meetctl("sessions", "show", "", "--sessions", sessions)
    assert done.returncode == 2
    assert "there is no session ''" in done.stderr


def test_what_people_named_cannot_steer_the_terminal(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    hostile = "\x1b[31mred[bold]\x07"
    talk = [
        ("participant.joined", {"participant": "x", "name": hostile, "kind": "standard"}),
        ("log", {"level": "warning", "message": hostile}),
    ]
    write_session(tmp_path, OLD, room=hostile, talk=talk)
    shown = meetctl("sessions", "show", "last", "--sessions", tmp_path)
    assert shown.stdout.count("\\x1b[31mred[bold]\\x07") == 3
    in_list = meetctl("sessions", "list", "--sessions", tmp_path)
    assert "\\x1b[31mred" in in_list.stdout
    for done in (shown, in_list):
        assert done.returncode == 0
        assert not {"\x1b", "\x07"} & set(done.stdout + done.stderr)
