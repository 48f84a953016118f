"""Each row of the table of exit codes that a command can reach, by the real command."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from tests.films import draw_film

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MeetctlRunner

FAST = ("replay", "--coverage", "off")
SEE_1 = """
[[rules]]
id = "a/1"
kind = "flat"
models = ["see-1"]
details.high = { tokens = 9 }
"""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_film(tmp_path_factory.mktemp("film") / "film.mkv")


@pytest.fixture
def see_1(tmp_path: Path) -> Path:
    path = tmp_path / "see-1.toml"
    path.write_text(SEE_1)
    return path


@pytest.fixture
def damaged(recordings: Path, tmp_path: Path) -> Path:
    content = bytearray((recordings / "quarterly-review" / "meeting.mkv").read_bytes())
    content[300_000:310_000] = bytes(10_000)
    path = tmp_path / "damaged.mkv"
    path.write_bytes(content)
    return path


def one_error_line(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if not line.startswith("  hint: ")]
    assert len(lines) == 1, stderr
    assert lines[0].startswith("meetctl: ")
    return lines[0]


def test_0_puts_data_on_stdout_and_nothing_on_stderr(meetctl: MeetctlRunner, film: Path) -> None:
    done = meetctl(*FAST, film)
    assert (done.returncode, done.stderr) == (0, "")
    assert "film.mkv: 0:04 of h264, 320x240, 10 fps" in done.stdout


@pytest.mark.parametrize("name", ["missing.mkv", "text.mkv", "empty.mkv", "directory"])
def test_1_for_what_is_no_recording(meetctl: MeetctlRunner, tmp_path: Path, name: str) -> None:
    (tmp_path / "text.mkv").write_text("no media")
    (tmp_path / "empty.mkv").touch()
    (tmp_path / "directory").mkdir()
    done = meetctl(*FAST, tmp_path / name)
    assert (done.returncode, done.stdout) == (1, "")
    assert name in one_error_line(done.stderr)


def test_1_for_one_bad_file_among_good_ones_which_are_shown(
    meetctl: MeetctlRunner, film: Path, tmp_path: Path
) -> None:
    done = meetctl(*FAST, tmp_path / "missing.mkv", film)
    assert done.returncode == 1
    assert "missing.mkv does not exist" in one_error_line(done.stderr)
    assert "film.mkv: 0:04" in done.stdout


def test_1_with_debug_anywhere_shows_the_traceback(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    for args in (("--debug", *FAST), (*FAST, "--debug")):
        done = meetctl(*args, tmp_path / "missing.mkv")
        assert (done.returncode, done.stdout) == (1, "")
        assert "Traceback" in done.stderr
        assert "meetctl: " in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--fps", "fast", "--fps 'fast'"),
        ("--fps", "-1", "--fps '-1'"),
        ("--policy", "no colon", "--policy 'no colon'"),
        ("--policy", "a: fps=1 speed=2", "'speed'"),
        ("--model", "gtp-4.1", "gpt-4.1"),
        ("--detail", "huge", "--detail 'huge'"),
        ("--at", "yesterday", "--at 'yesterday'"),
        ("--turns-per-min", "often", "--turns-per-min 'often'"),
        ("--assert", "usd<", "--assert 'usd<'"),
        ("--assert", "price<1", "'price' is not a name"),
        ("--policies", "none.toml", "none.toml"),
        ("--prices", "none.toml", "none.toml"),
        ("--format", "parquet", "-o DIRECTORY"),
    ],
)
def test_2_names_the_option_and_does_no_work(
    meetctl: MeetctlRunner, film: Path, option: str, value: str, named: str
) -> None:
    done = meetctl(*FAST, f"{option}={value}", film)
    assert (done.returncode, done.stdout) == (2, "")
    assert named in one_error_line(done.stderr)


@pytest.mark.parametrize(
    "args",
    [
        ("--json", "--format", "html"),
        ("--sweep",),
        ("--timestamps",),
        ("--turns", "events"),
        ("--turns", "vad"),
    ],
)
def test_2_for_options_that_contradict_each_other_or_the_recording(
    meetctl: MeetctlRunner, film: Path, args: tuple[str, ...]
) -> None:
    done = meetctl(*FAST, *args, film)
    assert (done.returncode, done.stdout) == (2, "")
    assert args[0] in one_error_line(done.stderr)


@pytest.mark.parametrize("args", [("--window", "-1"), ("--side", "8"), ("--target", "2"), ("--nope",), ()])
def test_2_for_what_the_parser_refuses(meetctl: MeetctlRunner, args: tuple[str, ...]) -> None:
    done = meetctl(*FAST, *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("Error: ")


def test_4_for_a_demand_that_does_not_hold_with_the_audit_on_stdout(
    meetctl: MeetctlRunner, film: Path
) -> None:
    done = meetctl(
        *FAST, "--turns-per-min", "60", "--assert", "usd_per_hour<0.01", "--assert", "kept==4", film
    )
    assert done.returncode == 4
    line = one_error_line(done.stderr)
    assert "'usd_per_hour<0.01' does not hold" in line
    assert "1 fps: usd_per_hour<0.01 does not hold: usd_per_hour is " in line
    assert "film.mkv" in done.stdout


def test_4_for_demands_that_cannot_be_decided(
    meetctl: MeetctlRunner, film: Path, see_1: Path, tmp_path: Path
) -> None:
    no_coverage = meetctl(*FAST, "--assert", "coverage>0.5", film)
    unpriced = meetctl(*FAST, "--prices", see_1, "--model", "see-1", "--assert", "usd<1", film)
    failed = meetctl(*FAST, "--assert", "kept>0", film, tmp_path / "missing.mkv")
    for done, why in (
        (no_coverage, "coverage is unknown"),
        (unpriced, "usd is unknown"),
        (failed, "missing.mkv does not exist"),
    ):
        assert done.returncode == 4
        assert "cannot be decided" in done.stderr
        assert why in done.stderr


def test_5_for_a_model_without_a_price(meetctl: MeetctlRunner, film: Path, see_1: Path) -> None:
    done = meetctl(*FAST, "--prices", see_1, "--policy", "mine: model=see-1", film)
    assert done.returncode == 5
    assert done.stderr.startswith("warning: no price for see-1")
    assert "n/a" in done.stdout
    assert "see-1 has no price" in done.stdout


def test_5_shows_a_total_as_at_least_what_has_a_price(
    meetctl: MeetctlRunner, recordings: Path, see_1: Path, tmp_path: Path
) -> None:
    price = 'provider = "me"\nmodel = "see-1"\nunit = "input_tokens"\nusd = "100"\nper = 1000000\n'
    see_1.write_text(
        f'{SEE_1}[[prices]]\n{price}effective_from = 2026-06-01\nsource_url = "https://example.org/prices"\n'
    )
    old = tmp_path / "old"
    shutil.copytree(recordings / "quarterly-review", old)
    session = old / "session.json"
    session.write_text(session.read_text().replace('"started_at": "2026-11', '"started_at": "2026-03'))
    new = recordings / "quarterly-review"
    done = meetctl(*FAST, "--prices", see_1, "--model", "see-1", old, new)
    assert done.returncode == 5
    assert done.stdout.count("n/a") > 9
    # 34 images of 9 tokens at $100 a million, and as many without a price.
    assert "≥ $0.0306" in done.stdout
    assert "costs at least $0.0306" in done.stdout


def test_5_for_a_damaged_file_with_one_warning(meetctl: MeetctlRunner, damaged: Path) -> None:
    done = meetctl(*FAST, "--at", "2026-11-16", damaged)
    assert done.returncode == 5
    (warning,) = done.stderr.splitlines()
    assert warning.startswith("warning: ")
    assert "damaged.mkv is damaged" in warning
    assert "damaged.mkv: " in done.stdout


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_130_on_ctrl_c_leaves_no_file_and_no_process(recordings: Path, tmp_path: Path, jobs: str) -> None:
    targets = ["--format", "html", "-o", str(tmp_path / "audit.html"), "--frames", str(tmp_path / "frames")]
    bundles = [str(recordings / "code-walkthrough"), str(recordings / "quarterly-review")]
    process = subprocess.Popen(
        [sys.executable, "-m", "meetctl", "replay", "--jobs", jobs, *targets, *bundles],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    # The first exported frame says that decoding is under way.
    while process.poll() is None and not any(tmp_path.rglob("*.jpg")):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    # It returns when nobody holds the pipes any more: the other processes have ended too.
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (130, "", "")
    assert not [path for path in tmp_path.rglob("*") if path.name == "audit.html" or path.suffix == ".part"]
