"""`meetctl cost`, `cost reprice` and `cost reconcile` as a user runs them."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from tests.written_journals import (
    STT_USE,
    format_lines,
    make_event,
    make_request,
    meeting_events,
    write_journal,
    write_meeting,
)

from meetctl.core.places import sessions_directory
from meetctl.reports.focus import COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MeetctlRunner

MEETING_USD = Decimal("0.033612")
"""What a small meeting costs: three times speech, a request and an answer."""


def write_two_meetings() -> None:
    write_meeting(sessions_directory(), "s1", tenant="northwind")
    write_meeting(sessions_directory(), "s2", tenant=None)


def read_json(meetctl: MeetctlRunner, *args: str | Path, expect: int = 0) -> dict[str, Any]:
    result = meetctl(*args, "--json")
    assert result.returncode == expect, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_nothing_was_spent_where_nothing_was_held(meetctl: MeetctlRunner) -> None:
    document = read_json(meetctl, "cost")
    assert (document["schema"], document["rows"], document["total"]["usd"]) == (
        "meetctl.cost/1",
        [],
        "0.000000",
    )


def test_a_summary_is_the_default_and_adds_up(meetctl: MeetctlRunner) -> None:
    write_two_meetings()
    document = read_json(meetctl, "cost", "--by", "tenant")
    assert [(row["tenant"], row["usd"]) for row in document["rows"]] == [
        (None, str(MEETING_USD)),
        ("northwind", str(MEETING_USD)),
    ]
    assert document["total"]["reported_usd"] == str(2 * MEETING_USD)
    assert document == read_json(meetctl, "cost", "summary", "--by", "tenant")


def test_a_table_says_how_much_has_a_price(meetctl: MeetctlRunner) -> None:
    unpriced = {**STT_USE, "usd_by_unit": {"minutes": None}, "basis": "estimated"}
    events = [make_event("stt.usage", 0, **STT_USE), make_event("stt.usage", 1, **unpriced)]
    write_journal(sessions_directory(), "s1", format_lines(events))
    result = meetctl("cost")
    assert result.returncode == 5
    assert "≥ $0.000404" in result.stdout
    assert "priced 50% of usage (1 of 2 uses)" in result.stdout
    assert "n/a: 0.0842 minutes of deepgram/nova-3" in result.stdout
    assert "1 of 1 sessions have not ended" in result.stdout
    assert read_json(meetctl, "cost", expect=5)["total"]["usd"] is None


def test_csv_is_as_it_was(meetctl: MeetctlRunner, root: Path) -> None:
    write_two_meetings()
    result = meetctl("cost", "--by", "tenant,day", "--format", "csv")
    assert result.stdout == (root / "tests/golden/cost.csv").read_text()


def test_focus_has_its_columns_and_is_as_it_was(meetctl: MeetctlRunner, root: Path) -> None:
    write_two_meetings()
    result = meetctl("cost", "--format", "focus")
    assert "not FOCUS-conformant" in result.stderr
    assert result.stdout == (root / "tests/golden/focus.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert len([column for column in rows[0] if not column.startswith("x_")]) == 65
    assert tuple(rows[0]) == COLUMNS
    assert sum(Decimal(row["BilledCost"]) for row in rows) == 2 * MEETING_USD
    assert rows[0]["ChargePeriodEnd"] == "2026-11-17T00:00:00Z"


def test_focus_has_no_cost_where_there_is_no_price(meetctl: MeetctlRunner) -> None:
    unpriced = {**STT_USE, "usd_by_unit": {}}
    write_journal(sessions_directory(), "s1", format_lines([make_event("stt.usage", 0, **unpriced)]))
    result = meetctl("cost", "--format", "focus")
    (row,) = csv.DictReader(io.StringIO(result.stdout))
    assert (result.returncode, row["BilledCost"], row["x_Unpriced"]) == (5, "", "true")


def test_parquet_has_exact_amounts(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    write_two_meetings()
    assert meetctl("cost", "--by", "day", "--format", "parquet").returncode == 2
    path = tmp_path / "cost.parquet"
    assert meetctl("cost", "--by", "day", "--format", "parquet", "-o", path).returncode == 0
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT sum(usd), any_value(day)::VARCHAR FROM read_parquet(?)", [str(path)]
        ).fetchall()
    assert rows == [(2 * MEETING_USD, "2026-11-16")]


def test_periods_and_names_choose(meetctl: MeetctlRunner) -> None:
    write_two_meetings()
    assert read_json(meetctl, "cost", "--until", "2026-11-16")["rows"] == []
    # A name that is mistyped must not read as a meeting whose price is known.
    shown = meetctl("cost", "--session", "s3").stdout
    assert "no usage fits what was asked for" in shown
    assert "priced" not in shown
    chosen = read_json(meetctl, "cost", "--since", "2026-11-16", "--session", "s2", "--room", "review")
    assert chosen["total"]["usd"] == str(MEETING_USD)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--by", "colour"), "--by colour is none of tenant, session"),
        (("--since", "soon"), "'soon' is no point in time"),
        (("--since", "2026-11-02", "--until", "2026-11-01"), "is not after"),
        (("--format", "focus", "--by", "day"), "--by does not go with --format focus"),
        (("--format", "csv", "--json"), "--json does not go with --format csv"),
        (("reprice",), "nothing would be different"),
        (("reprice", "--model", "gpt-4.l"), "gpt-4.l"),
        (("reprice", "--model", "gpt-4.1", "--detail", "closest"), "closest"),
        (("reconcile",), "there is nothing to compare with"),
        (("reconcile", "nowhere.csv"), "nowhere.csv cannot be read"),
        (
            ("reconcile", "--total", "ten", "--month", "2026-11", "--provider", "openai"),
            "--total ten is no amount",
        ),
        (("reconcile", "--total", "10", "--month", "2026-13", "--provider", "openai"), "is no month"),
    ],
)
def test_wrong_input_is_said_in_one_line(meetctl: MeetctlRunner, args: tuple[str, ...], says: str) -> None:
    result = meetctl("cost", *args)
    assert result.returncode in (1, 2)
    assert says in result.stderr.splitlines()[0]


def test_the_three_meanings_are_counted_from_the_events(meetctl: MeetctlRunner) -> None:
    write_meeting(sessions_directory(), "s1")
    document = read_json(meetctl, "cost", "--by", "meaning")
    counted = {row["meaning"]: (row["sent"], row["tokens"], row["usd"]) for row in document["rows"]}
    assert counted == {
        "every_frame": (6, 6 * 1105, "0.013260"),
        "per_turn": (6, 6 * 1105, "0.013260"),
        "history": (2 + 4 + 6, 12 * 1105, "0.026520"),
    }
    assert (document["schema"], document["basis"]) == ("meetctl.cost.meaning/1", "estimated")


def test_reprice_counts_pictures_anew_and_keeps_the_original(meetctl: MeetctlRunner) -> None:
    write_meeting(sessions_directory(), "s1")
    before = read_json(meetctl, "cost")
    document = read_json(meetctl, "cost", "reprice", "--model", "gpt-4.1", "--detail", "low")
    row = document["rows"][0]
    assert (row["image_tokens"], row["new_image_tokens"], row["text_tokens"]) == (6630, 6 * 85, 3 * 174)
    assert row["usd"] == "0.015000"
    assert Decimal(row["new_usd"]) == ((6 * 85 + 3 * 174) * 2 + 3 * 29 * 8) / Decimal(10**6)
    assert Decimal(document["total"]["difference_usd"]) == Decimal(row["new_usd"]) - Decimal("0.015")
    assert read_json(meetctl, "cost") == before


def test_reprice_with_the_same_model_is_what_it_cost(meetctl: MeetctlRunner) -> None:
    write_meeting(sessions_directory(), "s1")
    document = read_json(meetctl, "cost", "reprice", "--model", "gpt-4.1")
    assert (document["total"]["usd"], document["total"]["new_usd"]) == (str(MEETING_USD), str(MEETING_USD))


def test_reprice_says_what_it_cannot_price(meetctl: MeetctlRunner) -> None:
    request = make_request(0, ["frame-000099"])
    write_journal(sessions_directory(), "s1", format_lines([request]))
    document = read_json(meetctl, "cost", "reprice", "--model", "gpt-5.6-luna", expect=5)
    assert document["rows"][0]["uncounted_images"] == 1
    assert (document["rows"][0]["new_usd"], document["comparable"]) == (None, False)


def test_reprice_by_a_days_prices(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    write_meeting(sessions_directory(), "s1")
    prices = tmp_path / "prices.toml"
    prices.write_text(
        "schema_version = 1\n[[prices]]\n"
        'provider = "openai"\nmodel = "gpt-4.1"\nunit = "input_tokens"\nusd = "4.00"\nper = 1000000\n'
        'source_url = "a test"\nchecked = 2026-11-20\n'
    )
    document = read_json(meetctl, "cost", "reprice", "--prices", prices)
    assert Decimal(document["rows"][0]["new_usd"]) == (3 * 2384 * 4 + 3 * 29 * 8) / Decimal(10**6)


def test_a_months_total_is_compared(meetctl: MeetctlRunner) -> None:
    write_meeting(sessions_directory(), "s1")
    args = ("cost", "reconcile", "--month", "2026-11", "--provider", "openai", "--tolerance", "1%", "--total")
    assert read_json(meetctl, *args, "0.015")["holds"] is True
    result = meetctl(*args, "0.02")
    assert result.returncode == 4
    assert "differs beyond the tolerance" in result.stdout


def test_what_cannot_be_compared_is_no_agreement(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    write_meeting(sessions_directory(), "s1")
    bill = tmp_path / "credits.json"
    bill.write_text('{"data": [{"start_ts": "2026-11-16T00:00:00.000Z", "credits": 348}]}')
    document = read_json(meetctl, "cost", "reconcile", bill, expect=5)
    assert document["providers"][0]["quantities"] == [{"unit": "characters", "theirs": 348, "ours": 348}]
    assert (document["decided"], document["providers"][0]["theirs_usd"]) == (False, None)
    assert meetctl("cost", "reconcile", bill, "--tolerance", "100%").returncode == 4


def test_a_difference_is_explained(meetctl: MeetctlRunner, tmp_path: Path) -> None:
    events = meeting_events()[:-1]
    cut = make_request(len(events), ["frame-000005"], outcome="cancelled", basis="estimated")
    write_journal(sessions_directory(), "s1", format_lines([*events, cut]))
    bill = tmp_path / "costs.csv"
    bill.write_text(
        "start_time,end_time,amount_value,amount_currency,line_item\n"
        '1794787200,1794873600,0.011,usd,"gpt-4.1-2025-04-14, input"\n'
        '1794787200,1794873600,0.5,usd,"gpt-9, output"\n'
        "1794873600,1794960000,,,\n"
    )
    document = read_json(meetctl, "cost", "reconcile", bill)
    told = " / ".join(document["providers"][0]["explanations"])
    for part in ("that we estimated", "1 requests were cut off", "1 of 1 sessions have no end", "gpt-9"):
        assert part in told
    assert [part["model"] for part in document["providers"][0]["models"]] == ["gpt-9", "gpt-4.1"]
