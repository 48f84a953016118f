from __future__ import annotations

import json

import pytest

from meetctl.domain.events import Event, find_request_times, parse_event, parse_journal


def line(seq: int, t: float, kind: str, **fields: object) -> str:
    envelope = {"v": 1, "seq": seq, "ts": "2026-11-16T09:00:00.000000Z", "t": t, "type": kind}
    return json.dumps({**envelope, "session_id": "s", "tenant_id": None, "room": "r", **fields})


def events(*lines: str) -> list[Event]:
    return [parse_event(text) for text in lines]


def test_requests_are_those_a_provider_may_bill() -> None:
    journal = events(
        line(0, 3.5, "llm.request", outcome="done"),
        line(1, 1.25, "llm.request", outcome="cancelled"),
        line(2, 4.0, "llm.request", outcome="failed"),
        line(3, 5.0, "llm.request", outcome="preempted"),
        line(4, 6.0, "turn.ended"),
        line(5, 7.0, "llm.request", outcome="failed", billed=True),
    )
    assert find_request_times(journal) == (1_250_000, 3_500_000, 5_000_000, 7_000_000)


def test_without_requests_each_final_utterance_of_a_person_counts_as_one() -> None:
    journal = events(
        line(0, 2.0, "transcript", final=False, role="user"),
        line(1, 2.5, "transcript", final=True, role="user"),
        line(2, 4.0, "transcript", final=True, role="assistant"),
    )
    assert find_request_times(journal) == (2_500_000,)


def test_unknown_types_and_fields_are_kept() -> None:
    event = parse_event(line(0, 1, "weather.changed", sky="blue"))
    assert (event.type, event.fields) == ("weather.changed", {"sky": "blue"})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"t":"now","seq":0,"type":"x"}', "{"])
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  json's own message, or ours
        parse_event(text)


def test_a_torn_last_line_is_left_out_and_a_broken_one_is_counted() -> None:
    text = f"{line(0, 1, 'a')}\nnot json\n{line(2, 2, 'b')}\n{line(3, 3, 'c')[:20]}".encode()
    assert [event and event.type for event in parse_journal(text)] == ["a", None, "b"]
