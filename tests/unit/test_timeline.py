"""A session at any of its times: the same as folding its journal up to there."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dashboards import read_recording

from meetctl.domain.events import Event
from meetctl.domain.state import fold_events
from meetctl.services.dashboard.timeline import Timeline

KINDS = ("turn.started", "frame.kept", "transcript", "llm.request", "error", "something.new")


@st.composite
def journals(draw: st.DrawFn) -> list[Event]:
    times = draw(st.lists(st.floats(0, 100, allow_nan=False), max_size=60))
    return [
        Event(
            seq=seq,
            ts="",
            t=t,
            type=draw(st.sampled_from(KINDS)),
            session_id="s1",
            tenant_id=None,
            room="demo",
            fields={"turn": seq, "t_us": round(t * 1e6), "final": True, "text": "hello"},
        )
        for seq, t in enumerate(times)
    ]


def fold_until(events: list[Event], t: float) -> object:
    moments = list(accumulate((event.t for event in events), max))
    return fold_events(events[: bisect_right(moments, t)])


@given(events=journals(), asked=st.lists(st.floats(-1, 101), min_size=1, max_size=8), every=st.integers(1, 9))
def test_the_state_at_a_time_is_what_all_events_up_to_it_fold_to(
    events: list[Event], asked: list[float], every: int
) -> None:
    timeline = Timeline(checkpoint_every=every)
    timeline.extend(events)
    for t in asked:
        assert timeline.state_at(t) == fold_until(events, t)
        assert len(timeline.events_until(t, 1000)) == timeline.state_at(t).events
    assert timeline.state_at(timeline.end_s) == timeline.end_state == fold_events(events)


@pytest.mark.parametrize("name", ["live-demo", "code-walkthrough", "quarterly-review"])
def test_a_recording_is_the_same_at_every_moment_forwards_and_backwards(name: str) -> None:
    events = list(read_recording(name))
    timeline = Timeline(checkpoint_every=16)
    timeline.extend(events)
    moments = sorted({*timeline.moments})[::7]
    for t in (*moments, *reversed(moments)):
        assert timeline.state_at(t) == fold_until(events, t)


def test_it_can_be_asked_while_it_grows() -> None:
    events = read_recording("live-demo")
    timeline = Timeline(checkpoint_every=10)
    assert (timeline.end_s, timeline.state_at(5).events) == (0, 0)
    timeline.extend(events[:100])
    assert timeline.state_at(1000) == fold_events(events[:100])
    timeline.extend(events[100:])
    assert timeline.state_at(1000) == fold_events(events)


def test_steps_go_from_frame_to_frame_and_from_turn_to_turn_and_end_at_the_ends() -> None:
    timeline = Timeline()
    timeline.extend(read_recording("code-walkthrough"))
    turns, t = [], -1.0
    while (step := timeline.step_turn(t, 1)) is not None:
        turns.append(t := step)
    assert turns == list(timeline.turn_starts)
    assert len(turns) == timeline.end_state.turns.started
    assert timeline.step_turn(turns[0], -1) is None
    assert timeline.step_turn(turns[1] + 0.01, -1) == turns[1]
    frame = timeline.step_frame(-1, 1)
    assert frame is not None
    assert timeline.state_at(frame).frames.kept == 1
    assert timeline.step_frame(timeline.end_s, 1) is None
