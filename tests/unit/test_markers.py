"""Which moments of a session are marked, and where a bar shows them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.dashboards import read_recording

from meetctl.domain.events import Event
from meetctl.domain.view.alignment import align_by_turn
from meetctl.domain.view.markers import (
    MarkerKind,
    find_markers,
    find_next,
    find_previous,
    find_spikes,
    mark_missed,
    merge_markers,
    place_markers,
)
from meetctl.domain.view.media_time import format_time, parse_time


def make_event(kind: str, **fields: Any) -> Event:
    return Event(seq=0, ts="", t=0, type=kind, session_id="s", tenant_id=None, room="r", fields=fields)


@pytest.mark.parametrize(
    ("event", "kind", "words"),
    [
        (make_event("turn.started", turn=3), "turn", "turn 3"),
        (make_event("tool.called", tool="look", outcome="done"), "tool", "tool look, done"),
        (make_event("tool.refused", tool="mail", reason="x"), "error", "tool mail refused"),
        (make_event("error", component="stt", error="Timeout"), "error", "error: stt"),
        (make_event("llm.request", outcome="failed"), "error", "a request that failed"),
        (make_event("transcript", role="assistant", interrupted=True), "interruption", "was interrupted"),
        (make_event("answer.cut", reason="instructions"), "interruption", "an answer was cut"),
    ],
)
def test_what_is_marked(event: Event, kind: MarkerKind, words: str) -> None:
    (marker,) = find_markers([7.5], [event])
    assert (marker.t, marker.kind) == (7.5, kind)
    assert words in marker.text


def test_what_just_happens_is_not_marked() -> None:
    events = [make_event("frame.kept"), make_event("transcript", final=True), make_event("tool")]
    assert find_markers([1, 2, 3], events) == ()


def make_request(usd: str | None, tokens: int = 1000) -> Event:
    amount = {} if usd is None else {"usd": usd}
    return make_event("llm.request", provider="openai", model="gpt-4.1", input_tokens=tokens, **amount)


def test_a_request_is_a_spike_from_twice_the_median_on() -> None:
    requests = [make_request(usd) for usd in ("0.01", "0.01", "0.019", "0.02", "0.05")]
    assert {place: round(times, 2) for place, times in find_spikes(requests).items()} == {4: 2.63}
    assert find_spikes(requests[3:]) == {}, "of two nobody knows what is usual"


def test_where_requests_cost_nothing_their_tokens_count_and_the_unpriced_are_no_spike() -> None:
    free = [make_request("0", tokens) for tokens in (1000, 1000, 1000, 4000)]
    assert find_spikes(free) == {3: 4.0}
    assert find_spikes([make_request("0.01") for _ in range(3)] + [make_request(None, 90_000)]) == {}


def test_recordings_have_a_marker_for_each_turn() -> None:
    events = read_recording("code-walkthrough")
    markers = find_markers([event.t for event in events], events)
    turns = [marker for marker in markers if marker.kind == "turn"]
    assert len(turns) == sum(event.type == "turn.started" for event in events) > 0


def test_next_and_previous_pass_over_where_one_is() -> None:
    markers = merge_markers(mark_missed([5_000_000, 9_000_000]), mark_missed([1_000_000]))
    assert [marker.t for marker in markers] == [1, 5, 9]
    assert (find_next(markers, 5), find_previous(markers, 5)) == (markers[2], markers[0])
    assert (find_next(markers, 9), find_previous(markers, 1)) == (None, None)


def test_what_matters_most_is_shown_where_two_share_a_cell() -> None:
    events = [make_event("turn.started", turn=1), make_event("error"), make_event("tool.called")]
    assert place_markers(find_markers([5.0, 5.1, 5.2], events), 100, 20) == {1: "error"}
    assert place_markers(find_markers([5.0, 5.1, 5.2], events), 0, 20) == {0: "error"}


@pytest.mark.parametrize(
    "text", ["", "a", "1:", "1:60", "1:2:3:4", "-5", "1e3", "1.5:10", "\u0663", "99999999999"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|longer"):
        parse_time(text)


def test_times_read_as_they_are_written() -> None:
    for seconds in (0, 5, 59, 60, 3599, 3600, 3723, 10_800):
        assert parse_time(format_time(seconds)) == seconds


def test_a_session_without_turns_is_aligned_at_its_end() -> None:
    assert align_by_turn(30, [10], [], 60) == 60
    assert align_by_turn(5, [10], [], 60) == 5
