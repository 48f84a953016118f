"""A meeting's events as a log."""

from __future__ import annotations

import pytest
from tests.dashboards import read_recording
from tests.eventful_meeting import eventful_events

from meetctl.domain.view.logs import EntryTest, LogQuery, find_next_error, pin_errors, read_entries
from meetctl.errors import UsageError
from meetctl.reports.panel_logs import document, tell_entry


def shown(query: LogQuery, name: str | None = None) -> list[str]:
    entries = read_entries(read_recording(name) if name else eventful_events())
    test = EntryTest(query, tell_entry)
    return [tell_entry(entry) for entry in entries if test.admits(entry)]


def test_levels_leave_out_what_is_less_serious() -> None:
    assert len(shown(LogQuery().with_level("debug"))) == len(eventful_events())
    assert not any("video.frames" in line for line in shown(LogQuery()))
    [only] = shown(LogQuery().with_level("error"))
    assert only == "11:50:25.000 ERROR #2 error: llm: APIStatusError 500"


def test_a_search_looks_at_the_line_as_it_is_shown() -> None:
    assert len(shown(LogQuery().with_search("look_closer done after 340 ms"))) == 1
    assert shown(LogQuery().with_search("LOOK_CLOSER")) == []
    every = shown(LogQuery())
    with_it, without = (shown(LogQuery().with_search(search)) for search in ("maya", "!maya"))
    assert with_it
    assert sorted([*with_it, *without]) == sorted(every)


def test_fields_can_be_asked_for() -> None:
    lines = shown(LogQuery().with_search("?duration_ms > 300"))
    assert [line.split()[3] for line in lines] == ["tool.called:"]
    assert len(shown(LogQuery().with_search("?latency.total_s >= 1"))) == 2


def test_one_turn_can_be_asked_for() -> None:
    lines = shown(LogQuery().with_turn(2))
    assert lines
    assert all(" #2 " in line for line in lines)
    assert len(shown(LogQuery().with_turn(2).with_turn(None))) == len(shown(LogQuery()))


@pytest.mark.parametrize("search", ["", "  ", "!", "?"])
def test_an_empty_search_admits_all(search: str) -> None:
    assert shown(LogQuery().with_search("x").with_search(search)) == shown(LogQuery())


@pytest.mark.parametrize("search", ["(", "![", "?duration_ms >", "?x"])
def test_what_cannot_be_searched_for_is_said(search: str) -> None:
    with pytest.raises(UsageError):
        LogQuery().with_search(search)


def test_after_the_last_error_comes_the_first() -> None:
    entries = read_entries(eventful_events())
    place = find_next_error(entries, None)
    assert place is not None
    assert entries[place].event.type == "error"
    assert find_next_error(entries, place) == place
    assert find_next_error(entries, len(entries) - 1) == place
    assert find_next_error(entries[:place], 0) is None
    assert find_next_error([], None) is None


def test_the_last_errors_are_pinned_oldest_first() -> None:
    entries = read_entries(eventful_events())
    assert [entry.event.type for entry in pin_errors(entries * 5)] == ["error"] * 3
    assert pin_errors(read_entries(read_recording("live-demo"))) == ()


def test_the_document_says_what_was_asked_for() -> None:
    entries = read_entries(eventful_events())[:1]
    found = document(entries, LogQuery().with_turn(3))
    assert {key: found[key] for key in ("schema", "level", "search", "turn")} == {
        "schema": "meetctl.panel.logs/1",
        "level": "info",
        "search": None,
        "turn": 3,
    }
    assert found["entries"][0]["event"]["type"] == "session.started"
