"""The audit as a user gets it: its JSON document, its numbers, and what each option changes."""

from __future__ import annotations

import json
import os
import re
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.films import draw_film

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import MeetctlRunner

MONEY = re.compile(r"\d+\.\d{6,}")
MEANINGS = ("every_frame", "per_turn", "history")
NUMBER = (int, float)
POLICY = {
    "name": str,
    "fps": NUMBER,
    "kept": int,
    "window": int,
    "detail": str,
    "model": str,
    "side": (int, type(None)),
    "gate": (int, float, type(None)),
    "tokens_per_frame": (int, type(None)),
    "rule": str,
    "cost": dict,
    "saving": dict,
    "coverage": dict,
    "cheapest": bool,
}
RECORDING = {
    "path": str,
    "kind": str,
    "duration_s": NUMBER,
    "frames": int,
    "fps": NUMBER,
    "width": int,
    "height": int,
    "codec": str,
    "damaged": bool,
    "warnings": list,
    "recorded_at": str,
    "recorded_at_source": str,
    "priced_at": str,
    "turns": dict,
    "policies": list,
}
COVERAGE = {
    "method": str,
    "changes": (int, type(None)),
    "seen": (int, type(None)),
    "ratio": (int, float, type(None)),
    "delay_p50_s": (int, float, type(None)),
    "delay_p95_s": (int, float, type(None)),
}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_film(tmp_path_factory.mktemp("film") / "film.mkv")


@pytest.fixture
def audit(meetctl: MeetctlRunner) -> Callable[..., dict[str, Any]]:
    """Run an audit that must succeed, and return its document."""

    def run(*args: str | Path) -> dict[str, Any]:
        done = meetctl("replay", "--json", *args)
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    return run


def check_fields(value: dict[str, Any], fields: dict[str, Any]) -> None:
    assert set(value) == set(fields)
    for name, kind in fields.items():
        assert isinstance(value[name], kind), name


def check_policy(
    policy: dict[str, Any], duration_s: float, requests: int, *, timestamps: bool = False
) -> None:
    check_fields(policy, POLICY | ({"kept_s": list} if timestamps else {}))
    check_fields(policy["coverage"], COVERAGE)
    assert set(policy["saving"]) == {"baseline", *MEANINGS}
    assert set(policy["cost"]) == set(MEANINGS)
    for cost in policy["cost"].values():
        check_fields(cost, {"sent": int, "tokens": int, "usd": str, "usd_per_min": str})
        assert MONEY.fullmatch(cost["usd"])
        assert MONEY.fullmatch(cost["usd_per_min"])
        assert cost["tokens"] == cost["sent"] * policy["tokens_per_frame"]
        assert Decimal(cost["usd"]) == cost["tokens"] * Decimal("0.000002")
        assert float(cost["usd_per_min"]) * duration_s / 60 == pytest.approx(float(cost["usd"]), abs=1e-5)
    assert policy["cost"]["every_frame"]["sent"] == policy["kept"]
    assert policy["cost"]["per_turn"]["sent"] <= requests * policy["window"]


def test_document_is_as_the_schema_says_and_its_numbers_agree(
    audit: Callable[..., dict[str, Any]], recordings: Path
) -> None:
    bundles = [recordings / "quarterly-review", recordings / "code-walkthrough"]
    document = audit("--coverage", "packets", "--timestamps", "--fps", "1", "--fps", "0.2", *bundles)
    check_fields(document, {"schema": str, "recordings": list, "total": dict, "price_book": dict})
    assert document["schema"] == "meetctl.replay/1"
    check_fields(document["price_book"], {"version": str, "priced": NUMBER})
    assert document["price_book"]["priced"] == 1
    for recording, path in zip(document["recordings"], bundles, strict=True):
        check_fields(recording, RECORDING)
        assert recording["path"] == str(path)
        assert recording["kind"] == "bundle"
        assert recording["turns"]["source"] == "events"
        assert [policy["name"] for policy in recording["policies"]] == ["30 fps", "1 fps", "0.2 fps"]
        for policy in recording["policies"]:
            check_policy(policy, recording["duration_s"], recording["turns"]["requests"], timestamps=True)
            assert policy["saving"]["baseline"] == "30 fps"
            assert len(policy["kept_s"]) == policy["kept"]
            assert policy["kept_s"] == sorted(policy["kept_s"])
        assert recording["policies"][0]["kept"] == recording["frames"]
    check_fields(document["total"], {"duration_s": NUMBER, "policies": list})
    requests = sum(recording["turns"]["requests"] for recording in document["recordings"])
    for place, policy in enumerate(document["total"]["policies"]):
        parts = [recording["policies"][place] for recording in document["recordings"]]
        check_policy(policy, document["total"]["duration_s"], requests)
        assert policy["kept"] == sum(part["kept"] for part in parts)
        for meaning in MEANINGS:
            usd = sum(Decimal(part["cost"][meaning]["usd"]) for part in parts)
            assert Decimal(policy["cost"][meaning]["usd"]) == usd


def test_document_of_one_file_has_no_total_and_no_timestamps(
    audit: Callable[..., dict[str, Any]], film: Path
) -> None:
    document = audit(film)
    check_fields(document, {"schema": str, "recordings": list, "price_book": dict})
    (recording,) = document["recordings"]
    check_fields(recording, RECORDING)
    assert recording["kind"] == "file"
    assert recording["turns"] == {"source": "rate", "requests": 0}
    for policy in recording["policies"]:
        check_policy(policy, recording["duration_s"], 0)
        assert policy["coverage"]["method"] == "decode"
        assert policy["coverage"]["changes"] == 3


def test_document_does_not_depend_on_the_terminal(meetctl: MeetctlRunner, film: Path) -> None:
    args = ("replay", "--coverage", "off", "--policy", "gedämpft – 1: fps=1", "--json", film)
    plain = meetctl(*args)
    poor = meetctl(
        *args,
        env={
            "LANG": "C",
            "LC_ALL": "C",
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
            "COLUMNS": "40",
            "FORCE_COLOR": "1",
            "PYTHONIOENCODING": "utf-8:surrogateescape",
        },
    )
    assert plain.stdout == poor.stdout
    assert json.loads(plain.stdout)["recordings"][0]["policies"][1]["name"] == "gedämpft – 1"


def test_names_that_are_no_plain_words_are_shown_on_one_line(
    meetctl: MeetctlRunner, film: Path, tmp_path: Path
) -> None:
    names = [
        b"-dash.mkv",
        b'[red]it\'s "x".mkv',
        b"two\nlines\x1b[31m.mkv",
        b"caf\xe9.mkv",
        "😀.mkv".encode(),
    ]
    for name in names:
        shutil.copy(os.fsencode(film), os.fsencode(tmp_path) + b"/" + name)
    files = [os.fsdecode(name) for name in names]
    shown = ["-dash.mkv", '[red]it\'s "x".mkv', r"two\nlines\x1b[31m.mkv", r"caf\xe9.mkv", "😀.mkv"]
    table = meetctl("replay", "--coverage", "off", "--", *files, cwd=tmp_path)
    assert (table.returncode, table.stderr) == (0, "")
    titles = [line.partition(": 0:04")[0] for line in table.stdout.splitlines() if ": 0:04 of" in line]
    assert titles == shown
    document = meetctl("replay", "--coverage", "off", "--json", "--", *files, cwd=tmp_path)
    paths = [recording["path"] for recording in json.loads(document.stdout)["recordings"]]
    assert paths == ["-dash.mkv", '[red]it\'s "x".mkv', "two\nlines\x1b[31m.mkv", r"caf\xe9.mkv", "😀.mkv"]


def test_recording_that_is_named_twice_counts_once(meetctl: MeetctlRunner, film: Path) -> None:
    done = meetctl("replay", "--coverage", "off", "--json", film, film)
    assert done.returncode == 0
    assert "film.mkv; it is audited once" in done.stderr
    assert len(json.loads(done.stdout)["recordings"]) == 1


def test_rates_that_are_equal_or_the_source_rate_are_one_policy(
    audit: Callable[..., dict[str, Any]], film: Path
) -> None:
    document = audit("--coverage", "off", "--fps", "1", "--fps", "1.0", "--fps", "10", "--fps", "0", film)
    names = [policy["name"] for policy in document["recordings"][0]["policies"]]
    assert names == ["10 fps", "1 fps", "0 fps"]


def test_policies_come_from_options_and_from_a_file(
    audit: Callable[..., dict[str, Any]], film: Path, tmp_path: Path
) -> None:
    (tmp_path / "policies.toml").write_text(
        "[policies.slow]\nfps = 0.5\nwindow = 1\n[policies.small]\nside = 64\n"
    )
    document = audit(
        *(
            "--coverage",
            "off",
            "--turns-per-min",
            "60",
            "--window",
            "3",
            "--policies",
            tmp_path / "policies.toml",
        ),
        *("--policy", "low: fps=2 detail=low", film),
    )
    found = {policy["name"]: policy for policy in document["recordings"][0]["policies"]}
    assert [*found] == ["10 fps", "low", "slow", "small"]
    assert {name: policy["window"] for name, policy in found.items()} == {
        "10 fps": 3,
        "low": 3,
        "slow": 1,
        "small": 3,
    }
    assert (found["low"]["detail"], found["low"]["tokens_per_frame"]) == ("low", 85)
    assert (found["slow"]["kept"], found["small"]["side"]) == (2, 64)


def test_names_of_policies_are_unique(meetctl: MeetctlRunner, film: Path) -> None:
    done = meetctl("replay", "--fps", "1", "--policy", "1 fps: fps=2", film)
    assert (done.returncode, done.stdout) == (2, "")
    assert "two policies are named '1 fps'" in done.stderr


def test_requests_come_from_the_rate_and_none_cost_nothing(
    audit: Callable[..., dict[str, Any]], meetctl: MeetctlRunner, film: Path
) -> None:
    often = audit("--coverage", "off", "--turns-per-min", "60", film)
    assert often["recordings"][0]["turns"] == {"source": "rate", "requests": 4}
    none = meetctl("replay", "--coverage", "off", "--turns-per-min", "0", film)
    assert "At 1 fps the vision costs nothing, because no request takes a frame." in none.stdout


def test_price_is_that_of_the_day(audit: Callable[..., dict[str, Any]], film: Path) -> None:
    args = ("--coverage", "off", "--model", "gpt-5.6-luna", film)
    before = audit("--at", "2026-07-29", *args)["recordings"][0]["policies"][1]["cost"]["every_frame"]
    after = audit("--at", "2026-07-30", *args)["recordings"][0]["policies"][1]["cost"]["every_frame"]
    assert before["tokens"] == after["tokens"]
    assert Decimal(before["usd"]) == 5 * Decimal(after["usd"])


def test_sweep_marks_the_cheapest_policy_that_shows_enough(
    audit: Callable[..., dict[str, Any]], meetctl: MeetctlRunner, film: Path
) -> None:
    args = ("--sweep", "--meaning", "every_frame", film)
    policies = audit(*args)["recordings"][0]["policies"]
    (chosen,) = [policy for policy in policies if policy["cheapest"]]
    assert chosen["coverage"]["ratio"] == 1
    enough = [policy for policy in policies if (policy["coverage"]["ratio"] or 0) >= 0.95]
    assert Decimal(chosen["cost"]["every_frame"]["usd"]) == min(
        Decimal(policy["cost"]["every_frame"]["usd"]) for policy in enough
    )
    table = meetctl("replay", *args, "--assert", "coverage==1 and every_frame.usd<1")
    assert table.returncode == 0
    assert f"{chosen['name']} is the cheapest tried with at least 95% coverage." in table.stdout
    assert table.stdout.count("← cheapest") == 1


def test_sweep_may_find_that_only_the_source_rate_shows_enough(meetctl: MeetctlRunner, film: Path) -> None:
    done = meetctl("replay", "--sweep", "--fps", "0.25", film)
    assert done.returncode == 0
    assert "10 fps is the cheapest tried with at least 95% coverage." in done.stdout


def test_sweep_without_coverage_chooses_none(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    film = draw_film(tmp_path / "film.mkv", codec="mpeg4")
    done = meetctl("replay", "--sweep", "--coverage", "packets", "--assert", "kept>0", film)
    assert done.returncode == 4
    assert "no policy was chosen by --sweep" in done.stderr
    assert "No policy can be chosen, because what changed is not known." in done.stdout


def test_help_fits_80_columns_and_shows_true_defaults(meetctl: MeetctlRunner) -> None:
    done = meetctl("replay", "--help", env={"COLUMNS": "80"})
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    text = " ".join(done.stdout.split())
    for option, default in {
        "--model NAME": "gpt-4.1",
        "--detail DETAIL": "high",
        "--window FRAMES": "5; x>=0",
        "--target SHARE": "0.95; 0<=x<=1",
        "--coverage": "decode",
        "--meaning": "per_turn",
        "--turns-per-min NUMBER": "2",
    }.items():
        assert f"[default: {default}]" in text[text.index(option) :][:250]
