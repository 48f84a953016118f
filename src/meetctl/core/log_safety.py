"""What may leave in a log record: no secrets, nothing that people said or showed, and no names of theirs.

Our own messages are written to hold none of it. Those of libraries quote transcripts, requests and
identities, in their messages, their extra fields and their errors, so of them only what cannot quote anybody
is let through.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from meetctl.core.log_context import CONTEXT_FIELDS
from meetctl.errors import MeetctlError

if TYPE_CHECKING:
    from meetctl.core.log_context import LogContext
    from meetctl.core.redaction import Redactor

OWN_LOGGER = "meetctl"

TEXT_FIELDS = (
    "agent_name",
    "component",
    "error",
    "id",
    "kind",
    "model",
    "op",
    "operation",
    "outcome",
    "procedure",
    "provider",
    "reason",
    "request",
    "track",
    "url",
    "worker_id",
)
"""The extra fields of our own records that may hold a text. A number may stand under any name."""

LONGEST_TEXT = 300
"""Characters of one field; a longer one is cut."""

_FOREIGN_FIELDS = ("room", "job_id", "agent_name", "room_id", "worker_id")
_SAFE: Final = "_meetctl_is_safe"
"""The mark of a record that has been through here, which it keeps on its way to another process."""
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", _SAFE}
_PLACEHOLDER = re.compile(r"%%|%(?:\(\w+\))?[-#0 +]*(?:\d+|\*)?(?:\.(?:\d+|\*))?[hlL]?[diouxXeEfFgGcrsa]")
_QUOTING = re.compile(r"[:\"`“‘«<{\[(=]|(?<![A-Za-z])'|'(?![A-Za-z])")
"""After these a finished message quotes something; what goes before is the library's own words."""


class SafeRecords(logging.Filter):
    """Makes each record of a handler safe to write, and adds whose it is.

    It changes the record itself, so that handlers that come later get the safe one too. In a job's process
    that is before the record is sent to the worker, as a library's message and its arguments cannot be told
    apart there any more.
    """

    def __init__(
        self,
        *,
        redactor: Redactor,
        context: LogContext | None = None,
        logs_content: bool = False,
        keeps_tracebacks: bool = False,
    ) -> None:
        super().__init__()
        self._redactor = redactor
        self._context = context
        self._logs_content = logs_content
        self._keeps_tracebacks = keeps_tracebacks

    def filter(self, record: logging.LogRecord) -> bool:
        """Make the record safe; none is held back."""
        if _SAFE in record.__dict__:
            return True
        try:
            self._make_safe(record)
        except Exception as error:  # noqa: BLE001  whatever an object does when it is shown, logging fails nobody
            _empty(record)
            record.msg = f"a record could not be shown: {type(error).__name__}"
        if self._context is not None:
            self._add_context(record, self._context.fields)
        record.__dict__[_SAFE] = True
        return True

    def _add_context(self, record: logging.LogRecord, fields: Mapping[str, str | int]) -> None:
        for name, value in fields.items():
            # Libraries have sessions of their own; a line of ours knows better which turn it is about.
            if not _is_ours(record) or name not in record.__dict__:
                record.__dict__[name] = self._redactor.redact(value) if isinstance(value, str) else value

    def _make_safe(self, record: logging.LogRecord) -> None:
        is_ours = _is_ours(record)
        record.msg, record.args = self._message(record, is_ours), None
        self._keep_fields(record, is_ours)
        self._keep_error(record)

    def _message(self, record: logging.LogRecord, is_ours: bool) -> str:
        template = str(record.msg)
        if is_ours or self._logs_content:
            try:
                message = record.getMessage()
            except (TypeError, ValueError):
                # A wrong placeholder.
                message = template
        elif record.args:
            message = _PLACEHOLDER.sub(lambda found: "%" if found[0] == "%%" else "…", template)
        else:
            message = _QUOTING.split(_first_line(template), maxsplit=1)[0].rstrip() or "…"
        # Libraries write tracebacks into messages.
        return self._redactor.redact(_first_line(message))

    def _keep_fields(self, record: logging.LogRecord, is_ours: bool) -> None:
        for name in record.__dict__.keys() - _STANDARD:
            value = record.__dict__.pop(name)
            is_number = isinstance(value, int | float)
            known = (*CONTEXT_FIELDS, *TEXT_FIELDS) if is_ours else _FOREIGN_FIELDS
            is_kept = name in known or (is_ours and is_number)
            if is_kept and is_number:
                record.__dict__[name] = value
            elif (is_kept and isinstance(value, str)) or self._logs_content:
                text = " ".join(str(value).splitlines())
                record.__dict__[name] = self._redactor.redact(text)[:LONGEST_TEXT]

    def _keep_error(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        text = None
        if error is not None:
            record.__dict__["error"] = type(error).__name__
            if self._keeps_tracebacks:
                text = self._redactor.redact(_show_traceback(error, with_messages=self._logs_content))
        elif record.exc_text:
            # From another process an error comes as text alone, whose last line begins with its class.
            record.__dict__["error"] = _class_in(record.exc_text)
        record.exc_info, record.exc_text, record.stack_info = None, text, None


def extra_fields(record: logging.LogRecord) -> dict[str, object]:
    """Return what a safe record carries besides logging's own attributes and its context, by name."""
    names = record.__dict__.keys() - _STANDARD - set(CONTEXT_FIELDS)
    return {name: record.__dict__[name] for name in sorted(names)}


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == OWN_LOGGER


def _empty(record: logging.LogRecord) -> None:
    """Take everything out of a record but where and when it was made."""
    for name in record.__dict__.keys() - _STANDARD:
        del record.__dict__[name]
    record.args, record.exc_info, record.exc_text, record.stack_info = None, None, None, None


def _first_line(text: str) -> str:
    return (text.splitlines() or [""])[0]


def _class_in(exception_text: str) -> str:
    """Return the class that a formatted exception ends with, without its module and its message.

    >>> _class_in("Traceback …\\nlivekit.agents._exceptions.APIConnectionError: who said what")
    'APIConnectionError'
    """
    last = exception_text.strip().splitlines()[-1:] or [""]
    name = last[0].partition(":")[0].rpartition(".")[2].strip()
    # The last line of an error whose message has several is no class, but what it quotes.
    return name if name.isidentifier() else "Exception"


def _show_traceback(error: BaseException, *, with_messages: bool) -> str:
    """Return where an error and its causes came from; of messages only our own, which quote nobody."""
    if with_messages:
        return "".join(traceback.format_exception(error)).rstrip()
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        told = f": {current.message}" if isinstance(current, MeetctlError) else ""
        frames = "".join(traceback.format_tb(current.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{type(current).__name__}{told}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n\nIt came of:\n\n".join(parts)
