"""What a journal says of frames and requests, also where it says it badly."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from meetctl.domain.events import find_request_times, parse_journal
from meetctl.domain.frame_times import find_frame_times
from meetctl.domain.journal import read_journal
from meetctl.domain.recording_span import is_recorded_at

if TYPE_CHECKING:
    from meetctl.domain.events import Event


def lines(*events: dict[str, object], tail: str = "") -> list[Event | None]:
    whole = [
        {"v": 1, "seq": n, "t": n / 10, "type": "log", "ts": "", **event} for n, event in enumerate(events)
    ]
    return list(parse_journal(("".join(json.dumps(e) + "\n" for e in whole) + tail).encode()))


def started(**policy: object) -> dict[str, object]:
    return {"type": "session.started", "policy": policy}


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        ("1", Fraction(1)),
        ("30000/1001", Fraction(30000, 1001)),
        (1, Fraction(1)),
        (0.5, Fraction(1, 2)),
        ("every-frame", None),
    ],
)
def test_policy_s_rate_may_be_a_text_or_a_number(fps: object, rate: Fraction | None) -> None:
    policy = read_journal(lines(started(fps=fps, window=3, detail="low", side=512, model="m"))).policy
    assert policy is not None
    assert (policy.fps, policy.window, policy.detail, policy.side, policy.model) == (rate, 3, "low", 512, "m")


@pytest.mark.parametrize("policy", [{}, {"fps": "fast"}, {"fps": -1}, {"fps": 1, "side": "x"}])
def test_policy_that_is_not_understood_is_none(policy: dict[str, object]) -> None:
    assert read_journal(lines(started(**policy))).policy is None


@pytest.mark.parametrize(
    ("fields", "has_agent"),
    [({}, True), ({"agent": "meetctl"}, True), ({"agent": ""}, True), ({"agent": None}, False)],
)
def test_only_a_journal_that_says_so_is_without_an_agent(fields: dict[str, object], has_agent: bool) -> None:
    assert read_journal(lines({**started(fps="1"), **fields})).has_agent is has_agent


def test_gaps_and_unreadable_lines_are_counted_and_a_torn_last_line_is_not() -> None:
    journal = read_journal(lines({}, {"seq": 3}, tail='[]\n{"v":1,"se'))
    assert (journal.lost, journal.unreadable, journal.has_ended, journal.end_us) == (2, 1, False, 100_000)


def test_request_is_at_the_time_up_to_which_it_took_frames() -> None:
    events = lines(
        {"type": "llm.request", "t": 5.2, "as_of_us": 5_000_000}, {"type": "llm.request", "t": 9.0}
    )
    journal = read_journal(events)
    assert [request.takes_until_us for request in journal.requests] == [5_000_000, 9_000_000]
    assert find_request_times(event for event in events if event) == (5_000_000, 9_000_000)


def test_request_says_what_its_images_cost_or_that_nobody_knows() -> None:
    kind: dict[str, object] = {"type": "llm.request", "images": ["f"]}
    journal = read_journal(lines({**kind, "image_usd": "0.1"}, {**kind, "image_usd": None}, kind))
    said, unknown, silent = journal.requests
    assert (said.image_usd, said.says_image_usd) == (Decimal("0.1"), True)
    assert (unknown.image_usd, unknown.says_image_usd) == (None, True)
    assert (silent.image_usd, silent.says_image_usd) == (None, False)
    assert silent.request == "request 3"
    (without,) = read_journal(lines({**kind, "images": []})).requests
    assert (without.image_usd, without.says_image_usd) == (Decimal(0), True)


def test_kept_frame_without_a_time_or_size_is_none() -> None:
    good = {"type": "frame.kept", "frame": "f", "track": "T", "t_us": 5, "width": 2, "height": 2}
    journal = read_journal(lines(good, {**good, "t_us": "5"}, {**good, "width": None}))
    assert [entry.frame for entry in journal.kept] == ["f"]


def test_frame_times_go_by_track_with_a_run_for_each_size() -> None:
    batches = (
        {"track": "A", "t_us": [0, 33], "width": 4, "height": 2},
        {"track": "B", "t_us": [7], "width": 9, "height": 9},
        {"track": "A", "t_us": [33, 20, 66], "width": 4, "height": 2},
        {"track": "A", "t_us": [99, "x"], "width": 8, "height": 2},
        {"track": "A", "t_us": []},
    )
    times = find_frame_times(lines(*({"type": "video.frames", **batch} for batch in batches)))
    assert list(times["A"].t_us) == [0, 33, 66, 99]
    assert [(run.first, run.width) for run in times["A"].runs] == [(0, 4), (3, 8)]
    assert list(times["B"].t_us) == [7]


def changed(from_us: object, **fields: object) -> dict[str, object]:
    policy = fields.pop("policy", {"fps": "2"})
    return {"type": "policy.changed", "policy": policy, "from_us": from_us, **fields}


def test_changes_of_the_policy_are_spans_over_what_they_do_not_say() -> None:
    journal = read_journal(
        lines(
            started(fps="1", window=3, detail="low", model="m"),
            changed(5000, policy={"fps": "every-frame", "window": 8}, attaches_from_us=1000),
            changed(9000, policy={"fps": "0"}, eyes=False),
        )
    )
    first, second, third = journal.spans
    assert (first.from_us, first.policy, first.sees) == (0, journal.policy, True)
    assert (second.policy.fps, second.policy.window, second.policy.detail) == (None, 8, "low")
    assert (second.from_us, second.attaches_from_us, second.policy.model) == (5000, 1000, "m")
    assert (third.sees, third.fps, third.window, third.attaches_from_us) == (False, Fraction(0), 0, 1000)


@pytest.mark.parametrize(
    "change",
    [
        changed(None),
        changed(-1),
        changed(5, policy={}),
        changed(5, policy={"fps": "fast"}),
        changed(5, eyes="open"),
    ],
)
def test_a_change_that_is_not_understood_leaves_no_policy(change: dict[str, object]) -> None:
    journal = read_journal(lines(started(fps="1"), change))
    assert (journal.policy, journal.spans) == (None, ())


def test_the_recording_is_on_unless_the_journal_says_otherwise() -> None:
    switched: tuple[dict[str, object], ...] = (
        {"type": "recording.changed", "mode": "off", "from_us": 10},
        {"type": "recording.changed", "mode": "0.5", "from_us": 20},
        {"type": "recording.changed", "mode": "off"},
    )
    journal = read_journal(lines({"type": "session.started", "record": "full"}, *switched))
    assert [(span.from_us, span.is_on) for span in journal.recorded] == [(0, True), (10, False), (20, True)]
    assert [is_recorded_at(journal.recorded, t_us) for t_us in (0, 9, 10, 20)] == [True, True, False, True]
    off = read_journal(lines({"type": "session.started", "record": "off"}))
    assert not is_recorded_at(off.recorded, 0)
    assert is_recorded_at(read_journal(lines({})).recorded, 0)


def test_what_was_looked_at_and_what_was_billed_is_read() -> None:
    look: dict[str, object] = {"type": "frame.looked", "frame": "look-000001", "width": 4, "height": 2}
    request: dict[str, object] = {"type": "llm.request", "looked": ["look-000001"]}
    journal = read_journal(
        lines(
            {**look, "detail": "original"},
            {**look, "width": "4"},
            request,
            {**request, "outcome": "failed"},
            {**request, "outcome": "failed", "billed": True},
        )
    )
    (entry,) = journal.looked
    assert (entry.frame, entry.width, entry.height, entry.detail) == ("look-000001", 4, 2, "original")
    assert [(r.looked, r.is_billed, r.says_image_usd) for r in journal.requests] == [
        (("look-000001",), billed, False) for billed in (True, False, True)
    ]
