"""The reducer: one state however events come, nothing that makes it fail, and what is seen of a session."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain.events import Event, parse_event, parse_journal
from meetctl.domain.session_cost import fold_usage
from meetctl.domain.state import SessionState, fold_events, reduce
from meetctl.domain.state.conversation import MOST_UTTERANCES
from meetctl.domain.state.fields import OTHER, tally
from meetctl.domain.state.looks import MOST_FRAMES
from meetctl.domain.state.people import MOST_PEOPLE
from meetctl.domain.state.reducer import KNOWN_TYPES
from meetctl.domain.state.spread import Spread

if TYPE_CHECKING:
    from pathlib import Path

WORDS = """
turn track participant name kind source t_us width height text role final typed interrupted old new
policy fps window detail side eyes mode reason usd usd_by_unit images looked input_tokens
cached_input_tokens output_tokens image_tokens image_usd audio_s characters provider model basis outcome
billed latency total_s missing after_s use instead op args what jti count duration_ms component status
error level message providers llm record recorded frames dropped lost_events duration_s requests tier
frame
"""
FIELDS = WORDS.split()

weird = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["done", "failed", "offline", "NaN", "0.25", "9E+999999", "1E-999999", "assistant", "full", 10**400]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)
any_event = st.builds(
    Event,
    seq=st.just(0),
    ts=st.text(max_size=30),
    t=st.floats(0, 1e9),
    type=st.sampled_from([*sorted(KNOWN_TYPES), "something.else"]),
    session_id=st.sampled_from(["s", ""]),
    tenant_id=st.sampled_from([None, "acme"]),
    room=st.just("r"),
    fields=st.dictionaries(st.sampled_from(FIELDS), weird, max_size=8),
)


class Script:
    """Events one after the other, numbered as a journal's are."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, kind: str, /, t: float = 0.0, **fields: Any) -> Script:
        seq = len(self.events)
        owner = {"session_id": "s", "tenant_id": None, "room": "r"}
        line = {"v": 1, "seq": seq, "ts": f"2026-11-16T09:00:{seq % 60:02d}.000000Z", "t": t, "type": kind}
        self.events.append(parse_event(json.dumps({**line, **owner, **fields})))
        return self

    @property
    def state(self) -> SessionState:
        return fold_events(self.events)


def numbered(events: list[Event]) -> list[Event]:
    return [
        Event(
            seq=seq, ts=e.ts, t=e.t, type=e.type, session_id=e.session_id, tenant_id=e.tenant_id, room=e.room,
            fields=e.fields,
        )
        for seq, e in enumerate(events)
    ]  # fmt: skip


@given(st.lists(any_event, max_size=25), st.integers(0, 25))
def test_a_fold_in_two_parts_or_read_twice_is_the_same_fold(events: list[Event], at: int) -> None:
    journal = numbered(events)
    whole = fold_events(journal)
    assert fold_events(journal[at:], fold_events(journal[:at])) == whole
    assert fold_events(journal, whole) == whole
    assert (whole.events, whole.next_seq, whole.lost) == (len(journal), len(journal), 0)


@given(st.lists(any_event, max_size=25))
def test_nothing_that_is_counted_runs_back(events: list[Event]) -> None:
    state = SessionState()
    for event in numbered(events):
        after = reduce(state, event)
        assert after.t >= state.t
        assert after.frames.seen >= state.frames.seen
        assert after.frames.sent >= state.frames.sent
        assert after.usage.uses >= after.usage.priced_uses >= 0
        assert after.requests.made >= state.requests.made
        state = after


@given(st.dictionaries(st.text(max_size=6), weird, max_size=5))
def test_an_unknown_type_is_only_counted(fields: dict[str, object]) -> None:
    before = Script().add("session.started", agent="a").state
    event = Event(
        seq=1, ts=before.last_at or "", t=0.0, type="next.year", session_id="s", tenant_id=None, room="r",
        fields=fields,
    )  # fmt: skip
    after = reduce(before, event)
    assert (after.events, after.unknown, after.next_seq) == (2, 1, 2)
    assert (after.about, after.people, after.usage, after.health) == (
        before.about,
        before.people,
        before.usage,
        before.health,
    )


@given(st.lists(st.integers(0, 999_999), min_size=1, max_size=60), st.sampled_from([1, 50, 95, 100]))
def test_percentiles_are_exact_to_three_digits(milliseconds: list[int], percent: int) -> None:
    spread = Spread()
    for ms in milliseconds:
        spread = spread.add(ms / 1000)
    exact = sorted(milliseconds)[max(1, -(-percent * len(milliseconds) // 100)) - 1] / 1000
    found = spread.percentile_s(percent)
    assert found is not None
    assert abs(found - exact) <= max(0.0005, exact * 0.005)


@pytest.mark.parametrize("name", ["live-demo", "code-walkthrough", "quarterly-review"])
def test_a_real_meeting_is_told_as_it_was(recordings: Path, name: str) -> None:
    events = [event for event in parse_journal((recordings / name / "events.jsonl").read_bytes()) if event]
    state = fold_events(events)
    kinds = [event.type for event in events]
    assert (state.events, state.unknown, state.lost) == (len(events), 0, 0)
    assert state.usage.lines == fold_usage(events)
    assert state.frames.kept == kinds.count("frame.kept")
    assert state.frames.seen == sum(len(e.fields["t_us"]) for e in events if e.type == "video.frames")
    assert state.frames.sent == sum(len(e.fields["images"]) for e in events if e.type == "llm.request")
    assert state.turns.ended == kinds.count("turn.ended") == state.turns.started
    assert state.requests.made == kinds.count("llm.request")
    assert state.about.has_ended
    assert state.tracks.live == ()
    totals = sorted(e.fields["latency"]["total_s"] for e in events if e.type == "turn.ended")
    assert dict(state.turns.latency)["total_s"].percentile_s(100) == pytest.approx(totals[-1], rel=0.005)


def test_who_is_there_and_what_they_publish() -> None:
    script = Script().add("participant.joined", participant="a1", kind="agent", name="Assistant")
    script.add("participant.joined", t=1, participant="maya", name="Maya", kind="standard")
    script.add("track.started", t=2, track="TR", participant="maya", source="screen_share", kind="video")
    script.add("video.frames", t=3, track="TR", t_us=[2_000_000, 2_500_000, 3_000_000], width=640, height=360)
    script.add("frame.kept", t=2, frame="frame-000000", track="TR", t_us=2_000_000, width=640, height=360)
    script.add("user.state", t=3, participant="maya", old="listening", new="speaking")
    (track,) = script.state.tracks.live
    assert (track.participant, track.width, track.seen, track.kept, track.fps) == ("maya", 640, 3, 1, 2.0)
    assert [(p.name, p.state) for p in script.state.people.present] == [
        ("Assistant", None),
        ("Maya", "speaking"),
    ]
    script.add("track.ended", t=4, track="TR", kind="video").add("participant.left", t=5, participant="maya")
    state = script.state
    assert state.tracks.live == ()
    assert [p.identity for p in state.people.present] == ["a1"]
    maya = state.people.find("maya")
    assert maya is not None
    assert (maya.joined_t, maya.left_t, maya.state) == (1, 5, None)


def test_a_turn_with_its_latency_images_and_cost() -> None:
    script = Script().add("turn.started", t=1, turn=1, participant="maya", name="Maya")
    use = {"turn": 1, "provider": "openai", "model": "gpt-4.1", "basis": "reported"}
    script.add(
        "llm.request", t=2, **use, images=["f1", "f2"], looked=["look-1"], input_tokens=900, output_tokens=10,
        usd_by_unit={"input_tokens": "0.0018", "output_tokens": "0.0001"}, outcome="done",
    )  # fmt: skip
    script.add("tts.usage", t=3, **{**use, "model": "sonic"}, characters=10, usd=None)
    script.add("turn.ended", t=4, turn=1, outcome="done", requests=1, latency={"llm_s": 0.25, "total_s": 0.9})
    state = script.state
    (turn,) = state.turns.recent
    assert (turn.name, turn.outcome, turn.images, turn.requests) == ("Maya", "done", 3, 1)
    assert turn.latency == {"llm_s": 0.25, "total_s": 0.9}
    assert turn.usd is None
    assert state.usage.usd == Decimal("0.0019")
    assert (state.usage.priced_uses, state.usage.uses) == (1, 2)
    assert (state.frames.sent, state.frames.last_sent) == (3, ("f1", "f2", "look-1"))


def test_a_request_that_failed_sent_nothing_unless_it_is_billed() -> None:
    failed = Script().add("llm.request", images=["f1"], input_tokens=9, outcome="failed")
    assert (failed.state.frames.sent, failed.state.requests.input_tokens) == (0, 0)
    billed = Script().add("llm.request", images=["f1"], input_tokens=9, outcome="failed", billed=True)
    assert (billed.state.frames.sent, billed.state.requests.input_tokens) == (1, 9)
    assert failed.state.requests.outcomes == (("failed", 1),)


def test_the_policy_and_the_recording_as_they_are_now() -> None:
    policy = {"fps": "1", "window": 5, "detail": "high", "side": 1024, "model": "gpt-4.1"}
    script = Script().add("session.started", policy=policy, record="full")
    script.add(
        "policy.changed", t=9, policy={"fps": "1/2", "window": 2, "detail": "low", "side": None}, eyes=False
    )
    script.add("recording.changed", t=10, mode="off", from_us=10_000_000)
    looking = script.state.looking
    assert (looking.fps, looking.window, looking.detail, looking.side) == ("1/2", 2, "low", None)
    assert (looking.model, looking.eyes, looking.changes, looking.since_t) == ("gpt-4.1", False, 1, 9)
    assert (script.state.recording.mode, script.state.recording.changes) == ("off", 1)
    script.add("recording.stopped", t=11, reason="no space is left")
    assert (script.state.recording.stopped, script.state.recording.stopped_t) == ("no space is left", 11)


def test_what_is_wrong_now_and_what_was() -> None:
    gone = {"use": "llm", "provider": "openai", "model": "gpt-4.1"}
    script = Script().add("provider.degraded", t=1, **gone, instead={"provider": "openai", "model": "mini"})
    script.add("backend.degraded", t=2, reason="timeout", missing=["knowledge", "usage delivery"])
    script.add("error", t=3, component="stt", error="APIStatusError", status=500)
    state = script.state
    assert state.health.is_degraded
    assert [(p.model, p.instead) for p in state.health.passed_over] == [("gpt-4.1", "openai/mini")]
    assert state.health.backend_missing == ("knowledge", "usage delivery")
    assert [(i.subject, i.what) for i in state.health.recent] == [
        ("openai/gpt-4.1", "openai/mini instead"),
        ("backend", "timeout: knowledge, usage delivery"),
        ("stt", "APIStatusError 500"),
    ]
    script.add("provider.recovered", t=8, **gone, instead=None)
    script.add("backend.recovered", t=9, after_s=7.0, missing=[])
    state = script.state
    assert not state.health.is_degraded
    assert (state.health.degradations, state.health.recoveries, state.health.error_count) == (2, 2, 1)


def test_a_recorder_tells_nobody_and_may_lose_the_room() -> None:
    script = Script().add("session.started", agent=None, announced=False, policy={"fps": "1"}, record="full")
    script.add("connection.lost", t=3, reason="SIGNAL_CLOSED")
    state = script.state
    assert (state.about.is_recorder, state.about.is_announced) == (True, False)
    assert (state.health.connections_lost, state.health.connection_lost_t) == (1, 3)
    assert state.health.is_degraded
    script.add("connection.restored", t=9, after_s=6.04)
    assert not script.state.health.is_degraded
    assert script.state.health.recent[-1].what == "after 6.0 s"


def test_what_operators_and_budgets_did() -> None:
    script = Script().add("control.performed", op="mute", args={"what": "ears"}, jti="x", outcome="done")
    script.add("control.performed", op="mute", args={"what": "voice"}, jti="y", outcome="failed", error="no")
    script.add("control.refused", reason="expired", count=3)
    script.add("budget.step", t=5, step="lower detail")
    steering = script.state.steering
    assert steering.muted == ("ears",)
    assert (steering.performed, steering.failed, steering.refused) == ((("mute", 2),), 1, (("expired", 3),))
    assert [event.fields for event in steering.budget_steps] == [{"step": "lower detail"}]
    script.add("control.performed", op="unmute", args={"what": "ears"}, jti="z", outcome="done")
    assert script.state.steering.muted == ()


def test_interim_words_give_way_to_final_ones_and_the_last_are_remembered() -> None:
    script = Script().add("transcript", turn=1, role="user", text="Hel", final=False, participant="maya")
    assert script.state.conversation.interim is not None
    for number in range(MOST_UTTERANCES + 7):
        script.add("transcript", t=number, turn=1, role="user", text=str(number), final=True)
        script.add("frame.kept", frame=f"f{number}", track="TR", t_us=number, width=1, height=1)
    script.add("transcript", turn=None, role="assistant", text="Yes.", final=True, interrupted=True)
    state = script.state
    assert state.conversation.interim is None
    assert (state.conversation.by_people, state.conversation.by_agent) == (MOST_UTTERANCES + 7, 1)
    assert len(state.conversation.recent) == MOST_UTTERANCES
    assert state.conversation.recent[-1].text == "Yes."
    assert (len(state.frames.recent), state.frames.kept) == (MOST_FRAMES, MOST_UTTERANCES + 7)


def test_of_too_many_people_those_who_left_are_forgotten() -> None:
    script = Script().add("participant.joined", participant="first", name="First")
    for number in range(MOST_PEOPLE + 5):
        script.add("participant.joined", participant=f"p{number}")
        script.add("participant.left", participant=f"p{number}")
    people = script.state.people
    assert len(people.everyone) == MOST_PEOPLE
    assert [person.name for person in people.present] == ["First"]
    assert people.joined == MOST_PEOPLE + 6


def test_a_gap_in_the_numbers_counts_what_is_lost() -> None:
    events = Script().add("log").add("log").add("log").add("log").events
    state = fold_events([events[0], None, events[3]])
    assert (state.events, state.lost, state.next_seq) == (2, 2, 4)


def test_a_tenant_who_is_known_stays_known() -> None:
    script = Script().add("session.started").add("tenant.resolved", tenant_id="acme", tier="pro")
    script.add("session.ended", tenant_id=None, reason="everyone left", duration_s=61.5, lost_events=2)
    about = script.state.about
    assert (about.tenant_id, about.tier, about.has_ended, about.reason) == (
        "acme",
        "pro",
        True,
        "everyone left",
    )
    assert (about.duration_s, about.lost_events) == (61.5, 2)


def test_words_beyond_many_are_counted_together() -> None:
    words: tuple[tuple[str, int], ...] = ()
    for number in range(100):
        words = tally(words, f"word {number}")
    assert sum(times for _, times in words) == 100
    assert dict(words)[OTHER] == 60


def test_every_type_that_the_journal_knows_is_known_here(root: Path) -> None:
    page = (root / "docs/journal.md").read_text(encoding="utf-8")
    for kind in KNOWN_TYPES:
        assert f"`{kind}`" in page
