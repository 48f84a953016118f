"""What a journal says was spent: by day, for the tenant it names last; and the book restored from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.spending_book import InMemorySpendingBook

from meetctl.domain.budget import BudgetLimits
from meetctl.domain.events import Event
from meetctl.domain.session_cost import SessionCost
from meetctl.domain.spending import NOTHING, Spent, add_spent, fold_spending, read_spent
from meetctl.services.spending import restore_spending

DAY, NEXT_DAY = date(2026, 11, 16), date(2026, 11, 17)


def event(kind: str, ts: str = "2026-11-16T23:59:59Z", tenant: str | None = "acme", **fields: Any) -> Event:
    return Event(seq=0, ts=ts, t=0, type=kind, session_id="s1", tenant_id=tenant, room="demo", fields=fields)


def heard(usd: str | None, ts: str = "2026-11-16T23:59:59Z", tenant: str | None = "acme") -> Event:
    return event("stt.usage", ts, tenant, audio_s=60, provider="deepgram", model="nova-3", usd=usd)


@given(st.lists(st.none() | st.decimals(0, 9, places=6).map(lambda usd: f"{usd:f}")))
def test_what_is_spent_is_what_the_session_costs(amounts: list[str | None]) -> None:
    cost = SessionCost()
    spent = NOTHING
    for usd in amounts:
        use = heard(usd)
        cost.add(use)
        spent += read_spent(use.type, use.fields)
    known = [Decimal(usd) for usd in amounts if usd is not None]
    assert spent == Spent(usd=sum(known, Decimal(0)), uses=len(amounts), unpriced=len(amounts) - len(known))
    # The session's own cost has no price any more as soon as one use has none; budgets count what is known.
    assert cost.usd == (spent.usd if None not in amounts else 0)


def test_the_priced_share_is_of_uses() -> None:
    assert NOTHING.priced is None
    assert add_spent([Spent(uses=3), Spent(uses=1, unpriced=1)]).priced == Fraction(3, 4)


def test_what_is_not_billed_is_not_spent() -> None:
    failed = {"input_tokens": 900, "provider": "openai", "usd": "1", "outcome": "failed"}
    assert read_spent("llm.request", failed) == NOTHING
    assert read_spent("llm.request", {**failed, "billed": True}).usd == 1
    assert read_spent("transcript", {"usd": "1"}) == NOTHING
    assert read_spent("stt.usage", {"audio_s": 60, "provider": "offline", "usd": "5"}).usd == 0


def test_each_use_counts_on_its_own_day_and_all_for_the_tenant_that_is_named_last() -> None:
    first, second = fold_spending(
        [
            event("session.started", "2026-11-16T23:50:00Z", None),
            heard("0.1", tenant=None),
            heard("0.2"),
            event("session.ended", "no time", "globex"),
            heard("7", "no time"),
            heard("0.4", "2026-11-17T00:30:00+00:30", "globex"),
            heard(None, "2026-11-17T01:00:00Z", None),
        ]
    )
    assert [(one.day, one.spent.usd, one.tenant_id) for one in (first, second)] == [
        (DAY, Decimal("0.3"), "globex"),
        (NEXT_DAY, Decimal("0.4"), "globex"),
    ]
    assert (second.spent.uses, second.spent.unpriced) == (2, 1)
    assert (first.meeting.usd, second.meeting.usd) == (Decimal("0.3"), Decimal("0.7"))
    assert first.began_at.isoformat() == "2026-11-16T23:50:00+00:00"
    assert not first.is_running


def test_a_journal_without_uses_spends_nothing() -> None:
    assert fold_spending([event("session.started")]) == ()


def test_what_the_book_has_lost_is_restored_once() -> None:
    book = InMemorySpendingBook()
    journal = [heard("0.1"), heard("0.2"), heard("0.4", "2026-11-17T00:00:00Z")]
    assert restore_spending(book, [journal], DAY) == 1
    assert [(one.day, one.spent.usd) for one in book.entries.values()] == [(DAY, Decimal("0.3"))]
    assert restore_spending(book, [journal], DAY) == 0


def test_a_killed_sessions_last_uses_are_restored_and_its_limits_stay() -> None:
    book = InMemorySpendingBook()
    (entry,) = fold_spending([heard("0.1", tenant="globex")])
    book.write(replace(entry, limits=BudgetLimits(day_usd=Decimal(3)), step="vision=off"))
    assert restore_spending(book, [[heard("0.1"), heard("0.2")]], DAY) == 1
    ((restored),) = book.entries.values()
    assert (restored.tenant_id, restored.spent.usd) == ("acme", Decimal("0.3"))
    assert (restored.limits.day_usd, restored.step) == (Decimal(3), "vision=off")


def test_a_running_session_is_left_to_itself_and_the_book_never_loses_by_it() -> None:
    book = InMemorySpendingBook()
    (entry,) = fold_spending([heard("0.1"), heard("0.2")])
    for kept in (replace(entry, is_running=True, spent=NOTHING), entry):
        book.write(kept)
        assert restore_spending(book, [[heard("0.1")]], DAY) == 0
        assert list(book.entries.values()) == [kept]
