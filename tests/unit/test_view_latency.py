"""Turns' waits on one scale."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dashboards import read_recording
from tests.eventful_meeting import eventful_events, write_events

from meetctl.domain.state import fold_events
from meetctl.domain.state.turns import Turn
from meetctl.domain.view.latency import SCALES_S, fill_bar, measure_turn, view_latency
from meetctl.reports.panel_latency import LEGEND, document, list_lines

SECONDS = st.floats(min_value=0, max_value=90)


def test_a_turn_is_divided_so_that_its_parts_come_to_its_total() -> None:
    shown = view_latency(fold_events(read_recording("live-demo")))
    assert [turn.number for turn in shown.turns] == [1, 2, 3, 4]
    for turn in shown.turns:
        assert sum(seconds for _, seconds in turn.parts) == pytest.approx(turn.total_s)
        assert turn.overlap_s == 0
    assert (shown.total.p50_s, shown.total.p95_s) == (0.663, 2.82)
    assert shown.scale_s == 3.0


def test_what_ran_at_the_same_time_is_told() -> None:
    turn = measure_turn(Turn(number=1, latency={"llm_s": 0.9, "tts_s": 0.3, "total_s": 1.0}))
    assert turn.overlap_s == pytest.approx(0.2)
    assert [letter for letter, _ in turn.parts] == ["M", "V"]


def test_a_turn_without_measures_has_no_bar_and_no_zero() -> None:
    turn = measure_turn(Turn(number=1))
    assert turn.total_s is None
    assert turn.parts == ()
    shown = view_latency(fold_events(write_events((1.0, "turn.started", {"turn": 1}))))
    lines = list(list_lines(shown))
    assert lines[1].split()[1] == "-"
    assert document(shown)["total"]["p50_s"] is None


@given(st.lists(st.tuples(st.sampled_from("SEKMV."), SECONDS), max_size=6), st.integers(2, 80))
def test_a_bar_is_as_long_as_what_it_stands_for(parts: list[tuple[str, float]], columns: int) -> None:
    bar = fill_bar(tuple(parts), 3.0, columns)
    exact = sum(seconds for _, seconds in parts) / 3.0 * columns
    assert len(bar) <= columns
    assert bar.endswith(">") if exact > columns + 0.51 else abs(len(bar) - exact) <= 0.51


@given(st.lists(SECONDS, min_size=1, max_size=40))
def test_one_scale_holds_nearly_all_turns(totals: list[float]) -> None:
    events = write_events(
        *(
            (float(n), "turn.ended", {"turn": n, "outcome": "done", "latency": {"total_s": total}})
            for n, total in enumerate(totals)
        )
    )
    shown = view_latency(fold_events(events))
    assert shown.scale_s in SCALES_S
    fits = sum(total <= shown.scale_s * 1.01 for total in totals)
    assert fits >= 0.95 * len(totals) or shown.scale_s == SCALES_S[-1]


def test_lines_name_every_stage_by_letter_and_word() -> None:
    lines = list(list_lines(view_latency(fold_events(eventful_events()))))
    assert lines[-1] == LEGEND == "S STT E end of turn K knowledge M model V voice . rest"
    assert lines[0].split()[:8] == ["turn", "total", "S", "E", "K", "M", "V", "."]
    assert lines[1].split()[:3] == ["1", "1.40", "s"]
    assert lines[1].endswith(" interrupted")
    assert lines[2].endswith(" overlap 0.20")
    assert lines[3].endswith(" goes on")
    assert lines[-3].startswith("p50   1.00 s")


def test_the_document_is_as_it_was_measured() -> None:
    shown = document(view_latency(fold_events(eventful_events())))
    assert shown["schema"] == "meetctl.panel.latency/1"
    assert [stage["stage"] for stage in shown["stages"]] == [
        *("STT", "end of turn", "knowledge", "model", "voice")
    ]
    assert shown["turns"][0]["parts"][1] == {"stage": "end of turn", "seconds": 0.3}
    assert shown["stages"][1]["p50_s"] == 0.5
