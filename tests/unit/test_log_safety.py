"""What of a record may leave: libraries quote people, and none of that is written."""

from __future__ import annotations

import ast
import logging
import pickle
import sys
from importlib.metadata import files
from pathlib import Path

import livekit.agents
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import marked_secrets as marked

from meetctl.core.log_context import LogContext
from meetctl.core.log_format import JsonFormatter, TextFormatter
from meetctl.core.log_safety import SafeRecords, extra_fields
from meetctl.core.redaction import Redactor
from meetctl.errors import OutputError

LIBRARY = "livekit.agents"
OURS = "meetctl.agent"


def make_record(name: str, message: str, *args: object, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.WARNING, __file__, 1, message, args or None, None)
    made.__dict__.update(fields)
    return made


def with_error(made: logging.LogRecord, error: Exception) -> logging.LogRecord:
    try:
        raise error
    except type(error):
        made.exc_info = sys.exc_info()
    return made


def make_safe(
    made: logging.LogRecord,
    *,
    context: LogContext | None = None,
    logs_content: bool = False,
    debugs: bool = False,
) -> logging.LogRecord:
    safe = SafeRecords(
        redactor=Redactor([marked.API_SECRET]),
        context=context,
        logs_content=logs_content,
        keeps_tracebacks=debugs,
    )
    assert safe.filter(made)
    return made


def show(made: logging.LogRecord) -> str:
    """Return both forms of a record's line."""
    return TextFormatter().format(made) + "\n" + JsonFormatter().format(made)


def test_a_line_has_time_level_logger_message_and_known_fields() -> None:
    made = make_safe(make_record(OURS, "refused %d meetings", 2, room="demo", job_id="AJ_1"))
    shown = TextFormatter().format(made)
    assert shown[10] == "T"
    assert shown[20:] == "WARNING meetctl.agent: refused 2 meetings room=demo job_id=AJ_1"


@pytest.mark.parametrize(
    ("message", "args", "shown"),
    [
        ("%s recovery failed: %s", ("openai.LLM", marked.SAID), "… recovery failed: …"),
        (
            "received user transcript %r after %.2f s",
            (marked.SAID, 1.0),
            "received user transcript … after … s",
        ),
        (
            f"failed to generate LLM completion: {marked.SAID}, retrying",
            (),
            "failed to generate LLM completion",
        ),
        (
            f"error in participant entrypoint for '{marked.IDENTITY}'",
            (),
            "error in participant entrypoint for",
        ),
        (f"unknown AI function `{marked.SAID}`", (), "unknown AI function"),
        (f'heard "{marked.SAID}"', (), "heard"),
        (f"job failed\nTraceback (most recent call last):\nValueError: {marked.SAID}", (), "job failed"),
        (f"unexpected message {{'text': '{marked.SAID}'}}", (), "unexpected message"),
        (f"'{marked.NAME}' left", (), "…"),
        ("the model doesn't support this", (), "the model doesn't support this"),
        ("100%% of %s", (marked.NAME,), "100% of …"),
    ],
)
def test_of_a_librarys_message_only_its_own_words_are_shown(
    message: str, args: tuple[object, ...], shown: str
) -> None:
    made = make_safe(make_record(LIBRARY, message, *args))
    assert made.getMessage() == shown
    assert marked.search(show(made)) == []


@pytest.mark.parametrize("name", [LIBRARY, OURS, "meetctling"])
def test_fields_that_nobody_listed_are_left_out(name: str) -> None:
    made = make_record(name, "heard", user_transcript=marked.SAID, participant=marked.IDENTITY)
    made.__dict__["lk.pii.data"] = {"text": marked.SAID}
    assert marked.search(show(make_safe(made))) == []
    assert extra_fields(made) == {}


def test_a_number_of_ours_may_stand_under_any_name() -> None:
    made = make_safe(make_record(OURS, "looked", frames=5, duration_ms=1.5, procedure="knowledge.search"))
    assert extra_fields(made) == {"frames": 5, "duration_ms": 1.5, "procedure": "knowledge.search"}
    assert extra_fields(make_safe(make_record(LIBRARY, "looked", phone=123456))) == {}


@pytest.mark.parametrize("debugs", [True, False])
@pytest.mark.parametrize("where", ["message", "argument", "field", "error"])
def test_no_token_is_in_a_line(where: str, debugs: bool) -> None:
    address = f"ws://127.0.0.1:7880/rtc?token={marked.JWT}&v=1"
    made = {
        "message": make_record(OURS, f"connecting to {address}"),
        "argument": make_record(OURS, "connecting to %s", address),
        "field": make_record(OURS, "connecting", url=address),
        "error": with_error(make_record(OURS, "connecting"), OutputError(address)),
    }[where]
    shown = show(make_safe(made, debugs=debugs))
    assert marked.search(shown) == []
    assert ("[token]" in shown) == (debugs or where != "error")


@pytest.mark.parametrize("name", [LIBRARY, OURS])
@pytest.mark.parametrize("debugs", [True, False])
def test_an_errors_kind_is_told_and_its_text_is_not(name: str, debugs: bool) -> None:
    made = with_error(make_record(name, "the request failed"), ValueError(marked.SAID))
    shown = show(make_safe(made, debugs=debugs))
    assert "the request failed error=ValueError" in shown
    assert ("Traceback" in shown) == debugs
    assert marked.search(shown) == []


def test_a_traceback_tells_causes_and_our_own_errors_in_full() -> None:
    made = make_record(OURS, "writing failed")
    try:
        try:
            raise OSError(marked.SAID)
        except OSError as cause:
            raise OutputError("the disk is full") from cause
    except OutputError:
        made.exc_info = sys.exc_info()
    shown = TextFormatter().format(make_safe(made, debugs=True))
    assert shown.count("Traceback (most recent call last)") == 2
    assert "OutputError: the disk is full" in shown
    assert shown.endswith("OSError")


def test_an_error_from_another_process_is_told_by_its_class() -> None:
    made = make_record(LIBRARY, "failed")
    made.exc_text = f"Traceback …\nlivekit.agents._exceptions.APIConnectionError: {marked.SAID}"
    shown = show(make_safe(made, debugs=True))
    assert "error=APIConnectionError" in shown
    assert marked.search(shown) == []
    many = make_record(LIBRARY, "failed")
    many.exc_text = f"Traceback …\nValueError: one\n{marked.SAID}"
    assert marked.search(show(make_safe(many))) == []


def test_content_is_written_where_the_user_asks_for_it_but_never_a_key() -> None:
    made = make_record(LIBRARY, "heard %s with %s", marked.SAID, marked.API_KEY, text=marked.SAID)
    shown = show(make_safe(with_error(made, ValueError(marked.NAME)), logs_content=True, debugs=True))
    assert f"heard {marked.SAID} with [secret]" in shown
    assert f"text={marked.SAID}" in shown
    assert f"ValueError: {marked.NAME}" in shown
    assert marked.API_KEY not in shown


def test_a_record_is_made_safe_before_it_goes_to_another_process_and_not_again_there() -> None:
    context = LogContext()
    context.bind(tenant="acme", session_id="s1", room="demo", turn=2)
    made = make_record(LIBRARY, "%s failed: %s", "openai.LLM", marked.SAID, room=object(), connection=object)
    sent = pickle.dumps(make_safe(made, context=context))
    assert marked.search(sent) == []
    arrived: logging.LogRecord = make_safe(pickle.loads(sent))
    assert arrived.getMessage() == "… failed: …"
    assert (arrived.__dict__["room"], arrived.__dict__["turn"]) == ("demo", 2)


def test_a_line_of_ours_knows_its_own_turn_and_a_librarys_session_is_not_ours() -> None:
    context = LogContext()
    context.bind(session_id="s1", turn=4)
    ours = make_safe(make_record(OURS, "answered", turn=3), context=context)
    assert (ours.__dict__["turn"], ours.__dict__["session_id"]) == (3, "s1")
    library = make_safe(make_record(LIBRARY, "closed", session_id="rime-1", turn=9), context=context)
    assert (library.__dict__["turn"], library.__dict__["session_id"]) == (4, "s1")


def test_a_wrong_placeholder_loses_no_line_and_no_secret() -> None:
    assert make_safe(make_record(OURS, "took %d s", "long")).getMessage() == "took %d s"


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError(marked.SAID)


@pytest.mark.parametrize("name", [LIBRARY, OURS])
def test_a_record_that_cannot_be_shown_is_told_of_and_fails_nobody(name: str) -> None:
    made = make_record(name, "heard %s", Unspeakable(), text=Unspeakable())
    made.msg = Unspeakable()
    shown = show(make_safe(with_error(made, ValueError(marked.SAID)), logs_content=True, debugs=True))
    assert "a record could not be shown: RuntimeError" in shown
    assert marked.search(shown) == []


@given(st.text(), st.text(), st.sampled_from([LIBRARY, OURS]))
def test_every_record_is_one_line(message: str, room: str, name: str) -> None:
    made = make_safe(make_record(name, "%s", message, room=room))
    assert len(TextFormatter().format(made).splitlines()) == 1
    assert len(JsonFormatter().format(made).splitlines()) == 1


SAFE_PARTS = (
    *(".label", "_label", "provider_label", "model", "self._model", "__name__", "tool_name", ".id", "method"),
    *("exitcode", "process_kind", "interval", "retry_count", "retry_delay", "sleep_time", "replacement"),
    *("language", "new_activity", "file_path", "PRE_CONNECT_AUDIO_BUFFER_STREAM", "event", "name", "reason"),
    *("params", "removal", "suggestion", "names"),
)
"""Parts of livekit's finished messages that name its own things: models, plugins, functions, processes."""


def loud_messages(source: Path) -> list[tuple[int, ast.JoinedStr]]:
    """Return the finished messages that a module logs as a warning or worse."""
    calls = [node for node in ast.walk(ast.parse(source.read_text("utf-8"))) if isinstance(node, ast.Call)]
    return [
        (call.lineno, call.args[0])
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in ("warning", "error", "exception", "critical")
        and call.args
        and isinstance(call.args[0], ast.JoinedStr)
    ]


def parts_that_stay(message: ast.JoinedStr) -> list[str]:
    """Return the expressions whose values are left of a message once it is cut."""
    stand_ins, text = [], ""
    for part in message.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        elif isinstance(part, ast.FormattedValue):
            stand_ins.append(ast.unparse(part.value))
            text += f"\0{len(stand_ins) - 1}\0"
    kept = make_safe(make_record(LIBRARY, text)).getMessage()
    return [stand_in for number, stand_in in enumerate(stand_ins) if f"\0{number}\0" in kept]


def test_what_stays_of_the_installed_librarys_messages_quotes_nobody() -> None:
    root = Path(livekit.agents.__file__).parent.parent
    sources = [path for path in root.rglob("*.py") if "cli" not in path.relative_to(root).parts]
    assert files("livekit-agents")
    assert len(sources) > 100
    suspicious = [
        f"{path.relative_to(root)}:{line}: {part}"
        for path in sources
        for line, message in loud_messages(path)
        for part in parts_that_stay(message)
        if not any(safe in part for safe in SAFE_PARTS)
    ]
    assert suspicious == []
