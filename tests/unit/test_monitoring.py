"""Log lines: one a record, without tokens, tracebacks or what people said."""

from __future__ import annotations

import io
import logging
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.core.monitoring import LineFormatter, redact_tokens, start_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtYXlhIn0.c2lnbmF0dXJl-_x"
SAID = "my salary is 90000"


def record(message: str, *args: object, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("meetctl.agent", logging.WARNING, __file__, 1, message, args, None)
    made.__dict__.update(fields)
    return made


def failure(text: str) -> logging.LogRecord:
    made = record("the request failed")
    try:
        raise ValueError(text)
    except ValueError:
        made.exc_info = sys.exc_info()
    return made


def line(made: logging.LogRecord, *, tracebacks: bool = False) -> str:
    return LineFormatter(tracebacks=tracebacks).format(made)


def test_a_line_has_time_level_logger_message_and_known_fields() -> None:
    shown = line(record("refused %d meetings", 2, room="demo", job_id="AJ_1"))
    assert shown[10] == "T"
    assert shown[20:] == "WARNING meetctl.agent: refused 2 meetings room=demo job_id=AJ_1"


def test_fields_of_libraries_are_left_out() -> None:
    assert SAID not in line(record("heard", user_transcript=SAID, text=SAID))


@pytest.mark.parametrize("tracebacks", [True, False])
@pytest.mark.parametrize("where", ["message", "argument", "field", "error"])
def test_no_token_is_in_a_line(where: str, tracebacks: bool) -> None:
    address = f"ws://127.0.0.1:7880/rtc?access_token={JWT}&v=1"
    made = {
        "message": record(f"connecting to {address}"),
        "argument": record("connecting to %s", address),
        "field": record("connecting", url=address),
        "error": failure(address),
    }[where]
    shown = line(made, tracebacks=tracebacks)
    assert "eyJ" not in shown
    assert ("[token]" in shown) == (tracebacks or where != "error")


def test_an_errors_kind_is_told_and_its_text_is_not() -> None:
    shown = line(failure(SAID))
    assert shown.endswith("the request failed error=ValueError")
    assert "Traceback" not in shown


def test_a_traceback_in_a_message_is_cut_off() -> None:
    shown = line(record(f"job failed\nTraceback (most recent call last):\nValueError: {SAID}"))
    assert shown.endswith("job failed")


def test_debugging_shows_the_traceback() -> None:
    shown = line(failure("no such thing"), tracebacks=True)
    assert "Traceback (most recent call last)" in shown
    assert shown.endswith("ValueError: no such thing")


@given(st.text(), st.text())
def test_every_record_is_one_line(message: str, room: str) -> None:
    assert len(line(record("%s", message, room=room)).splitlines()) == 1


@given(st.text())
def test_text_without_a_token_stays_as_it_is(text: str) -> None:
    if "eyJ" not in text:
        assert redact_tokens(text) == text


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The root logger without anybody's handlers, and as it was afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    levels = {name: logging.getLogger(name).level for name in ("livekit", "openai", "asyncio")}
    yield root
    root.handlers = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def test_the_log_starts_once_and_libraries_only_warn(root_logger: logging.Logger) -> None:
    stream = io.StringIO()
    start_logging(stream=stream)
    start_logging(stream=stream)
    logging.getLogger("meetctl.agent").info("joined")
    logging.getLogger("meetctl.agent").debug("a detail")
    logging.getLogger("openai").info("request options: %s", SAID)
    logging.getLogger("livekit.agents").warning("late")
    assert [shown.split(": ")[1] for shown in stream.getvalue().splitlines()] == ["joined", "late"]
    ours = [handler for handler in root_logger.handlers if isinstance(handler.formatter, LineFormatter)]
    assert len(ours) == 1


@pytest.mark.parametrize(("value", "lines"), [(None, 1), ("1", 5)])
def test_the_debug_variable_brings_tracebacks(
    root_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch, value: str | None, lines: int
) -> None:
    if value is not None:
        monkeypatch.setenv("MEETCTL_DEBUG", value)
    stream = io.StringIO()
    start_logging(stream=stream)
    root_logger.handle(failure("no such thing"))
    assert (len(stream.getvalue().splitlines()) > 1) == (lines > 1)
