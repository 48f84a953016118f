"""Logs of long-running processes: one line a record on stderr, without secrets or what people said."""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from typing import TextIO

_SHOWN_FIELDS = ("room", "session_id", "job_id", "id", "agent_name", "url", "pid", "reason")
"""What a record may carry besides its message. Libraries add others, transcripts among them."""

_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")

_LOUD = ("livekit", "aiohttp.access", "httpx", "httpx2", "httpcore", "openai", "asyncio")
"""Loggers that tell too much below a warning."""


class LineFormatter(logging.Formatter):
    """Formats a record as `time LEVEL logger: message field=value`."""

    def __init__(self, *, tracebacks: bool) -> None:
        super().__init__()
        self._tracebacks = tracebacks

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line; an error's text stays out of it, for it may quote a conversation."""
        at = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        fields = [
            # A room's name may hold anything, but not begin a line of its own.
            " ".join(f"{name}={record.__dict__[name]}".splitlines())
            for name in _SHOWN_FIELDS
            if record.__dict__.get(name)
        ]
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            fields.append(f"error={type(error).__name__}")
        elif record.exc_text:
            # From another process an error comes as text alone, whose last line begins with its class.
            fields.append(f"error={_class_in(record.exc_text)}")
        # Libraries write tracebacks into messages, and a connection's address with its token.
        lines = record.getMessage().splitlines() or [""]
        message = "\n".join(lines) if self._tracebacks else lines[0]
        line = redact_tokens(f"{at} {record.levelname:7} {record.name}: {' '.join([message, *fields])}")
        if error is not None and self._tracebacks:
            line += "\n" + redact_tokens("".join(traceback.format_exception(error)).rstrip())
        return line


def _class_in(exception_text: str) -> str:
    """Return the class that a formatted exception ends with, without its module and its message.

    >>> _class_in("Traceback …\\nlivekit.agents._exceptions.APIConnectionError: who said what")
    'APIConnectionError'
    """
    last = exception_text.strip().splitlines()[-1:] or [""]
    return last[0].partition(":")[0].rpartition(".")[2].strip()


def redact_tokens(text: str) -> str:
    """Return a text without the JSON Web Tokens in it.

    >>> redact_tokens("ws://127.0.0.1/rtc?access_token=eyJhbGciOi.eyJzdWIiOi.x-Y_z&v=1")
    'ws://127.0.0.1/rtc?access_token=[token]&v=1'
    """
    return _TOKEN.sub("[token]", text)


def start_logging(level: str = "INFO", *, stream: TextIO | None = None) -> None:
    """Send this process's log to stderr from now on; only the first call counts."""
    root = logging.getLogger()
    if any(isinstance(handler.formatter, LineFormatter) for handler in root.handlers):
        return
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter(tracebacks=bool(os.environ.get("MEETCTL_DEBUG"))))
    root.addHandler(handler)
    root.setLevel(level)
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)
