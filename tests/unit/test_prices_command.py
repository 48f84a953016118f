from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MeetctlRunner


def test_show_prints_one_document_for_a_day(meetctl: MeetctlRunner) -> None:
    done = meetctl("prices", "show", "gpt-5.6-luna", "--at", "2026-07-29", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr, document["schema"]) == (0, "", "meetctl.prices/1")
    assert {price["unit"]: price["usd"] for price in document["prices"]} == {
        "input_tokens": "1.00",
        "cached_input_tokens": "0.10",
        "output_tokens": "6.00",
    }
    assert document["rules"][0]["tokens"]["1280x720"] == {"low": 144, "high": 920, "original": 920}


def test_show_names_sources_and_tokens_in_its_tables(meetctl: MeetctlRunner) -> None:
    done = meetctl("prices", "show", "gpt-4.1")
    assert done.returncode == 0
    for text in ("2.00 / 1M", "openai-tile/2026-02-26", "1,105", "high (auto)", "source: https://"):
        assert text in done.stdout


def test_show_of_a_model_with_a_rule_and_no_price_says_unpriced(
    meetctl: MeetctlRunner, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[rules]]\nid = "a/1"\nkind = "flat"\nmodels = ["see-1"]\ndetails.high = { tokens = 9 }\n'
    )
    done = meetctl("prices", "show", "see-1", "--prices", path)
    assert done.returncode == 0
    assert "see-1 is unpriced" in done.stderr
    assert "$" not in done.stdout


def test_unknown_model_and_bad_file_exit_2(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    unknown = meetctl("prices", "show", "gtp-4.1")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "gpt-4.1" in unknown.stderr
    missing = meetctl("prices", "check", "--prices", tmp_path / "none.toml")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "none.toml" in missing.stderr


def test_strict_check_exits_4_only_where_something_is_stale(meetctl: MeetctlRunner) -> None:
    plain = meetctl("prices", "check", "--json")
    strict = meetctl("prices", "check", "--json", "--strict")
    document = json.loads(plain.stdout)
    assert document["schema"] == "meetctl.prices.check/1"
    assert (document["unpriced"], document["without_rule"]) == ([], [])
    assert plain.returncode == 0
    assert strict.returncode == (0 if document["holds"] else 4)
