from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain.log_filter import LogFilter
from meetctl.domain.log_level import LEVELS, find_level, highest_level, reaches
from meetctl.domain.log_line import LogLine, read_line
from meetctl.domain.log_where import parse_where

TIME = "2026-11-24T09:00:00.000000Z"
SESSION = "20261124T090000Z-demo-5c1e77"


def event(kind: str, **fields: Any) -> bytes:
    envelope = {"v": 1, "seq": 1, "ts": TIME, "t": 0.5, "type": kind}
    owner = {"session_id": SESSION, "tenant_id": "acme", "room": "demo"}
    document = {**envelope, **owner, **fields}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def logged(level: str, message: str = "ready", **fields: Any) -> bytes:
    owner = {"tenant": "acme", "session_id": SESSION, "room": "demo", "turn": 3, "job_id": None}
    document = {"ts": TIME, "level": level, "logger": "meetctl", "message": message, **owner, **fields}
    return json.dumps(document).encode()


def admits(wanted: LogFilter, raw: bytes) -> bool:
    return wanted.make_test().admits(read_line(raw, "a"))


@pytest.mark.parametrize(
    ("wanted", "raw", "expected"),
    [
        (LogFilter(), b"no object", True),
        (LogFilter(level="warning"), b"no object", False),
        (LogFilter(room="demo"), b"no object", False),
        (LogFilter(patterns=(re.compile("object"),)), b"no object", True),
        (LogFilter(unwanted=(re.compile("object"),)), b"no object", False),
        (LogFilter(level="warning"), logged("warning"), True),
        (LogFilter(level="warning"), logged("WARN"), True),
        (LogFilter(level="warning"), logged("info"), False),
        (LogFilter(level="info"), event("video.frames"), False),
        (LogFilter(level="info"), event("transcript", final=False), False),
        (LogFilter(level="info"), event("transcript", final=True), True),
        (LogFilter(level="error"), event("error", recoverable=True), False),
        (LogFilter(level="error"), event("error"), True),
        (LogFilter(level="warning"), event("turn.ended", outcome="failed"), True),
        (LogFilter(level="error"), event("session.ended", reason="the model failed"), True),
        (LogFilter(level="info"), event("coffee.served"), True),
        (LogFilter(tenant="acme"), event("turn.started"), True),
        (LogFilter(tenant="acme"), logged("info"), True),
        (LogFilter(tenant="globex"), event("turn.started"), False),
        (LogFilter(room="demo"), event("turn.started"), True),
        (LogFilter(room="dem"), event("turn.started"), False),
        (LogFilter(session=SESSION), event("turn.started"), True),
        (LogFilter(session="5c1e77"), logged("info"), True),
        (LogFilter(session="20261124"), logged("info"), True),
        (LogFilter(session="demo"), logged("info"), False),
        (LogFilter(turn=3), logged("info"), True),
        (LogFilter(turn=3), event("turn.started", turn=3), True),
        (LogFilter(turn=3), event("turn.started", turn=33), False),
        (LogFilter(types=("turn.*",)), event("turn.started"), True),
        (LogFilter(types=("llm.request", "turn.started")), event("turn.started"), True),
        (LogFilter(types=("turn",)), event("turn.started"), False),
        (LogFilter(types=("turn.*",)), logged("info"), False),
        (LogFilter(since=TIME), logged("info"), True),
        (LogFilter(until=TIME), logged("info"), False),
        (LogFilter(since="2026-11-24T09:00:00.000001Z"), logged("info"), False),
        (LogFilter(patterns=(re.compile("zu spät"),)), logged("info", "zu spät"), True),
        (LogFilter(unwanted=(re.compile("zu spät"),)), logged("info", "zu spät"), False),
        (LogFilter(patterns=(re.compile("a"), re.compile("zz"))), logged("info"), False),
        (LogFilter(where=(parse_where("turn > 2"), parse_where("turn < 3"))), logged("info"), False),
    ],
)
def test_what_is_admitted(wanted: LogFilter, raw: bytes, expected: bool) -> None:
    assert admits(wanted, raw) is expected


KINDS = st.sampled_from(
    ["turn.ended", "llm.request", "backend.call", "error", "log", "video.frames", "transcript", "odd.one"]
)
OUTCOMES = st.sampled_from(["done", "failed", "timeout", None])
LEVEL_WORDS = st.sampled_from(["debug", "info", "warning", "WARN", "Error", "critical", "odd", None])
TEXTS = st.sampled_from(["", "two words", "zu spät", "a/b&'c", '"quoted"', "\\u00e9", "x\ny"])
EVENTS = st.builds(
    event,
    KINDS,
    turn=st.integers(0, 40),
    outcome=OUTCOMES,
    level=LEVEL_WORDS,
    final=st.booleans(),
    text=TEXTS,
    recoverable=st.sampled_from([True, False, None]),
)
LOGGED = st.builds(logged, LEVEL_WORDS, TEXTS, turn=st.integers(0, 40))
FILTERS = st.builds(
    LogFilter,
    level=st.sampled_from(LEVELS),
    tenant=st.sampled_from([None, "acme", "a/b"]),
    session=st.sampled_from([None, SESSION, "5c1e77"]),
    room=st.sampled_from([None, "demo"]),
    turn=st.one_of(st.none(), st.integers(0, 40)),
    types=st.sampled_from([(), ("turn.*",), ("error", "log"), ("odd.one",)]),
    patterns=st.sampled_from([(), *((re.compile(text),) for text in ("two words", "a/b&'c", "spät"))]),
    where=st.sampled_from([(), (parse_where("outcome == 'failed'"),)]),
)


@given(FILTERS, st.one_of(EVENTS, LOGGED))
def test_what_is_admitted_has_the_needles(wanted: LogFilter, raw: bytes) -> None:
    has_needles = all(any(needle in raw for needle in group) for group in wanted.needles)
    assert has_needles or not admits(wanted, raw)


@given(FILTERS, st.one_of(EVENTS, LOGGED))
def test_the_first_look_at_a_line_rejects_nothing_that_the_second_admits(
    wanted: LogFilter, raw: bytes
) -> None:
    test = replace(wanted, patterns=()).make_test()
    assert test.may_pass(raw) or not test.passes(read_line(raw, "a"))


@given(EVENTS)
def test_no_event_is_more_serious_than_its_type_can_be(raw: bytes) -> None:
    document = json.loads(raw)
    level = find_level(document)
    assert level is not None
    assert reaches(highest_level(document["type"]), level)


def test_a_line_that_is_no_object_says_nothing_of_itself() -> None:
    line = LogLine(b"plain", None, TIME, "a")
    assert (line.event_type, line.turn, line.session, line.room, line.tenant) == (None, None, "", "", "")
