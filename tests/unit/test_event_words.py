"""What people read of each line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hygiene.test_docs import event_types

from meetctl.domain.log_line import read_line
from meetctl.reports.event_words import _TELLERS, tell
from meetctl.reports.log_json import format_lines
from meetctl.reports.log_text import show_line
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from pathlib import Path

MODEL = {"provider": "openai", "model": "gpt-4.1"}


def test_each_event_that_the_agent_writes_is_told_in_words() -> None:
    assert event_types() - set(_TELLERS) == set()


def test_no_event_of_a_real_meeting_falls_back_to_its_fields(recordings: Path) -> None:
    lines = (recordings / "live-demo" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["type"] for event in events if tell(event) != _TELLERS[event["type"]](event)] == []


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({"type": "participant.joined", "participant": "maya", "name": "Maya"}, "Maya (maya) has joined"),
        ({"type": "participant.joined", "participant": "+41", "kind": "sip"}, "+41 has joined (sip)"),
        (
            {
                "type": "transcript",
                "role": "user",
                "text": "Hi",
                "name": "Maya",
                "final": True,
                "typed": True,
            },
            'Maya: "Hi" (typed)',
        ),
        (
            {"type": "transcript", "role": "assistant", "text": "Well", "final": True, "interrupted": True},
            'agent: "Well" (interrupted)',
        ),
        (
            {
                "type": "llm.request",
                **MODEL,
                "outcome": "cancelled",
                "images": ["a", "b"],
                "detail": "high",
                "input_tokens": 2300,
                "cached_input_tokens": 1024,
                "output_tokens": 7,
                "usd": "0.0046",
                "basis": "estimated",
            },
            "gpt-4.1 (openai) cancelled: 2 images (high), "
            "2,300 tokens in (1,024 cached), 7 out, $0.0046 (estimated)",
        ),
        (
            {"type": "stt.usage", **MODEL, "audio_s": 5.05, "usd": None, "basis": "reported"},
            "gpt-4.1 (openai) heard 5.0 s, n/a",
        ),
        (
            {"type": "error", "component": "plugins.openai", "error": "APIStatusError", "status": 500},
            "plugins.openai: APIStatusError 500",
        ),
        (
            {"type": "provider.degraded", "use": "llm", **MODEL, "instead": None},
            "llm gpt-4.1 (openai) fails; nobody is asked instead",
        ),
        (
            {
                "type": "knowledge.searched",
                "outcome": "done",
                "duration_ms": 8,
                "hits": 1,
                "used": True,
                "sources": [{"id": "kb-17", "title": "Refund policy", "score": 0.75}],
            },
            'done after 8 ms: 1 found: "Refund policy"',
        ),
        (
            {
                "type": "control.performed",
                "op": "policy",
                "args": {"fps": "2"},
                "outcome": "failed",
                "error": "x",
            },
            "policy fps=2 failed: x",
        ),
        (
            {
                "type": "turn.ended",
                "outcome": "done",
                "requests": 2,
                "latency": {"llm_s": 0.1, "total_s": 1.5},
            },
            "done, 2 requests; first sound after 1.50 s (llm 0.10)",
        ),
        (
            {"type": "turn.ended", "outcome": "unanswered", "requests": 0, "latency": {}},
            "unanswered, 0 requests",
        ),
        ({"type": "turn.ended", "outcome": 3, "requests": "two", "latency": "none"}, None),
        ({"type": "llm.request", "outcome": "done"}, "outcome=done"),
        ({"type": "coffee.served", "cups": {"big": 2}, "to": "Maya"}, 'cups={"big": 2} to=Maya'),
    ],
)
def test_words(event: dict[str, Any], told: str | None) -> None:
    assert tell({"seq": 1, **event}) == (told or 'outcome=3 requests="two" latency="none"'.replace('"', ""))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELD_NAMES = st.sampled_from(
    [
        "outcome",
        "latency",
        "usd",
        "images",
        "t_us",
        "policy",
        "duration_ms",
        "text",
        "role",
        "sources",
        "args",
    ]
)


@given(st.sampled_from(sorted(_TELLERS)), st.dictionaries(st.one_of(FIELD_NAMES, st.text(max_size=5)), JSON))
def test_whatever_an_event_holds_it_is_one_plain_line(kind: str, fields: dict[str, Any]) -> None:
    raw = json.dumps({**fields, "seq": 1, "type": kind}).encode()
    shown = show_line(read_line(raw, "a"))
    assert "\n" not in shown
    assert shown == show_plain(shown)


def test_a_line_has_time_level_owner_turn_and_kind() -> None:
    event = {
        "v": 1,
        "seq": 1,
        "ts": "2026-11-24T09:30:00.123456Z",
        "t": 1.5,
        "type": "participant.left",
        "session_id": "20261124T093000Z-demo-5c1e77",
        "room": "demo",
        "turn": 2,
        "participant": "maya",
    }
    shown = show_line(read_line(json.dumps(event).encode(), "a"))
    assert shown == "11-24 09:30:00.123 info  demo/5c1e77 #2 participant.left: maya has left"


def test_control_characters_steer_no_terminal_and_colour_is_ours_alone() -> None:
    raw = json.dumps(
        {"level": "error", "message": "\x1b[2J\u202e\nend", "traceback": "one\n\x07two"}
    ).encode()
    shown = show_line(read_line(raw, "a"), colour=True)
    assert shown == ("\x1b[31m------------------ error \\x1b[2J\\u202e\\nend\x1b[0m\n    one\n    \\x07two")
    assert show_line(read_line(b"\x1b[31mplain\xff\r", "a")) == "\\x1b[31mplain\\xff"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"usd": 1.10}', b'{"usd": 1.10, "_file": "a\\"b"}'),
        (b' {"a":1 } ', b'{"a":1, "_file": "a\\"b"}'),
        (b"{}", b'{"_file": "a\\"b"}'),
        (b'{"a": 1', b'{"_text": "{\\"a\\": 1", "_file": "a\\"b"}'),
        (b"[1]", b'{"_text": "[1]", "_file": "a\\"b"}'),
        (b"bad \xff\r", b'{"_text": "bad \\\\xff", "_file": "a\\"b"}'),
        (b'{"a": "\xff"}', '{"a": "\ufffd", "_file": "a\\"b"}'.encode()),
        (b'{"a": NaN}', b'{"_text": "{\\"a\\": NaN}", "_file": "a\\"b"}'),
        (b'{"a": 1, "_file": "other"}', b'{"a": 1, "_file": "other"}'),
    ],
)
def test_json_is_the_object_as_it_was_and_its_file(raw: bytes, expected: bytes) -> None:
    formatted = format_lines([read_line(raw, 'a"b')])
    assert formatted == expected + b"\n"
    json.loads(formatted)
