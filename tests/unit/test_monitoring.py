"""The log of a process: its levels, its form, and how long operations take."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING

import pytest
from tests import marked_secrets as marked
from tests.fakes.clock import ManualClock, run_virtually

from meetctl.core.log_context import LogContext
from meetctl.core.log_format import JsonFormatter, TextFormatter, choose_form
from meetctl.core.monitoring import start_job_logging, start_logging, track_performance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meetctl.core.config import Environment
    from meetctl.core.settings import LogForm

logger = logging.getLogger("meetctl.agent")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The root logger without anybody's handlers, and as it was afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("meetctl")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    hooks = threading.excepthook, sys.unraisablehook
    root.handlers = []
    yield root
    logging.captureWarnings(False)
    threading.excepthook, sys.unraisablehook = hooks
    root.handlers = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.fixture
def stream(root_logger: logging.Logger) -> io.StringIO:
    """What a production worker's log says."""
    del root_logger
    stream = io.StringIO()
    start_logging(stream=stream, environment="production", level="DEBUG", secrets=[marked.API_SECRET])
    return stream


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_the_log_starts_once_and_libraries_only_warn(root_logger: logging.Logger) -> None:
    stream = io.StringIO()
    start_logging(stream=stream)
    start_logging(stream=stream)
    logger.info("joined")
    logger.debug("a detail")
    for library in ("openai", "livekit", "httpx", "aiohttp.access", "opentelemetry"):
        logging.getLogger(library).info("request options: %s", marked.SAID)
    logging.getLogger("livekit.agents").warning("late")
    assert [shown.split(": ")[1] for shown in stream.getvalue().splitlines()] == ["joined", "late"]
    assert len([own for own in root_logger.handlers if isinstance(own.formatter, TextFormatter)]) == 1


@pytest.mark.parametrize(
    ("form", "environment", "stream", "expected"),
    [
        ("auto", "development", io.StringIO(), "text"),
        ("auto", "development", Terminal(), "text"),
        ("auto", "production", io.StringIO(), "json"),
        ("auto", "production", Terminal(), "text"),
        ("json", "development", Terminal(), "json"),
        ("text", "production", io.StringIO(), "text"),
    ],
)
def test_production_writes_json_and_people_read_text(
    form: LogForm, environment: Environment, stream: io.StringIO, expected: str
) -> None:
    assert choose_form(form, environment=environment, stream=stream) == expected


def test_production_logs_one_json_object_a_line(stream: io.StringIO) -> None:
    logger.warning("refused %d meetings", 2, extra={"duration_ms": 3.5})
    logger.error("line one\nline two\u2028three")
    first, second = lines(stream)
    assert list(first)[:10] == [
        *("ts", "level", "logger", "message", "tenant", "session_id", "room", "turn", "job_id", "pid"),
    ]
    assert (first["level"], first["logger"]) == ("warning", "meetctl.agent")
    assert (first["message"], first["duration_ms"]) == ("refused 2 meetings", 3.5)
    assert second["message"] == "line one"


def test_configured_secrets_reach_no_line(stream: io.StringIO) -> None:
    logger.warning("refused %s with %s", marked.API_SECRET, marked.JWT)
    assert marked.search(stream.getvalue()) == []
    assert lines(stream)[0]["message"] == "refused [secret] with [token]"


def test_lines_of_a_job_carry_its_context_at_that_moment(
    root_logger: logging.Logger, stream: io.StringIO
) -> None:
    # As livekit-agents' handler is in a job's process: the only one, and without our filter.
    root_logger.handlers = [own for own in root_logger.handlers if isinstance(own.formatter, JsonFormatter)]
    root_logger.handlers[0].filters.clear()
    context = LogContext()
    start_job_logging(context)
    context.bind(tenant="acme", session_id="s1", room="demo")
    logger.info("joined")
    context.bind(turn=3)
    logging.getLogger("livekit.agents").warning("slow")
    logging.getLogger("asyncio").error("odd")
    wanted = ("tenant", "session_id", "room", "turn")
    assert [[line[name] for name in wanted] for line in lines(stream)] == [
        ["acme", "s1", "demo", None],
        ["acme", "s1", "demo", 3],
        ["acme", "s1", "demo", 3],
    ]


def test_only_fields_of_the_context_are_bound() -> None:
    with pytest.raises(ValueError, match="participant"):
        LogContext().bind(participant="maya")


def fail() -> None:
    raise ValueError(marked.SAID)


def test_what_python_itself_would_write_to_stderr_is_logged_without_content(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"unexpected value {marked.SAID}", stacklevel=1)
    assert [(line["logger"], line.get("error")) for line in lines(stream)] == [
        ("meetctl.core.monitoring", "ValueError"),
        ("py.warnings", None),
    ]
    assert marked.search(stream.getvalue()) == []
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("value", [None, "1"])
def test_the_debug_variable_brings_tracebacks(
    root_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    del root_logger
    if value is not None:
        monkeypatch.setenv("MEETCTL_DEBUG", value)
    stream = io.StringIO()
    start_logging(stream=stream)
    try:
        raise ValueError(marked.SAID)
    except ValueError:
        logger.exception("the request failed")
    assert ("Traceback" in stream.getvalue()) == (value is not None)
    assert "error=ValueError" in stream.getvalue()
    assert marked.search(stream.getvalue()) == []


def test_performance_is_logged_in_milliseconds_with_its_fields(stream: io.StringIO) -> None:
    clock = ManualClock()
    with track_performance(logger, "vision_api_call", frames=5, clock=clock):
        clock.advance(812_000)
    (line,) = lines(stream)
    assert line["message"] == "vision_api_call took 812 ms"
    assert (line["level"], line["outcome"]) == ("info", "done")
    assert (line["operation"], line["duration_ms"], line["frames"]) == ("vision_api_call", 812.0, 5)


def test_a_slow_operation_is_a_warning(stream: io.StringIO) -> None:
    clock = ManualClock()
    for slow_ms in (99.0, 100.0):
        with track_performance(logger, "search", slow_ms=slow_ms, clock=clock, level=logging.DEBUG):
            clock.advance(100_000)
    assert [line["level"] for line in lines(stream)] == ["warning", "debug"]
    assert "was slow" in str(lines(stream)[0]["message"])


def test_a_failed_operation_is_told_by_its_class_alone(stream: io.StringIO) -> None:
    with pytest.raises(ValueError, match="salary"), track_performance(logger, "search", frames=1):
        raise ValueError(marked.SAID)
    (line,) = lines(stream)
    assert (line["level"], line["outcome"], line["error"]) == ("warning", "failed", "ValueError")
    assert marked.search(stream.getvalue()) == []


def test_performance_is_measured_across_awaits_by_the_event_loop(stream: io.StringIO) -> None:
    async def work() -> None:
        with track_performance(logger, "search", slow_ms=1_500.0):
            await asyncio.sleep(2)

    run_virtually(work())
    assert lines(stream)[0]["duration_ms"] == 2000.0
    assert lines(stream)[0]["level"] == "warning"


def test_a_cancelled_operation_is_no_failure(stream: io.StringIO) -> None:
    async def work() -> None:
        async def search() -> None:
            with track_performance(logger, "search"):
                await asyncio.sleep(60)

        task = asyncio.create_task(search())
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.wait([task])

    run_virtually(work())
    assert (lines(stream)[0]["outcome"], lines(stream)[0]["level"]) == ("cancelled", "info")


def test_performance_without_a_loop_or_a_clock_is_measured_too(stream: io.StringIO) -> None:
    with track_performance(logger, "vision_api_call", frames=5):
        pass
    assert isinstance(lines(stream)[0]["duration_ms"], float)
