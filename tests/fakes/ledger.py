"""The Ledger port's sums in memory, by the domain's own functions and nothing else."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from meetctl.domain.delivery import find_owner
from meetctl.domain.events import Event, parse_journal
from meetctl.domain.ledger import Completeness, Dimension, FoldReport, Selection, Spending
from meetctl.domain.session_cost import CostLine, read_usage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from meetctl.ports import Progress


MOST = 10**15
"""A quantity above this is none that anybody used."""


class FakeLedger:
    """Keeps every event it ever saw, the first of each number of a session."""

    def __init__(self, sessions: Path) -> None:
        self._sessions = sessions
        self._events: dict[str, dict[int, Event]] = defaultdict(dict)
        self._unreadable = 0

    def fold(self, progress: Progress) -> FoldReport:
        journals = sorted(self._sessions.glob("*/events.jsonl"))
        new = unreadable = 0
        for path in journals:
            for event in parse_journal(path.read_bytes()):
                if event is None or not _is_sound(event):
                    unreadable += 1
                elif event.seq not in self._events[event.session_id]:
                    self._events[event.session_id][event.seq] = event
                    new += 1
        progress("reading journals", 1, 1, "bytes")
        self._unreadable = unreadable
        return FoldReport(journals=len(journals), events=new, unreadable_lines=unreadable)

    def sum_spending(self, selection: Selection, by: Sequence[Dimension] = ()) -> list[Spending]:
        sums: dict[tuple[object, ...], Spending] = {}
        for session, events in self._events.items():
            owner = find_owner(event for _, event in sorted(events.items()))
            tenant = owner.tenant_id if owner else None
            for event in events.values():
                if self._is_selected(event, tenant, selection):
                    lines = read_usage(event.type, event.fields)
                    is_priced = all(line.usd is not None for line in lines)
                    for place, line in enumerate(lines):
                        group = tuple(_value(one, event, line, tenant, session) for one in by)
                        _add(sums, group, line, is_first=place == 0, is_priced=is_priced)
        return sorted(sums.values(), key=_order)

    def count_completeness(self, selection: Selection) -> Completeness:
        assert selection == Selection(), "the tests ask for everything"
        used = [
            events
            for events in self._events.values()
            if any(read_usage(event.type, event.fields) for event in events.values())
        ]
        return Completeness(
            sessions=len(used),
            unended=sum(all(event.type != "session.ended" for event in events.values()) for events in used),
            missing_events=sum(max(0, max(events) + 1 - len(events)) for events in used),
            unreadable_lines=self._unreadable,
            undated_uses=0,
        )

    def _is_selected(self, event: Event, tenant: str | None, selection: Selection) -> bool:
        moment = _moment(event)
        if selection.has_period and moment is None:
            return False
        return (
            selection.tenant in (None, tenant)
            and selection.room in (None, event.room)
            and selection.session in (None, event.session_id)
            and (selection.since is None or moment is None or moment >= selection.since)
            and (selection.until is None or moment is None or moment < selection.until)
        )


def _order(one: Spending) -> tuple[list[str], str, str, str, str]:
    return [value or "" for value in one.group], one.provider, one.model, one.unit, one.basis


def _is_sound(event: Event) -> bool:
    lines = read_usage(event.type, event.fields)
    return abs(event.seq) < 2**63 and all(
        line.quantity <= MOST and line.image_tokens <= MOST for line in lines
    )


def plain(text: str) -> str:
    """Return text as a database can hold it."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _add(
    sums: dict[tuple[object, ...], Spending],
    group: tuple[str | None, ...],
    line: CostLine,
    *,
    is_first: bool,
    is_priced: bool,
) -> None:
    key = (group, line.provider, line.model, line.unit, line.basis)
    known = sums.get(key) or Spending(
        group=group,
        provider=plain(line.provider),
        model=plain(line.model),
        unit=line.unit,
        basis=line.basis,
        quantity=Fraction(0),
        usd=Decimal(0),
        unpriced=Fraction(0),
        uses=0,
        priced_uses=0,
        image_tokens=0,
        image_usd=Decimal(0),
        has_unpriced_images=False,
    )
    sums[key] = replace(
        known,
        quantity=known.quantity + line.quantity,
        usd=known.usd + (line.usd or 0),
        unpriced=known.unpriced + (line.quantity if line.usd is None else 0),
        uses=known.uses + is_first,
        priced_uses=known.priced_uses + (is_first and is_priced),
        image_tokens=known.image_tokens + line.image_tokens,
        image_usd=known.image_usd + (line.image_usd or 0),
        has_unpriced_images=known.has_unpriced_images or line.image_usd is None,
    )


def _value(
    dimension: Dimension, event: Event, line: CostLine, tenant: str | None, session: str
) -> str | None:
    match dimension:
        case "tenant":
            return tenant
        case "session":
            return plain(session)
        case "room":
            return plain(event.room)
        case "day":
            moment = _moment(event)
            return f"{moment:%Y-%m-%d}" if moment else None
        case _:
            return getattr(line, dimension)  # type: ignore[no-any-return]


def _moment(event: Event) -> datetime | None:
    try:
        moment = datetime.fromisoformat(event.ts)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
