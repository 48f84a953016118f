"""What a running agent can be told, and which signed messages are for it."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain.control import (
    LONGEST_TEXT,
    OPERATIONS,
    Acknowledgement,
    change_policy,
    check_arguments,
    describe_arguments,
    find_acknowledgement,
    format_acknowledgements,
)
from meetctl.domain.control_token import (
    LEEWAY_S,
    LONGEST_LIFE_S,
    ControlJudge,
    ControlMessage,
    Refusal,
    make_claims,
)
from meetctl.domain.policy import Policy
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW_S = 1_795_000_000
OBSERVER = "observer-0123456789abcdef"
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def claims(**changed: Any) -> dict[str, Any]:
    made = make_claims(
        api_key="key", room="demo", agent="agent-1", op="leave", args={}, jti="jti-00000001", now_s=NOW_S
    )
    return {name: value for name, value in {**made, **changed}.items() if value is not ...}


def judge(said: Mapping[str, Any], now_s: int = NOW_S) -> ControlMessage | Refusal:
    return ControlJudge(api_key="key", room="demo").judge(said, agent="agent-1", now_s=now_s)


@pytest.mark.parametrize(
    ("op", "args", "checked"),
    [
        ("policy", {"fps": 2, "detail": "low"}, {"fps": "2", "detail": "low"}),
        ("policy", {"fps": "every-frame"}, {"fps": "every-frame"}),
        ("policy", {"window": 0, "side": None}, {"window": 0, "side": None}),
        ("unmute", {"what": "voice"}, {"what": "voice"}),
        ("say", {"text": " Hello. "}, {"text": "Hello."}),
        ("ask", {"text": "x" * LONGEST_TEXT}, {"text": "x" * LONGEST_TEXT}),
        ("leave", {}, {}),
        ("record", {"mode": "sampled"}, {"mode": "sampled"}),
        ("record", {"mode": 0.5}, {"mode": "0.5"}),
        ("budget", {"meeting_usd": 2}, {"meeting_usd": "2"}),
        ("budget", {"meeting_usd": "0.50", "day_usd": None}, {"meeting_usd": "0.50", "day_usd": None}),
        ("announce", {"identity": OBSERVER}, {"identity": OBSERVER, "history": False}),
        ("announce", {"identity": OBSERVER, "history": True}, {"identity": OBSERVER, "history": True}),
        ("goodbye", {"identity": OBSERVER}, {"identity": OBSERVER}),
    ],
)
def test_arguments_that_fit_are_taken(op: str, args: Mapping[str, Any], checked: Mapping[str, Any]) -> None:
    assert check_arguments(op, args) == checked


@pytest.mark.parametrize(
    ("op", "args", "says"),
    [
        ("reboot", {}, "no such operation"),
        ("leave", {"now": True}, "leave takes no arguments"),
        ("policy", {}, "policy needs one of fps, detail, window, side"),
        ("policy", {"model": "gpt-5"}, "policy takes only fps, detail, window, side"),
        ("policy", {"fps": -1}, "fps '-1' is not a number of at least 0"),
        ("policy", {"fps": True}, "policy's fps is neither a number nor a short text"),
        ("policy", {"fps": None}, "policy's fps is neither a number nor a short text"),
        ("policy", {"fps": "1" * 33}, "policy's fps is neither a number nor a short text"),
        ("policy", {"detail": "sharp"}, "detail 'sharp' is not one of"),
        ("policy", {"window": 2.5}, "window '2.5' is not a whole number"),
        ("mute", {"what": "heart"}, "mute needs what: one of ears, eyes, voice"),
        ("unmute", {}, "unmute needs what"),
        ("say", {"text": "  "}, "say needs text"),
        ("ask", {"text": "x" * (LONGEST_TEXT + 1)}, "ask needs text"),
        ("record", {}, "record needs mode"),
        ("record", {"mode": 0}, "record needs mode"),
        ("record", {"mode": "always"}, "record's mode 'always' is not a number"),
        ("budget", {}, "budget needs one of meeting_usd, day_usd"),
        ("budget", {"usd": 2}, "budget takes only meeting_usd, day_usd"),
        ("budget", {"meeting_usd": -2}, "'-2' is no amount of US dollars"),
        ("budget", {"meeting_usd": 1e300}, "is no amount of US dollars"),
        ("budget", {"day_usd": True}, "budget's day_usd is neither an amount nor null"),
        ("budget", {"day_usd": [2]}, "budget's day_usd is neither an amount nor null"),
        ("announce", {"identity": "maya"}, "announce needs identity"),
        ("announce", {"identity": OBSERVER, "history": 1}, "announce's history is neither true nor false"),
        ("goodbye", {"identity": OBSERVER, "history": True}, "goodbye takes only identity"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_with_a_reason(
    op: str, args: Mapping[str, Any], says: str
) -> None:
    with pytest.raises(UsageError) as refused:
        check_arguments(op, args)
    assert says in refused.value.message


def test_what_was_to_be_said_is_quoted_nowhere() -> None:
    secret = "the merger is on Friday"
    assert secret not in str(describe_arguments("say", {"text": secret}))
    with pytest.raises(UsageError) as refused:
        check_arguments("say", {"text": secret * LONGEST_TEXT})
    assert secret not in refused.value.message


@given(st.sampled_from(OPERATIONS), st.dictionaries(st.text(max_size=10), JSON_VALUES, max_size=3))
def test_any_arguments_are_taken_or_refused(op: str, args: dict[str, Any]) -> None:
    try:
        checked = check_arguments(op, args)
    except UsageError:
        return
    assert check_arguments(op, checked) == checked


def test_policy_keeps_what_the_message_does_not_name() -> None:
    base = Policy(name="1 fps", fps=Fraction(1), window=5, side=512)
    changed = change_policy(check_arguments("policy", {"fps": 0.5, "side": None}), base)
    assert (changed.fps, changed.side, changed.window) == (Fraction(1, 2), None, 5)
    assert change_policy(check_arguments("policy", {"fps": "every-frame"}), base).fps is None


def test_acknowledgements_are_found_by_their_message() -> None:
    text = format_acknowledgements(
        [Acknowledgement(jti="jti-a"), Acknowledgement(jti="jti-b", error="x" * 1000)]
    )
    assert find_acknowledgement(text, "jti-a") == Acknowledgement(jti="jti-a")
    failed = find_acknowledgement(text, "jti-b")
    assert failed is not None
    assert failed.error is not None
    assert len(failed.error) == 200
    assert find_acknowledgement(text, "jti-c") is None


@pytest.mark.parametrize("text", ["", "[", "{}", "3", '["jti-a"]', "null"])
def test_attribute_that_makes_no_sense_acknowledges_nothing(text: str) -> None:
    assert find_acknowledgement(text, "jti-a") is None


def test_fresh_message_for_this_agent_is_performed() -> None:
    assert judge(claims()) == ControlMessage(jti="jti-00000001", op="leave", args={})


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"aud": ...}, "wrong audience"),
        ({"aud": "somebody"}, "wrong audience"),
        ({"aud": ["meetctl.control"]}, "wrong audience"),
        ({"iss": "another key"}, "wrong issuer"),
        ({"room": "other"}, "foreign room"),
        ({"room": ...}, "foreign room"),
        ({"sub": "agent-2"}, "another agent"),
        ({"jti": ...}, "incomplete"),
        ({"jti": "short"}, "incomplete"),
        ({"jti": 'with spaces and quotes "'}, "incomplete"),
        ({"op": 3}, "incomplete"),
        ({"args": None}, "incomplete"),
        ({"exp": ...}, "incomplete"),
        ({"iat": ...}, "incomplete"),
        ({"exp": float("inf")}, "incomplete"),
        ({"exp": True}, "incomplete"),
        ({"nbf": "now"}, "incomplete"),
        ({"exp": NOW_S + LONGEST_LIFE_S + 1}, "too long-lived"),
        ({"iat": NOW_S - 10**400}, "too long-lived"),
        ({"iat": NOW_S - 60, "exp": NOW_S - LEEWAY_S - 1}, "expired"),
        ({"exp": NOW_S}, "expired"),
        ({"iat": NOW_S + LEEWAY_S + 1, "exp": NOW_S + 30}, "not yet valid"),
        ({"nbf": NOW_S + LEEWAY_S + 1}, "not yet valid"),
        ({"op": "reboot"}, "unknown operation"),
        ({"args": {"now": 1}}, "wrong arguments"),
    ],
)
def test_other_messages_are_refused(changed: Mapping[str, Any], reason: str) -> None:
    verdict = judge(claims(**changed))
    assert isinstance(verdict, Refusal)
    assert verdict.reason == reason
    # Only who has proved to be a new message's sender is told anything.
    assert (verdict.jti is not None) == (reason in ("unknown operation", "wrong arguments"))


def test_clocks_may_differ_a_little() -> None:
    assert isinstance(judge(claims(), NOW_S - LEEWAY_S), ControlMessage)
    assert isinstance(judge(claims(), NOW_S + LONGEST_LIFE_S + LEEWAY_S), ControlMessage)


def test_message_that_names_no_agent_is_for_any_in_the_room() -> None:
    assert isinstance(judge(claims(sub=...)), ControlMessage)


def test_message_is_performed_once_as_long_as_it_is_valid() -> None:
    once = ControlJudge(api_key="key", room="demo")
    assert isinstance(once.judge(claims(), agent="agent-1", now_s=NOW_S), ControlMessage)
    for later_s in (0, 30, LONGEST_LIFE_S + LEEWAY_S):
        verdict = once.judge(claims(), agent="agent-1", now_s=NOW_S + later_s)
        assert verdict == Refusal(reason="replayed")
    verdict = once.judge(claims(), agent="agent-1", now_s=NOW_S + LONGEST_LIFE_S + LEEWAY_S + 1)
    assert verdict == Refusal(reason="expired")


def test_message_with_wrong_arguments_is_used_up_too() -> None:
    once = ControlJudge(api_key="key", room="demo")
    wrong = claims(op="say")
    assert once.judge(wrong, agent="agent-1", now_s=NOW_S) != Refusal(reason="replayed")
    assert once.judge(wrong, agent="agent-1", now_s=NOW_S) == Refusal(reason="replayed")


def test_too_many_messages_are_refused_rather_than_forgotten() -> None:
    busy = ControlJudge(api_key="key", room="demo")
    many = [claims(jti=f"jti-{number:08}") for number in range(1_001)]
    verdicts = [busy.judge(one, agent="agent-1", now_s=NOW_S) for one in many]
    assert all(isinstance(verdict, ControlMessage) for verdict in verdicts[:-1])
    assert verdicts[-1] == Refusal(reason="too many")
    assert busy.judge(many[0], agent="agent-1", now_s=NOW_S) == Refusal(reason="replayed")
    later_s = NOW_S + 100
    fresh = claims(jti="jti-later-1", iat=later_s, exp=later_s + 60)
    assert isinstance(busy.judge(fresh, agent="agent-1", now_s=later_s), ControlMessage)


@given(
    st.dictionaries(
        st.sampled_from(["aud", "iss", "room", "sub", "op", "args", "jti", "iat", "nbf", "exp"]), JSON_VALUES
    )
)
def test_whatever_a_token_claims_there_is_a_verdict(changed: dict[str, Any]) -> None:
    verdict = judge(claims(**changed))
    assert isinstance(verdict, ControlMessage | Refusal)
    if isinstance(verdict, ControlMessage):
        json.dumps(describe_arguments(verdict.op, verdict.args))
