"""Events of a session's journal (schema meetctl.event/1): one immutable fact a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

_ENVELOPE = ("v", "seq", "ts", "t", "type", "session_id", "tenant_id", "room")


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalOwner:
    """What every event of a session says of it."""

    session_id: str
    tenant_id: str | None
    room: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a journal; unknown types and fields are kept as they are."""

    seq: int
    ts: str
    """UTC, RFC 3339."""
    t: float
    """Seconds on the media clock."""
    type: str
    session_id: str
    tenant_id: str | None
    room: str
    fields: Mapping[str, Any]
    """What the type adds."""


def format_event(event: Event) -> dict[str, Any]:
    """Return the JSON object that is an event's line.

    >>> event = Event(
    ...     seq=0,
    ...     ts="",
    ...     t=0.5,
    ...     type="log",
    ...     session_id="s1",
    ...     tenant_id=None,
    ...     room="demo",
    ...     fields={"level": "info"},
    ... )
    >>> format_event(event)["v"], format_event(event)["level"]
    (1, 'info')
    """
    return {
        "v": 1,
        "seq": event.seq,
        "ts": event.ts,
        "t": event.t,
        "type": event.type,
        "session_id": event.session_id,
        "tenant_id": event.tenant_id,
        "room": event.room,
        **event.fields,
    }


def parse_event(line: str | bytes) -> Event:
    """Read one line of a journal.

    >>> event = parse_event(
    ...     '{"v":1,"seq":0,"ts":"2026-11-16T09:00:00.000000Z","t":0.5,'
    ...     '"type":"turn.started","session_id":"s1","tenant_id":null,"room":"demo","turn":3}'
    ... )
    >>> event.type, event.t, event.fields
    ('turn.started', 0.5, {'turn': 3})

    Raises:
        ValueError: The line is no event.
    """
    data = json.loads(line)
    if not isinstance(data, dict):
        raise ValueError("an event is a JSON object")
    t, seq, kind = data.get("t"), data.get("seq"), data.get("type")
    if not isinstance(t, int | float) or not isinstance(seq, int) or not isinstance(kind, str):
        raise ValueError("an event has a seq, a time t and a type")
    if not _is_finite(t):
        raise ValueError("an event's time is a number of seconds")
    return Event(
        seq=seq,
        ts=str(data.get("ts", "")),
        t=float(t),
        type=kind,
        session_id=str(data.get("session_id", "")),
        tenant_id=data.get("tenant_id"),
        room=str(data.get("room", "")),
        fields={key: value for key, value in data.items() if key not in _ENVELOPE},
    )


def moment_of(event: Event) -> datetime | None:
    """Return when an event was written, in UTC; None where it does not say so.

    >>> moment_of(parse_event('{"seq":1,"t":0,"type":"log","ts":"2026-11-16T09:00:00Z"}')).hour
    9
    """
    try:
        at = datetime.fromisoformat(event.ts)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None


def parse_journal(text: bytes) -> Iterator[Event | None]:
    """Read a journal's complete lines; None stands for a line that is no event.

    What follows the last newline is still being written, and is left out.
    """
    for line in text[: text.rfind(b"\n") + 1].splitlines():
        if line.strip():
            try:
                yield parse_event(line)
            except ValueError:
                yield None


def find_request_times(events: Iterable[Event]) -> tuple[int, ...]:
    """Return when the model was asked, in microseconds on the media clock, ascending.

    Every `llm.request` counts that a provider may bill: cancelled and preempted ones too, failed ones
    only where a part had been answered. Where it says up to which time it took frames (`as_of_us`), that
    is its time. A journal without any counts a request at the end of each person's utterance.
    """
    requests: list[int] = []
    utterances: list[int] = []
    for event in events:
        if event.type == "llm.request" and _may_be_billed(event):
            as_of_us = event.fields.get("as_of_us")
            requests.append(as_of_us if isinstance(as_of_us, int) else round(event.t * 1_000_000))
        elif event.type == "transcript" and event.fields.get("final") and event.fields.get("role") == "user":
            utterances.append(round(event.t * 1_000_000))
    return tuple(sorted(requests or utterances))


def _is_finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:
        return False  # a whole number beyond any float


def _may_be_billed(request: Event) -> bool:
    return request.fields.get("outcome") != "failed" or request.fields.get("billed") is True
