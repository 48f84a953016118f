from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.written_audit import make_costs, one_track, written_audit

from meetctl.domain.billing import MEANING_TITLES, MEANINGS
from meetctl.reports.cells import format_share
from meetctl.reports.delimited import CSV_COLUMNS, MARKDOWN_COLUMNS, render_csv, render_markdown
from meetctl.reports.money import format_usd

if TYPE_CHECKING:
    from collections.abc import Callable

    from meetctl.domain.audit import Audit

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def csv_rows(audit: Audit) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render_csv(audit), newline="")))


def markdown_rows(audit: Audit) -> list[dict[str, str]]:
    """Every table's rows in their order, unescaped."""
    rows = []
    for line in render_markdown(audit).splitlines():
        if line.startswith("| ") and not line.startswith(("| Policy ", "| :--")):
            cells = line[2:-2].split(" | ")
            unescaped = [re.sub(r"\\(.)", r"\1", cell) for cell in cells]
            rows.append(dict(zip(MARKDOWN_COLUMNS, unescaped, strict=True)))
    return rows


def marked_name(row: dict[str, str]) -> str:
    if row["is_cheapest"] == "true":
        return f"**{row['policy']}** (cheapest)"
    return f"{row['policy']} (source)" if row["is_baseline"] == "true" else row["policy"]


def audit_of_one_cost(usd: Decimal, saving: float | None) -> Audit:
    """A single recording of a minute, whose second policy costs `usd` in every meaning."""
    recording = one_track()
    source, slow, _ = recording.policies
    cost = (1, 2, str(usd))
    slow = replace(
        slow, costs=make_costs(cost, cost, cost, 60_000_000), saving=dict.fromkeys(MEANINGS, saving)
    )
    return replace(written_audit(), recordings=(replace(recording, policies=(source, slow)),), total=())


@pytest.mark.parametrize(("name", "render"), [("audit.csv", render_csv), ("audit.md", render_markdown)])
def test_output_is_as_the_golden_file(name: str, render: Callable[[Audit], str]) -> None:
    assert render(written_audit()).encode() == (GOLDEN / name).read_bytes()


def test_csv_is_as_rfc_4180_says() -> None:
    text = render_csv(written_audit())
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert text.startswith(",".join(CSV_COLUMNS) + "\r\n")
    assert '"films/review, ""part 1"".mkv"' in text


def test_csv_has_a_row_per_recording_policy_and_meaning_and_then_the_total() -> None:
    audit = written_audit()
    expected = [
        (str(recording.recording.path), policy.policy.name, meaning)
        for recording in audit.recordings
        for policy in recording.policies
        for meaning in MEANINGS
    ] + [("total", policy.policy.name, meaning) for policy in audit.total for meaning in MEANINGS]
    assert [(row["recording"], row["policy"], row["meaning"]) for row in csv_rows(audit)] == expected


def test_csv_leaves_empty_what_has_no_price_or_is_unknown() -> None:
    rows = csv_rows(written_audit())
    unpriced = [row for row in rows if row["model"] == "nobody-prices-this"]
    assert len(unpriced) == 9
    assert all(
        row[name] == "" for row in unpriced for name in ("usd", "usd_per_min", "usd_per_hour", "saving")
    )
    unseen = [row for row in rows if row["coverage_method"] == "off"]
    assert all(row[name] == "" for row in unseen for name in ("changes", "seen", "coverage", "delay_p50_s"))
    assert {row["fps"] for row in rows if row["recording"] == "total" and row["is_baseline"] == "true"} == {
        ""
    }


def test_csv_figures_are_plain_decimals() -> None:
    row = csv_rows(written_audit())[3]
    assert (row["policy"], row["meaning"], row["fps"], row["duration_s"]) == (
        "0.5 fps",
        "every_frame",
        "0.5",
        "3",
    )
    assert (row["usd"], row["usd_per_min"], row["usd_per_hour"]) == ("0.004420", "0.088400", "5.304000")
    assert (row["saving"], row["coverage"], row["delay_p50_s"]) == ("0.666667", "1", "0")


def test_markdown_has_the_same_rows_as_csv() -> None:
    audit = written_audit()
    shown = [(row["Policy"], row["Images billed"]) for row in markdown_rows(audit)]
    titles = {str(meaning): title for meaning, title in MEANING_TITLES.items()}
    assert shown == [(marked_name(row), titles[row["meaning"]]) for row in csv_rows(audit)]


def test_markdown_agrees_with_csv_cell_for_cell() -> None:
    audit = written_audit()
    for text, row in zip(markdown_rows(audit), csv_rows(audit), strict=True):
        assert text["Kept"] == f"{int(row['kept']):,}"
        assert text["Sent"] == f"{int(row['sent']):,}"
        assert text["Tokens"] == f"{int(row['tokens']):,}"
        for column, name in (("Total", "usd"), ("$/min", "usd_per_min"), ("$/hour", "usd_per_hour")):
            assert text[column] == format_usd(Decimal(row[name]) if row[name] else None)
        if row["is_baseline"] == "true":
            assert text["Saving"] == "–"
        else:
            assert text["Saving"] == (format_share(float(row["saving"])) if row["saving"] else "n/a")
        if row["coverage"]:
            about = "~" if row["coverage_method"] == "packets" else ""
            assert text["Coverage"] == (
                f"{about}{format_share(float(row['coverage']))} ({row['seen']}/{row['changes']})"
            )
            assert (
                text["Delay p50/p95"]
                == f"{float(row['delay_p50_s']):.1f} / {float(row['delay_p95_s']):.1f} s"
            )
        else:
            assert (text["Coverage"], text["Delay p50/p95"]) == ("n/a", "n/a")


@given(
    usd=st.decimals(min_value=0, max_value=10**9, places=12),
    saving=st.none() | st.floats(min_value=-10, max_value=1),
)
def test_markdown_and_csv_differ_by_no_more_than_their_rounding(usd: Decimal, saving: float | None) -> None:
    audit = audit_of_one_cost(usd, saving)
    text, row = markdown_rows(audit)[3], csv_rows(audit)[3]
    assert Decimal(row["usd"]) == usd
    for column, name in (("Total", "usd"), ("$/min", "usd_per_min"), ("$/hour", "usd_per_hour")):
        money = text[column].removeprefix("$").replace(",", "")
        step = Decimal(1).scaleb(-len(money.partition(".")[2]))
        assert abs(Decimal(money) - Decimal(row[name])) <= max(step, Decimal("0.000001"))
    if saving is None:
        assert (text["Saving"], row["saving"]) == ("n/a", "")
    elif text["Saving"] == ">99.9%":
        assert 0.9995 <= float(row["saving"]) <= 1
    else:
        shown = float(text["Saving"].removesuffix("%").replace("−", "-")) / 100
        assert abs(shown - float(row["saving"])) <= 0.000501


@given(st.text(alphabet="ab|\\`*_[]<>#~&$ \n", min_size=1).filter(lambda name: name.strip() != ""))
def test_no_name_changes_the_markdown_table(name: str) -> None:
    audit = audit_of_one_cost(Decimal(1), None)
    source, slow = audit.recordings[0].policies
    slow = replace(slow, policy=replace(slow.policy, name=name), is_cheapest=False)
    audit = replace(audit, recordings=(replace(audit.recordings[0], policies=(source, slow)),))
    assert len(markdown_rows(audit)) == 6
    assert markdown_rows(audit)[3]["Policy"] == " ".join(name.split())
    assert [row["policy"] for row in csv_rows(audit)][3:] == [name] * 3


def test_markdown_shows_names_as_they_are() -> None:
    text = render_markdown(written_audit())
    assert r"a\|b, \<i\>\*odd\*\</i\>" in text
    assert "<i>" not in text
