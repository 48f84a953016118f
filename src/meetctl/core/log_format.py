"""How a log line looks: a line of text for people, a JSON object for programs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from meetctl.core.log_context import CONTEXT_FIELDS
from meetctl.core.log_safety import extra_fields

if TYPE_CHECKING:
    from typing import TextIO

    from meetctl.core.settings import Environment, LogForm

_TOLD_OTHERWISE = ("agent_name", "pid", "room_id")
"""What the worker adds to a job's record, and a line says by other fields or need not say."""


def choose_form(form: LogForm, *, environment: Environment, stream: TextIO) -> Literal["text", "json"]:
    """Return the form to write: by itself JSON in production, but text on a terminal."""
    if form != "auto":
        return form
    return "json" if environment == "production" and not stream.isatty() else "text"


class TextFormatter(logging.Formatter):
    """Formats a safe record as `time LEVEL logger: message field=value`; a traceback follows below."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        at = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        known = {name: record.__dict__.get(name) for name in CONTEXT_FIELDS}
        fields = {**known, **_shown_extras(record)}
        # A room's name may hold anything, but not begin a line of its own.
        told = [
            " ".join(f"{name}={value}".splitlines())
            for name, value in fields.items()
            if value is not None and value != ""
        ]
        line = f"{at} {record.levelname:7} {record.name}: {' '.join([_message(record), *told])}"
        return f"{line}\n{record.exc_text}" if record.exc_text else line


class JsonFormatter(logging.Formatter):
    """Formats a safe record as one JSON object in one line.

    The first keys are always there: ts (UTC, RFC 3339, microseconds), level, logger, message, tenant,
    session_id, room, turn, job_id and pid; null is what is not known. Extra fields follow.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        at = datetime.fromtimestamp(record.created, UTC)
        document: dict[str, object] = {
            "ts": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **{name: record.__dict__.get(name) for name in CONTEXT_FIELDS},
            "pid": record.process,
        }
        extras = _shown_extras(record)
        document |= {name: value for name, value in extras.items() if name not in document}
        if record.exc_text:
            document["traceback"] = record.exc_text
        # U+2028 and others that some readers take for an end of line are escaped with the rest.
        return json.dumps(document, ensure_ascii=True, default=str)


def _message(record: logging.LogRecord) -> str:
    # On its way from another process an error's text is put below the message.
    return (record.getMessage().splitlines() or [""])[0]


def _shown_extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in extra_fields(record).items() if name not in _TOLD_OTHERWISE}
