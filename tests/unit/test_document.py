from __future__ import annotations

import json
from typing import Any

from tests.written_audit import written_audit

from meetctl.cli.output import format_json
from meetctl.reports.document import make_document


def document(*, timestamps: bool = False) -> dict[str, Any]:
    """Return what a program reads: through JSON and back."""
    text = format_json(make_document(written_audit(), timestamps=timestamps))
    found: dict[str, Any] = json.loads(text)
    return found


def test_document_names_its_schema_and_price_book() -> None:
    found = document()
    assert found["schema"] == "meetctl.replay/1"
    assert found["price_book"]["version"] == "2026-11-22"
    assert 0 < found["price_book"]["priced"] < 1


def test_money_is_exact_text_and_unpriced_is_null() -> None:
    source, slow, odd = document()["recordings"][0]["policies"]
    assert source["cost"]["per_turn"] == {
        "sent": 10,
        "tokens": 11050,
        "usd": "0.022100",
        "usd_per_min": "0.442000",
    }
    assert slow["cost"]["history"]["usd"] == "0.03729375"
    assert odd["cost"]["every_frame"] == {"sent": 1, "tokens": 85, "usd": None, "usd_per_min": None}
    assert odd["saving"] == {"baseline": "2 fps", "every_frame": None, "per_turn": None, "history": None}


def test_policies_carry_what_they_were_asked_with() -> None:
    odd = document()["recordings"][0]["policies"][2]
    assert {name: odd[name] for name in ("name", "window", "detail", "side", "gate", "model", "rule")} == {
        "name": "a|b, <i>*odd*</i>",
        "window": 3,
        "detail": "low",
        "side": 1024,
        "gate": 2.5,
        "model": "nobody-prices-this",
        "rule": "flat/2026-01-01",
    }


def test_baseline_has_the_rate_of_the_source() -> None:
    found = document()
    rates = [one["policies"][0]["fps"] for one in found["recordings"]]
    assert rates == [one["fps"] for one in found["recordings"]] == [2.0, 2.0]
    assert found["total"]["policies"][0]["fps"] == 2.0


def test_coverage_that_nobody_looked_for_is_null() -> None:
    assert document()["recordings"][1]["policies"][0]["coverage"] == {
        "method": "off",
        "changes": None,
        "seen": None,
        "ratio": None,
        "delay_p50_s": None,
        "delay_p95_s": None,
    }


def test_only_a_recording_with_several_tracks_lists_them() -> None:
    one, two = document()["recordings"]
    assert "tracks" not in one
    assert [track["name"] for track in two["tracks"]] == ["screen", "camera"]
    assert two["frames"] == sum(track["frames"] for track in two["tracks"]) == 12


def test_kept_times_are_added_on_demand_and_ascend_over_all_tracks() -> None:
    assert not any("kept_s" in policy for one in document()["recordings"] for policy in one["policies"])
    one, two = document(timestamps=True)["recordings"]
    assert one["policies"][1]["kept_s"] == [0.0, 2.0]
    kept_s = two["policies"][0]["kept_s"]
    assert len(kept_s) == 12
    assert kept_s == sorted(kept_s)


def test_text_that_is_no_utf_8_stays_valid_json() -> None:
    text = format_json({"path": 'caf\udce9 "x"\\ \udcf0\udc9f\udc98\udc80 \ud800'})
    assert json.loads(text.encode()) == {"path": 'caf\\xe9 "x"\\ 😀 \\ud800'}
