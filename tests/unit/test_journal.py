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
