"""Logs of long-running processes on stderr, one record a line, and how long operations take."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from meetctl.core.log_format import JsonFormatter, TextFormatter, choose_form
from meetctl.core.log_safety import OWN_LOGGER, SafeRecords
from meetctl.core.redaction import Redactor

if TYPE_CHECKING:
    from meetctl.core.log_context import LogContext
    from meetctl.core.log_file import LogFile
    from meetctl.core.settings import Environment, LogForm

logger = logging.getLogger(__name__)

SLOW_MS = 1000.0
"""An operation that takes longer is warned about, unless it says otherwise: a person notices the wait."""


class _Stopwatch(Protocol):
    def monotonic(self) -> float:
        """Return seconds that never run backwards."""


def start_logging(
    level: str = "INFO",
    *,
    form: LogForm = "auto",
    environment: Environment = "development",
    secrets: Iterable[str] = (),
    logs_content: bool = False,
    stream: TextIO | None = None,
    file: LogFile | None = None,
) -> None:
    """Send this process's log to stderr from now on, and to `file`; only the first call counts.

    `level` holds for our own lines, of libraries only warnings are written. `secrets` are taken out of every
    line. `logs_content` lets through what people said, where a library quotes it. Tracebacks are written
    where MEETCTL_DEBUG is set.
    """
    root = logging.getLogger()
    if any(isinstance(handler.formatter, TextFormatter | JsonFormatter) for handler in root.handlers):
        return
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    is_json = choose_form(form, environment=environment, stream=target) == "json"
    handler.setFormatter(JsonFormatter() if is_json else TextFormatter())
    safe = _make_filter(None, secrets, logs_content)
    for output in (handler, *([file] if file is not None else ())):
        output.addFilter(safe)
        root.addHandler(output)
    # Below a warning libraries tell every request and every frame.
    root.setLevel(logging.WARNING)
    logging.getLogger(OWN_LOGGER).setLevel(level)
    _take_stray_output()


def start_job_logging(
    context: LogContext, *, secrets: Iterable[str] = (), logs_content: bool = False
) -> None:
    """Make every record of a job's process safe, and say whose it is, before it is sent to the worker.

    The handler that sends them is livekit-agents' own, and the worker writes them as its own lines.
    """
    safe = _make_filter(context, secrets, logs_content)
    for handler in logging.getLogger().handlers:
        handler.addFilter(safe)
    _take_stray_output()


@contextmanager
def track_performance(
    logger: logging.Logger,
    operation: str,
    *,
    slow_ms: float = SLOW_MS,
    level: int = logging.INFO,
    clock: _Stopwatch | None = None,
    **fields: str | float | bool | None,
) -> Iterator[None]:
    """Log how long what happens inside took, as `duration_ms`; also around awaits.

    One line when it ends, at `level`, and as a warning where it took longer than `slow_ms` or failed; a
    failure is told by its class and goes on to the caller. `fields` stand on the line beside it: numbers
    under any name, texts under the names that may be logged.

    The time is the clock's; without one it is the running event loop's, and in a thread without a loop that
    at which logging makes its records.
    """
    now_s = clock.monotonic if clock is not None else _find_stopwatch()
    began_s = now_s()
    outcome: dict[str, str] = {"outcome": "done"}
    failed = False
    try:
        yield
    except Exception as error:
        # Whatever it is, it is told and goes on.
        failed, outcome = True, {"outcome": "failed", "error": type(error).__name__}
        raise
    except BaseException:
        # Cancelled, or interrupted by the user: that goes on too.
        outcome = {"outcome": "cancelled"}
        raise
    finally:
        duration_ms = round(max(0.0, now_s() - began_s) * 1000, 1)
        is_slow = duration_ms > slow_ms
        words = "failed after" if failed else "was slow, it took" if is_slow else "took"
        logger.log(
            max(level, logging.WARNING) if failed or is_slow else level,
            "%s %s %.0f ms",
            operation,
            words,
            duration_ms,
            extra={**fields, "operation": operation, "duration_ms": duration_ms, **outcome},
        )


def _take_stray_output() -> None:
    """Log what Python itself would write to stderr: warnings, and errors that nobody catches.

    Those quote values too, Pydantic's warnings for one, and no handler would make them safe.
    """
    logging.captureWarnings(True)
    threading.excepthook = _log_thread_error
    sys.unraisablehook = _log_unraisable


def _log_thread_error(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        logger.error("a thread has ended by an error", exc_info=args.exc_value)


def _log_unraisable(args: sys.UnraisableHookArgs) -> None:
    if args.exc_value is not None:
        logger.error("an error came up where nobody could catch it", exc_info=args.exc_value)


def _find_stopwatch() -> Callable[[], float]:
    try:
        return asyncio.get_running_loop().time
    except RuntimeError:
        return lambda: logging.makeLogRecord({}).created


def _make_filter(context: LogContext | None, secrets: Iterable[str], logs_content: bool) -> SafeRecords:
    return SafeRecords(
        redactor=Redactor(secrets),
        context=context,
        logs_content=logs_content,
        keeps_tracebacks=bool(os.environ.get("MEETCTL_DEBUG")),
    )
