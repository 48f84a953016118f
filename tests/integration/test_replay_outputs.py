"""Where an audit goes: formats, files, pipes, exported frames, and what is never overwritten."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from tests.films import draw_film

if TYPE_CHECKING:
    from tests.conftest import MeetctlRunner

FAST = ("replay", "--coverage", "off")
FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_film(tmp_path_factory.mktemp("film") / "film.mkv")


@pytest.mark.parametrize("format_", ["table", "json", "csv", "md"])
def test_file_holds_what_stdout_would(
    meetctl: MeetctlRunner, film: Path, tmp_path: Path, format_: str
) -> None:
    printed = meetctl(*FAST, "--format", format_, film)
    path = tmp_path / "audit.out"
    path.write_text("what was there before")
    written = meetctl(*FAST, "--format", format_, "-o", path, film)
    assert (written.returncode, written.stdout) == (0, "")
    assert f"written: {path}" in written.stderr
    assert path.read_bytes().decode().replace("\r\n", "\n") == printed.stdout
    assert [*tmp_path.iterdir()] == [path]


def test_html_is_one_document(meetctl: MeetctlRunner, film: Path) -> None:
    done = meetctl(*FAST, "--format", "html", film)
    assert done.returncode == 0
    assert done.stdout.lower().startswith("<!doctype html>")
    assert done.stdout.rstrip().endswith("</html>")


def test_output_that_is_a_link_is_written_through_it(
    meetctl: MeetctlRunner, film: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "real.json")
    assert meetctl(*FAST, "--json", "-o", link, film).returncode == 0
    assert link.is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())["schema"] == "meetctl.replay/1"


@pytest.mark.skipif(not FULL.exists(), reason="missing device: /dev/full is Linux's")
def test_full_disk_is_one_line_and_leaves_the_device_alone(meetctl: MeetctlRunner, film: Path) -> None:
    done = meetctl(*FAST, "--json", "-o", FULL, film)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "meetctl: /dev/full cannot be written: No space left on device\n"
    assert FULL.is_char_device()
    with FULL.open("w") as full:
        command = [sys.executable, "-m", "meetctl", *FAST, str(film)]
        process = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert process.returncode == 1
    assert process.stderr == "meetctl: stdout cannot be written: No space left on device\n"


def test_reader_that_has_seen_enough_is_no_error(film: Path) -> None:
    command = [sys.executable, "-m", "meetctl", *FAST, "--json", str(film)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 0


@pytest.mark.parametrize("option", ["-o", "--save", "--frames"])
def test_input_is_never_written_to(meetctl: MeetctlRunner, film: Path, tmp_path: Path, option: str) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    shutil.copy(film, bundle / "meeting.mkv")
    before = (bundle / "meeting.mkv").read_bytes()
    for recording, target in ((film, film), (bundle, bundle / "meeting.mkv"), (bundle, bundle / "new")):
        done = meetctl(*FAST, option, target, recording)
        assert (done.returncode, done.stdout) == (2, "")
        assert "would change the input" in done.stderr
    assert (bundle / "meeting.mkv").read_bytes() == before
    assert [*bundle.iterdir()] == [bundle / "meeting.mkv"]


@pytest.mark.parametrize("option", ["-o", "--save", "--frames"])
def test_place_that_cannot_be_written_is_refused_before_any_work(
    meetctl: MeetctlRunner, film: Path, tmp_path: Path, option: str
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    below_a_file = tmp_path / "notes.txt" / "out"
    wrong_kind = tmp_path / "notes.txt" if option == "--frames" else tmp_path
    for target in (below_a_file, wrong_kind):
        done = meetctl(*FAST, option, target, film)
        assert (done.returncode, done.stdout) == (1, "")
        assert option in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_foreign_database_is_left_alone(meetctl: MeetctlRunner, film: Path, tmp_path: Path) -> None:
    path = tmp_path / "notes.duckdb"
    path.write_text("mine")
    done = meetctl(*FAST, "--save", path, film)
    assert (done.returncode, done.stdout) == (1, "")
    assert path.read_text() == "mine"


def test_two_outputs_need_two_places(meetctl: MeetctlRunner, film: Path, tmp_path: Path) -> None:
    done = meetctl(*FAST, "-o", tmp_path / "a", "--save", tmp_path / "a", film)
    assert (done.returncode, done.stdout) == (2, "")
    assert "-o and --save name the same place" in done.stderr


def test_frames_are_exported_with_their_labels(meetctl: MeetctlRunner, film: Path, tmp_path: Path) -> None:
    args = (*FAST, "--turns-per-min", "60", "--side", "160", "--frames", tmp_path / "frames", film)
    folder = tmp_path / "frames" / "film.mkv"
    assert meetctl(*args, "--fps", "2").returncode == 0
    assert len([*folder.rglob("*.jpg")]) == 8
    # The second export takes the first one's place.
    assert meetctl(*args, "--fps", "1").returncode == 0
    names = sorted(path.name for path in folder.rglob("*.jpg"))
    assert names == [f"frame-{10 * second:06d}-t{second:06d}.000.jpg" for second in range(4)]
    for name in names:
        assert Image.open(io.BytesIO((folder / "track-0" / name).read_bytes())).size == (160, 120)
    lines = [json.loads(line) for line in (folder / "labels.jsonl").read_text().splitlines()]
    assert [line["t"] for line in lines] == [1.0, 2.0, 3.0, 4.0]
    assert [frame["label"] for frame in lines[2]["frames"]] == [
        "first visible frame, 3.0 s ago",
        "frame 2 of 4, 2.0 s ago",
        "frame 3 of 4, 1.0 s ago",
        "most recent frame, 0.0 s ago",
    ]
    assert all((folder / frame["file"]).is_file() for line in lines for frame in line["frames"])


def test_frames_of_a_gated_policy_are_those_that_passed(
    meetctl: MeetctlRunner, film: Path, tmp_path: Path
) -> None:
    done = meetctl(*FAST, "--policy", "gated: fps=5 gate=4", "--json", "--frames", tmp_path / "frames", film)
    kept = json.loads(done.stdout)["recordings"][0]["policies"][1]["kept"]
    assert kept == len([*(tmp_path / "frames").rglob("*.jpg")]) == 4


def test_frames_of_recordings_with_one_name_stay_apart(
    meetctl: MeetctlRunner, film: Path, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        shutil.copy(film, tmp_path / folder / "film.mkv")
    frames = tmp_path / "frames"
    done = meetctl(*FAST, "--frames", frames, tmp_path / "a" / "film.mkv", tmp_path / "b" / "film.mkv")
    assert done.returncode == 0
    assert f"{frames / 'film.mkv-2'}" in done.stderr
    counts = {folder.name: len([*folder.rglob("*.jpg")]) for folder in frames.iterdir()}
    assert counts == {"film.mkv": 4, "film.mkv-2": 4}


def test_folder_with_other_files_takes_no_frames(meetctl: MeetctlRunner, film: Path, tmp_path: Path) -> None:
    mine = tmp_path / "frames" / "film.mkv" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    done = meetctl(*FAST, "--frames", tmp_path / "frames", film)
    assert (done.returncode, done.stdout) == (1, "")
    assert "notes.txt" in done.stderr
    assert [*mine.parent.iterdir()] == [mine]
