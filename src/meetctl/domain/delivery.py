"""What of a journal is delivered to the backend, and in which words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal, get_args

from meetctl.domain.events import Event, moment_of
from meetctl.domain.session_cost import add_usd, billed_quantities, read_usage
from meetctl.domain.tenancy import SessionEvent, UsageRecord

Stream = Literal["usage", "session"]
"""What is delivered in an order of its own: uses of providers, and what happened in the session."""
STREAMS: tuple[Stream, ...] = get_args(Stream)

_TOLD = {
    "session.started": ("agent", "version"),
    "session.ended": ("reason", "duration_s", "frames_kept", "usd"),
    "participant.joined": ("participant", "kind"),
    "participant.left": ("participant",),
}
"""The fields that the backend is told, by the event's type; people's names are not among them."""

_DECIMALS = 6
"""Of a quantity that is no whole number: as many as the session's own cost has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftSession:
    """Whose the session of a journal was, as far as the journal says."""

    session_id: str
    room: str
    tenant_id: str | None
    began_at: datetime | None
    """None where the first event does not say when it was written."""


def stream_of(event: Event) -> Stream | None:
    """Tell in which stream an event is delivered; None for an event that stays in the journal.

    What a provider does not bill, such as a failed request, stays.

    >>> from meetctl.domain.events import parse_event
    >>> stream_of(parse_event('{"seq":4,"t":9,"type":"stt.usage","audio_s":5.05}'))
    'usage'
    >>> stream_of(parse_event('{"seq":5,"t":9,"type":"transcript","text":"Hello"}')) is None
    True
    """
    if billed_quantities(event.type, event.fields):
        return "usage"
    return "session" if event.type in _TOLD else None


def name_delivery(event: Event) -> str:
    """Return the key by which the backend knows an event again; it is the same whenever it is delivered."""
    return f"{event.session_id}:{event.seq}"


def usage_record(event: Event) -> UsageRecord:
    """Return a use as the backend is told of it; `stream_of` has said that the event is one.

    >>> from meetctl.domain.events import parse_event
    >>> record = usage_record(
    ...     parse_event(
    ...         '{"seq":7,"ts":"2026-11-16T09:00:00.000000Z","t":9,"type":"stt.usage","session_id":"s1",'
    ...         '"provider":"deepgram","model":"nova-3","audio_s":5,"usd":"0.0004","basis":"reported"}'
    ...     )
    ... )
    >>> record.key, record.quantities, record.usd
    ('s1:7', {'minutes': Decimal('0.083333')}, Decimal('0.0004'))
    """
    lines = read_usage(event.type, event.fields)
    quantities = billed_quantities(event.type, event.fields)
    return UsageRecord(
        key=name_delivery(event),
        session_id=event.session_id,
        room=event.room,
        at=event.ts,
        kind=event.type,
        provider=lines[0].provider,
        model=lines[0].model,
        quantities={unit: _decimal(quantity) for unit, quantity in quantities.items()},
        usd=add_usd(line.usd for line in lines),
        basis=lines[0].basis,
    )


def session_event(event: Event) -> SessionEvent:
    """Return what happened as the backend is told of it, without anybody's name.

    >>> from meetctl.domain.events import parse_event
    >>> line = '{"seq":1,"t":0,"type":"participant.joined","participant":"u-17","name":"Maya","kind":"sip"}'
    >>> session_event(parse_event(line)).fields
    {'participant': 'u-17', 'kind': 'sip'}
    """
    return SessionEvent(
        key=name_delivery(event),
        session_id=event.session_id,
        room=event.room,
        at=event.ts,
        kind=event.type,
        fields={name: event.fields[name] for name in _TOLD[event.type] if name in event.fields},
    )


def find_owner(events: Iterable[Event]) -> LeftSession | None:
    """Return whose session a journal is of; None for a journal without events.

    The tenant is the one that was named last: a dispatch's first word gives way to the backend's.
    """
    first: Event | None = None
    tenant_id: str | None = None
    for event in events:
        first = first or event
        tenant_id = event.tenant_id or tenant_id
    if first is None:
        return None
    return LeftSession(
        session_id=first.session_id, room=first.room, tenant_id=tenant_id, began_at=moment_of(first)
    )


def _decimal(quantity: Fraction) -> Decimal:
    if quantity.denominator == 1:
        return Decimal(quantity.numerator)
    return round(Decimal(quantity.numerator) / quantity.denominator, _DECIMALS)
