"""`meetctl sessions export` and `import`: archives that open elsewhere, and are whole or not there."""

from __future__ import annotations

import hashlib
import json
import re
import resource
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.session_bundles import open_journal, write_session

from meetctl.adapters.delivery_state import usage_waits
from meetctl.adapters.session_archive import unpack_archive, write_archive
from meetctl.adapters.session_catalogue import DirectoryCatalogue
from meetctl.errors import MediaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import MeetctlRunner

SESSION = "20261116T090000Z-standup-aaaaaa"
DEMO = "20261122T212405Z-demo-2d0faa"


def manifest_of(archive: Path) -> dict[str, Any]:
    with zipfile.ZipFile(archive) as file:
        (name,) = [name for name in file.namelist() if name.endswith("/manifest.json")]
        manifest: dict[str, Any] = json.loads(file.read(name))
    assert manifest["schema"] == "meetctl.session-archive/1"
    return manifest


def text_of(archive: Path) -> str:
    with zipfile.ZipFile(archive) as file:
        return "\n".join(file.read(name).decode("utf-8", "replace") for name in file.namelist())


def test_an_archive_has_every_file_with_its_hash_and_what_explains_it(
    meetctl: MeetctlRunner, recordings: Path, tmp_path: Path
) -> None:
    target = tmp_path / "demo.zip"
    done = meetctl("sessions", "export", recordings / "live-demo", "-o", target)
    assert (done.returncode, done.stdout) == (0, "")
    assert "written:" in done.stderr
    manifest = manifest_of(target)
    assert (manifest["session_id"], manifest["state"], manifest["complete"]) == (DEMO, "ended", True)
    assert set(manifest["versions"]) == {"meetctl", "price_book"}
    with zipfile.ZipFile(target) as file:
        assert {f"{DEMO}/{one['path']}" for one in manifest["files"]} == set(file.namelist()) - {
            f"{DEMO}/manifest.json"
        }
        for one in manifest["files"]:
            data = file.read(f"{DEMO}/{one['path']}")
            assert (len(data), hashlib.sha256(data).hexdigest()) == (one["bytes"], one["sha256"])
        prices = json.loads(file.read(f"{DEMO}/prices.json"))
        page = file.read(f"{DEMO}/summary.html").decode()
        for name in ("events.jsonl", "session.json", "meeting.mkv"):
            assert file.read(f"{DEMO}/bundle/{name}") == (recordings / "live-demo" / name).read_bytes()
    assert {row["model"] for row in prices["prices"]} >= {"gpt-4.1", "nova-3", "sonic-3"}
    assert [rule["id"] for rule in prices["rules"]] == ["openai-tile/2026-02-26"]
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(?!#)[^"]*', page) == []
    assert "How many pictures did you get?" in page


def test_the_same_session_makes_the_same_archive(
    meetctl: MeetctlRunner, recordings: Path, tmp_path: Path
) -> None:
    shutil.copytree(recordings / "live-demo", tmp_path / "elsewhere")
    for name, bundle in (("one.zip", recordings / "live-demo"), ("two.zip", tmp_path / "elsewhere")):
        assert meetctl("sessions", "export", bundle, "-o", tmp_path / name).returncode == 0
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_an_archive_opens_elsewhere_and_proves_the_same(
    meetctl: MeetctlRunner, recordings: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "demo.zip"
    assert meetctl("sessions", "export", recordings / "live-demo", "-o", archive).returncode == 0
    home = tmp_path / "another-home"
    home.mkdir()
    elsewhere = {"HOME": str(home), "XDG_DATA_HOME": str(home / "data")}
    here = meetctl("sessions", "show", recordings / "live-demo", "--json")
    there = meetctl("sessions", "show", archive, "--json", env=elsewhere)
    assert there.returncode == 0
    told, same = json.loads(here.stdout), json.loads(there.stdout)
    for of_the_place in ("path", "journal", "bytes", "media_bytes", "recording"):
        del told[of_the_place], same[of_the_place]
    assert told == same

    done = meetctl("sessions", "import", archive, env=elsewhere)
    assert done.returncode == 0, done.stderr
    bundle = Path(done.stdout.strip())
    assert bundle == home / "data" / "meetctl" / "sessions" / DEMO
    done = meetctl("replay", "--verify", bundle, env=elsewhere)
    assert done.returncode == 0, done.stderr
    again = meetctl("sessions", "import", archive, env=elsewhere)
    assert again.returncode == 1
    assert "is there already" in again.stderr
    assert [path.name for path in bundle.parent.iterdir()] == [DEMO]


@pytest.mark.parametrize(("options", "status"), [((), 1), (("--verify",), 4)])
def test_replay_names_what_opens_an_archive(
    meetctl: MeetctlRunner, recordings: Path, tmp_path: Path, options: tuple[str, ...], status: int
) -> None:
    archive = tmp_path / "demo.zip"
    assert meetctl("sessions", "export", recordings / "live-demo", "-o", archive).returncode == 0
    done = meetctl("replay", *options, archive)
    assert done.returncode == status
    assert f"{archive} is a ZIP archive; `meetctl sessions import` unpacks a session's" in done.stderr


def test_without_content_nothing_of_it_is_in_the_archive(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    write_session(tmp_path / "s", SESSION)
    target = tmp_path / "report.zip"
    done = meetctl(
        "sessions", "export", "last", "-o", target, "--without-content", "--sessions", tmp_path / "s"
    )
    assert done.returncode == 0, done.stderr
    text = text_of(target)
    for word in ("secret", "Maya", "maya@acme.test", "not really a film"):
        assert word not in text, word
    manifest = manifest_of(target)
    assert (manifest["content"], manifest["media"]) == (False, False)
    shown = json.loads(meetctl("sessions", "show", target, "--json").stdout)
    whole = json.loads(meetctl("sessions", "show", tmp_path / "s" / SESSION, "--json").stdout)
    for part in ("cost", "turns", "frames", "requests", "utterances", "journal_lines"):
        assert shown[part] == whole[part]
    assert [one["participant"] for one in shown["people"]] == ["agent-1", "person-1"]


def test_without_media_the_conversation_is_still_there(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    write_session(tmp_path / "s", SESSION)
    target = tmp_path / "light.zip"
    options: list[str | Path] = ["--without-media", "--sessions", tmp_path / "s", "--json"]
    done = meetctl("sessions", "export", SESSION, "-o", target, *options)
    document = json.loads(done.stdout)
    assert document["schema"] == "meetctl.sessions-export/1"
    assert [(one["session_id"], one["file"]) for one in document["archives"]] == [(SESSION, str(target))]
    assert "secret plan" in text_of(target)
    assert [one["path"] for one in manifest_of(target)["files"]] == [
        "prices.json",
        "summary.html",
        "bundle/events.jsonl",
        "bundle/session.json",
    ]


def test_a_running_session_is_exported_up_to_now_and_marked(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    bundle = tmp_path / "s" / SESSION
    bundle.mkdir(parents=True)
    (bundle / "segments").mkdir()
    (bundle / "segments" / "0001-TR.mkv").write_bytes(b"so far")
    journal = open_journal(bundle, SESSION)
    journal.append("session.started", {"agent": "meetctl"})
    with (bundle / "events.jsonl").open("ab") as file:
        file.write(b'{"torn')
    done = meetctl("sessions", "export", bundle, "-o", tmp_path / "now.zip")
    assert done.returncode == 0, done.stderr
    assert "was running; the archive has it up to now" in done.stderr
    manifest = manifest_of(tmp_path / "now.zip")
    assert (manifest["state"], manifest["complete"], manifest["next_seq"]) == ("running", False, 1)
    assert "bundle/segments/0001-TR.mkv" in [one["path"] for one in manifest["files"]]
    assert "torn" not in text_of(tmp_path / "now.zip")
    assert "was running when it was exported" in text_of(tmp_path / "now.zip")
    journal.close()


def test_several_go_to_a_directory_and_not_to_one_file(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    names = [SESSION, "20261116T100000Z-review-bbbbbb"]
    for name in names:
        write_session(tmp_path / "s", name)
    options: list[str | Path] = ["--sessions", tmp_path / "s", "-o"]
    done = meetctl("sessions", "export", *names, *options, tmp_path / "all.zip")
    assert done.returncode == 2
    assert "2 sessions cannot go to one file" in done.stderr
    (tmp_path / "out").mkdir()
    assert meetctl("sessions", "export", *names, names[0], *options, tmp_path / "out").returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{n}.meetctl.zip" for n in names]


def _limit_files(size: int) -> Callable[[], None]:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.mark.parametrize("command", ["export", "import"])
def test_a_full_disk_leaves_nothing_half(
    meetctl: MeetctlRunner, recordings: Path, tmp_path: Path, command: str
) -> None:
    archive, place = tmp_path / "demo.zip", tmp_path / "sessions"
    arguments = ["export", str(recordings / "live-demo"), "-o", str(archive)]
    if command == "import":
        assert meetctl("sessions", *arguments).returncode == 0
        arguments = ["import", str(archive), "--sessions", str(place)]
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-m", "meetctl", "sessions", *arguments],
        preexec_fn=_limit_files(500_000),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "cannot be written: File too large" in done.stderr
    assert [path for path in sorted(tmp_path.rglob("*")) if path != place] == before


def test_ctrl_c_leaves_no_half_archive(tmp_path: Path) -> None:
    bundle = write_session(tmp_path / "s", SESSION)
    with (bundle / "meeting.mkv").open("wb") as film:
        film.truncate(20_000_000_000)
    arguments = ["export", str(bundle), "-o", str(tmp_path / "a.zip")]
    with subprocess.Popen(
        [sys.executable, "-m", "meetctl", "sessions", *arguments], stderr=subprocess.PIPE, text=True
    ) as process:
        while not (drafts := list(tmp_path.glob(".a.zip.*"))) or not drafts[0].stat().st_size:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s"]


def test_an_export_over_an_older_archive_replaces_it_whole(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    write_session(tmp_path / "s", SESSION)
    target = tmp_path / "a.zip"
    target.write_bytes(b"older")
    assert meetctl("sessions", "export", "last", "--sessions", tmp_path / "s", "-o", target).returncode == 0
    assert manifest_of(target)["session_id"] == SESSION
    done = meetctl(
        "sessions", "export", "last", "--sessions", tmp_path / "s", "-o", tmp_path / "no" / "a.zip"
    )
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def _rewrite(archive: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Return another archive with changed entries."""
    with zipfile.ZipFile(archive) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    change(entries)
    changed = archive.with_name("changed.zip")
    with zipfile.ZipFile(changed, "w") as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return changed


def _tamper(entries: dict[str, bytes]) -> None:
    entries[f"{SESSION}/bundle/events.jsonl"] += b'{"seq":99,"t":0,"type":"log"}\n'


def _add_file(entries: dict[str, bytes]) -> None:
    entries[f"{SESSION}/bundle/extra.mkv"] = b"x"


def _escape(entries: dict[str, bytes]) -> None:
    manifest = json.loads(entries[f"{SESSION}/manifest.json"])
    manifest["files"].append({"path": "bundle/../../../evil", "bytes": 1, "sha256": "0" * 64})
    entries[f"{SESSION}/bundle/../../../evil"] = b"x"
    entries[f"{SESSION}/manifest.json"] = json.dumps(manifest).encode()


def _rename(entries: dict[str, bytes]) -> None:
    manifest = json.loads(entries[f"{SESSION}/manifest.json"])
    entries[f"{SESSION}/manifest.json"] = json.dumps({**manifest, "session_id": "../evil"}).encode()


def _drop_manifest(entries: dict[str, bytes]) -> None:
    del entries[f"{SESSION}/manifest.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_tamper, "is damaged"),
        (_add_file, "has other files than its manifest says"),
        (_escape, "leads elsewhere"),
        (_rename, "in a way that can be a directory's name"),
        (_drop_manifest, "is no archive of a session"),
    ],
)
def test_an_archive_that_is_not_what_it_says_is_refused_whole(
    meetctl: MeetctlRunner, tmp_path: Path, change: Callable[[dict[str, bytes]], None], message: str
) -> None:
    write_session(tmp_path / "s", SESSION)
    archive = tmp_path / "a.zip"
    assert meetctl("sessions", "export", "last", "--sessions", tmp_path / "s", "-o", archive).returncode == 0
    changed = _rewrite(archive, change)
    done = meetctl("sessions", "import", changed, "--sessions", tmp_path / "to")
    assert done.returncode == 1
    assert message in done.stderr
    assert not (tmp_path / "to").exists() or list((tmp_path / "to").iterdir()) == []
    assert not (tmp_path / "evil").exists()
    assert meetctl("sessions", "show", changed).returncode == 1


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_damaged_in_an_archive_is_found(tmp_path: Path, data: st.DataObject) -> None:
    whole = _archive(tmp_path)
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[place] ^= data.draw(st.integers(1, 255))
    (tmp_path / "damaged.zip").write_bytes(damaged[: data.draw(st.integers(place + 1, len(whole)))])
    with TemporaryDirectory() as directory:
        try:
            bundle = unpack_archive(tmp_path / "damaged.zip", Path(directory))
        except MediaError:
            return
        # Then it was in what no file's bytes depend on, such as a date or a page beside the bundle.
        for path in (tmp_path / "s" / SESSION).iterdir():
            assert (bundle / path.name).read_bytes() == path.read_bytes()


def _archive(directory: Path) -> bytes:
    target = directory / "whole.zip"
    if not target.exists():
        bundle = DirectoryCatalogue(directory, usage_waits=usage_waits).look_up(
            write_session(directory / "s", SESSION)
        )
        write_archive(bundle, target, {"summary.html": b"<p>"}, {})
    return target.read_bytes()


@pytest.mark.parametrize("size", ["many", -1, None, 10**12])
def test_a_manifest_with_a_wrong_size_is_refused(
    meetctl: MeetctlRunner, tmp_path: Path, size: object
) -> None:
    _archive(tmp_path)

    def change(entries: dict[str, bytes]) -> None:
        manifest = json.loads(entries[f"{SESSION}/manifest.json"])
        for one in manifest["files"]:
            one["bytes"] = size
        entries[f"{SESSION}/manifest.json"] = json.dumps(manifest).encode()

    done = meetctl("sessions", "import", _rewrite(tmp_path / "whole.zip", change))
    assert done.returncode == 1
    assert "is damaged" in done.stderr


def test_an_archive_takes_the_place_of_no_device_and_goes_where_a_link_leads(
    meetctl: MeetctlRunner, tmp_path: Path
) -> None:
    bundle = write_session(tmp_path / "s", SESSION)
    (tmp_path / "null").symlink_to("/dev/null")
    done = meetctl("sessions", "export", bundle, "-o", tmp_path / "null")
    assert done.returncode == 1
    assert "is no file that an archive can take the place of" in done.stderr
    (tmp_path / "link.zip").symlink_to(tmp_path / "real.zip")
    assert meetctl("sessions", "export", bundle, "-o", tmp_path / "link.zip").returncode == 0
    assert (tmp_path / "link.zip").is_symlink()
    assert manifest_of(tmp_path / "real.zip")["session_id"] == SESSION


def test_what_is_no_archive_is_said(meetctl: MeetctlRunner, recordings: Path, tmp_path: Path) -> None:
    done = meetctl("sessions", "import", recordings / "live-demo" / "meeting.mkv")
    assert done.returncode == 1
    assert "is no archive of a session, or is damaged" in done.stderr
    done = meetctl("sessions", "import", tmp_path / "nothing.zip")
    assert done.returncode == 1
    assert "cannot be read" in done.stderr
