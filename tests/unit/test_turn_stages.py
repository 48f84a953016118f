from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain.turn_stages import Stage, TurnStages, find_stages
from meetctl.reports.turn_waterfall import draw_turn

if TYPE_CHECKING:
    from pathlib import Path


def event(seq: int, kind: str, t: float, *, written_s: float | None = None, **fields: Any) -> dict[str, Any]:
    at = t if written_s is None else written_s
    return {"seq": seq, "ts": f"2026-11-24T09:00:{at:09.6f}Z", "t": t, "type": kind, "turn": 1, **fields}


SPOKEN = [
    event(1, "turn.started", 10.0, participant="maya"),
    event(2, "transcript", 12.2, role="user", text="Hi", final=True),
    event(3, "knowledge.searched", 12.35, duration_ms=250, outcome="done"),
    event(4, "llm.request", 12.4, written_s=13.4, outcome="done"),
    event(5, "tool.called", 12.9, tool="look_closely", duration_ms=100),
    event(6, "transcript", 15.0, role="assistant", text="Hello", final=True),
    event(
        7,
        "turn.ended",
        15.0,
        outcome="done",
        latency={"transcript_s": 0.2, "end_of_turn_s": 0.4, "llm_s": 0.3, "tts_s": 0.1, "total_s": 1.0},
    ),
]


def stages_of(events: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    turn = find_stages(events)
    assert turn is not None
    return {stage.name: (round(stage.start_s, 6), round(stage.end_s, 6)) for stage in turn.stages}


def test_a_spoken_turn() -> None:
    assert stages_of(SPOKEN) == {
        "person speaks": (-2.0, 0.0),
        "transcript": (0.0, 0.2),
        "end of turn": (0.0, 0.4),
        "knowledge": (0.1, 0.35),
        "model": (0.4, 1.4),
        "tool look_closely": (0.8, 0.9),
        "voice": (0.9, 1.0),
        "agent speaks": (1.0, 3.0),
    }


def test_a_typed_turn_begins_with_its_message() -> None:
    typed = [
        event(1, "turn.started", 10.0),
        event(2, "transcript", 10.0, role="user", text="Hi", final=True, typed=True),
        event(3, "llm.request", 10.1, written_s=11.0, outcome="done"),
        event(4, "tts.usage", 11.2, audio_s=2.0),
        event(5, "transcript", 13.5, role="assistant", text="Hello", final=True),
        event(6, "turn.ended", 13.5, outcome="done", latency={"llm_s": 0.3, "tts_s": 0.1}),
    ]
    assert stages_of(typed) == {"model": (0.1, 1.0), "voice": (1.4, 1.5), "agent speaks": (1.5, 3.5)}
    turn = find_stages(typed)
    assert turn is not None
    assert draw_turn(turn, "turn 1", columns=80)[0] == "turn 1, done: first sound 1.50 s after the message"


def test_a_turn_without_an_answer() -> None:
    turn = find_stages([SPOKEN[0], SPOKEN[3]])
    assert turn is not None
    assert (turn.outcome, turn.first_sound_s) == (None, None)
    assert draw_turn(turn, "turn 1", columns=80)[0] == "turn 1, not ended: no answer was heard"


@pytest.mark.parametrize("events", [[], SPOKEN[1:], [{"type": "turn.started"}], [{**SPOKEN[0], "ts": "now"}]])
def test_nothing_can_be_drawn_of_a_turn_that_never_began(events: list[dict[str, Any]]) -> None:
    assert find_stages(events) is None


def test_each_turn_of_a_real_meeting_has_its_stages(recordings: Path) -> None:
    lines = (recordings / "live-demo" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    for number in (1, 2, 3, 4):
        turn = find_stages([event for event in events if event.get("turn") == number])
        assert turn is not None
        names = [stage.name for stage in turn.stages]
        assert names == ["person speaks", "transcript", "end of turn", "model", "voice", "agent speaks"]
        spoke = {stage.name: stage for stage in turn.stages}
        assert turn.first_sound_s == spoke["agent speaks"].start_s == spoke["voice"].end_s
        assert spoke["model"].start_s < spoke["voice"].start_s < spoke["agent speaks"].end_s


def test_the_waterfall_in_80_columns() -> None:
    turn = find_stages(SPOKEN)
    assert turn is not None
    assert draw_turn(turn, "turn 1 in demo", columns=80) == [
        "turn 1 in demo, done: first sound 1.00 s after the end of speech",
        "                  start s  took s",
        "person speaks       -2.00    2.00  <##",
        "transcript           0.00    0.20     ########",
        "end of turn          0.00    0.40     ################",
        "knowledge            0.10    0.25        ###########",
        "model                0.40    1.00                    ##########################>",
        "tool look_closely    0.80    0.10                                    ####",
        "voice                0.90    0.10                                        ####",
        "agent speaks         1.00    2.00                                           ###>",
    ]


SECONDS = st.floats(-100, 100)
STAGES = st.builds(
    lambda name, start_s, took_s: Stage(name=name, start_s=start_s, end_s=start_s + took_s),
    st.text(max_size=40),
    SECONDS,
    st.floats(0, 100),
)


@given(st.lists(STAGES, max_size=6), st.one_of(st.none(), st.floats(0, 50)), st.integers(1, 200))
def test_no_bar_leaves_its_columns(stages: list[Stage], first_sound_s: float | None, columns: int) -> None:
    turn = TurnStages(outcome="done", is_typed=False, first_sound_s=first_sound_s, stages=tuple(stages))
    _, *lines = draw_turn(turn, "turn", columns=columns)
    assert len(lines) == 1 + len(stages)
    assert max(map(len, lines)) <= max(columns, 24 + 16 + 2 + 10)
    assert all(set("<#>") & set(line) for line in lines[1:])
