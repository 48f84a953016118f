"""The guard: what is spent, here and by others; which steps it takes and undoes, and what it writes down."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.fakes.clock import LoopClock, run_virtually
from tests.fakes.event_sink import InMemoryEventSink
from tests.fakes.spending_book import InMemorySpendingBook

from meetctl.agent.budget_guard import BOOK_EVERY_S, BudgetGuard, GuardActions, GuardedMeeting
from meetctl.agent.journal import MeetingJournal
from meetctl.domain.budget import BudgetLimits, Budgets, parse_steps, parse_tenant_limits
from meetctl.domain.policy import Policy
from meetctl.domain.restraint import NO_RESTRAINT, Restraint
from meetctl.domain.spending import SessionSpending, Spent

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from datetime import datetime

LIMITS = BudgetLimits(meeting_usd=Decimal(1), day_usd=Decimal(10))


@dataclass
class Conduct:
    """Notes how it is restrained."""

    restraints: list[Restraint] = field(default_factory=list)
    ended_words: int = 0
    policy: Policy = Policy(name="live", fps=Fraction(1))  # noqa: RUF009  it is frozen

    def restrain(self, restraint: Restraint) -> None:
        self.restraints.append(restraint)

    async def end_words(self) -> None:
        self.ended_words += 1


class Watch:
    """A guard over fakes, on a clock that only the test moves."""

    def __init__(
        self,
        *,
        budgets: Budgets | None = None,
        ordered_usd: str | None = None,
        book: InMemorySpendingBook | None = None,
        session_id: str = "s1",
    ) -> None:
        self.clock = ShiftedClock()
        self.sink = InMemoryEventSink(clock=self.clock)
        self.book = book or InMemorySpendingBook()
        self.conduct = Conduct()
        self.tenant_id: str | None = "acme"
        self.notices: list[tuple[Restraint, Restraint]] = []
        self.telling = asyncio.Event()
        self.telling.set()
        self.left = 0
        self.guard = BudgetGuard(
            GuardedMeeting(
                session_id=session_id,
                room="demo",
                tenant_id=lambda: self.tenant_id,
                budgets=budgets or Budgets(everyone=LIMITS),
                ordered_usd=None if ordered_usd is None else Decimal(ordered_usd),
            ),
            GuardActions(conduct=cast("Any", self.conduct), announce=self._announce, leave=self._leave),
            book=self.book,
            journal=MeetingJournal(self.sink),
            clock=self.clock,
        )

    async def _announce(self, before: Restraint, after: Restraint) -> None:
        self.notices.append((before, after))
        await self.telling.wait()

    def _leave(self) -> None:
        self.left += 1

    async def spend(self, usd: str | None) -> None:
        """Use something, and let the guard act."""
        self.guard.count("stt.usage", {"audio_s": 60, "provider": "deepgram", "model": "nova-3", "usd": usd})
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def steps(self) -> list[str | None]:
        return [fields["step"] for fields in self.sink.fields("budget.step")]

    def last_step(self) -> Mapping[str, Any]:
        return self.sink.fields("budget.step")[-1]

    def entries(self) -> dict[tuple[str, str | None], Decimal]:
        """What the book says of this session, by day and tenant."""
        return {(f"{one.day:%d}", one.tenant_id): one.spent.usd for one in self.book.entries.values()}


class ShiftedClock(LoopClock):
    """The loop's time, on another day if the test says so."""

    shift = timedelta()

    def now(self) -> datetime:
        return super().now() + self.shift


def play(scene: Callable[[Watch], Coroutine[Any, Any, None]], **settings: Any) -> None:
    async def run() -> None:
        watch = Watch(**settings)
        await watch.guard.begin()
        await scene(watch)
        await watch.guard.stop()
        await watch.guard.finish()

    run_directly(run())


class DirectExecutor(ThreadPoolExecutor):
    """Does at once what is for a thread, since virtual time would not wait for one."""

    def submit(self, work: Any, /, *args: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(work(*args, **named))
        except Exception as error:  # noqa: BLE001  whatever the work fails with is whoever waits for it to see
            done.set_exception(error)
        return done


def run_directly(coroutine: Coroutine[Any, Any, None]) -> None:
    async def run() -> None:
        asyncio.get_running_loop().set_default_executor(DirectExecutor())
        await coroutine

    run_virtually(run())


async def next_look() -> None:
    """Wait until the book has been written and read again."""
    await asyncio.sleep(BOOK_EVERY_S * 1.5)


def of_other(watch: Watch, usd: str, *, session_id: str = "other", tenant: str | None = "acme") -> None:
    """Let another session of this day have spent something."""
    now = watch.clock.now()
    watch.book.write(
        SessionSpending(
            day=now.date(),
            session_id=session_id,
            tenant_id=tenant,
            room="demo",
            began_at=now,
            updated_at=now,
            spent=Spent(usd=Decimal(usd), uses=1),
        )
    )


def test_each_step_is_taken_as_soon_as_it_is_reached_and_told() -> None:
    async def scene(watch: Watch) -> None:
        for usd in ("0.69", "0.01", "0.1", "0.1", "0.09", "0.01"):
            await watch.spend(usd)
        assert watch.steps() == ["detail=low", "fps=0.2 window=1", "vision=off", "speech=off"]
        assert [fields["from"] for fields in watch.sink.fields("budget.step")] == [None, *watch.steps()[:-1]]
        assert watch.last_step() == {
            "budget": "meeting",
            "step": "speech=off",
            "from": "vision=off",
            "level": 4,
            "levels": 4,
            "spent_usd": "1.00",
            "limit_usd": "1",
            "priced": 1.0,
            "restraint": {"detail": "low", "fps": "1/5", "window": 1, "vision": "off", "speech": "off"},
            "policy": {"fps": "1", "window": 5, "detail": "high", "side": None},
        }
        assert watch.conduct.restraints[-1] == Restraint(
            detail="low", fps=Fraction(1, 5), window=1, sees=False, speaks=False
        )
        await next_look()
        assert watch.notices[0][0] == NO_RESTRAINT
        assert watch.notices[-1][1] == watch.conduct.restraints[-1]

    play(scene)


def test_one_large_use_takes_several_steps_at_once() -> None:
    async def scene(watch: Watch) -> None:
        await watch.spend("5")
        assert watch.steps() == ["speech=off"]

    play(scene)


def test_while_people_are_told_the_next_steps_are_taken_and_told_together() -> None:
    async def scene(watch: Watch) -> None:
        watch.telling.clear()
        await watch.spend("0.7")
        await watch.spend("0.1")
        await watch.spend("0.1")
        assert len(watch.conduct.restraints) == 3
        assert len(watch.notices) == 1
        watch.telling.set()
        await next_look()
        first, *later = watch.conduct.restraints
        assert watch.notices == [(NO_RESTRAINT, first), (first, later[-1])]

    play(scene)


def test_without_limits_nothing_happens_and_the_book_is_kept_all_the_same() -> None:
    async def scene(watch: Watch) -> None:
        await watch.spend("999")
        await next_look()
        assert (watch.steps(), watch.conduct.restraints) == ([], [])
        assert watch.entries() == {("16", "acme"): Decimal(999)}

    play(scene, budgets=Budgets())


def test_usage_without_a_price_makes_the_sum_a_lower_bound_and_the_event_says_so() -> None:
    async def scene(watch: Watch) -> None:
        for usd in ("0.3", None, None, "0.4"):
            await watch.spend(usd)
        assert (watch.last_step()["spent_usd"], watch.last_step()["priced"]) == ("0.7", 0.5)

    play(scene)


def test_what_is_no_usage_or_not_billed_is_not_counted() -> None:
    async def scene(watch: Watch) -> None:
        watch.guard.count(
            "llm.request", {"input_tokens": 9, "provider": "o", "usd": "9", "outcome": "failed"}
        )
        watch.guard.count("transcript", {"usd": "9"})
        await next_look()
        assert watch.steps() == []

    play(scene)


def test_an_operator_raises_and_lowers_the_limit_and_goes_back_to_the_configured_one() -> None:
    async def scene(watch: Watch) -> None:
        await watch.spend("0.9")
        watch.guard.order({"meeting_usd": "10"})
        watch.guard.order({"meeting_usd": "0.5", "day_usd": "20"})
        watch.guard.order({"meeting_usd": None})
        assert watch.steps() == ["vision=off", None, "speech=off", "vision=off"]
        assert watch.last_step()["limit_usd"] == "1"

    play(scene)


def test_a_dispatch_lowers_the_limit_and_never_raises_it() -> None:
    async def lower(watch: Watch) -> None:
        await watch.spend("0.35")
        assert watch.last_step()["limit_usd"] == "0.5"

    async def raise_it(watch: Watch) -> None:
        await watch.spend("0.7")
        assert watch.last_step()["limit_usd"] == "1"

    play(lower, ordered_usd="0.5")
    play(raise_it, ordered_usd="50")


def test_meetings_of_one_tenant_share_a_day_and_those_of_others_do_not_count() -> None:
    async def scene(watch: Watch) -> None:
        await watch.spend("0.1")
        of_other(watch, "9", session_id="a", tenant="globex")
        of_other(watch, "9", session_id="b", tenant=None)
        await next_look()
        assert watch.steps() == []
        of_other(watch, "4", session_id="c")
        of_other(watch, "3", session_id="d")
        await next_look()
        assert watch.steps() == ["detail=low"]
        assert (watch.last_step()["budget"], watch.last_step()["spent_usd"]) == ("tenant day", "7.1")
        # The meeting's own budget is the stricter one now.
        await watch.spend("0.75")
        assert (watch.last_step()["budget"], watch.last_step()["step"]) == ("meeting", "fps=0.2 window=1")

    play(scene)


def test_a_day_that_is_used_up_already_counts_from_the_beginning() -> None:
    book = InMemorySpendingBook()

    async def run() -> None:
        watch = Watch(book=book)
        of_other(watch, "12")
        await watch.guard.begin()
        assert watch.steps() == ["speech=off"]
        await watch.guard.stop()

    run_directly(run())


def test_a_new_day_begins_with_nothing_spent_and_each_use_counts_on_its_own() -> None:
    async def scene(watch: Watch) -> None:
        await watch.spend("0.4")
        of_other(watch, "9")
        await next_look()
        assert watch.steps() == ["vision=off"]
        watch.clock.shift = timedelta(days=1)
        await next_look()
        assert watch.steps() == ["vision=off", None]
        await watch.spend("0.2")
        await next_look()
        own = [one for one in watch.book.entries.values() if one.session_id == "s1"]
        assert [(f"{one.day:%d}", one.spent.usd) for one in own] == [
            ("16", Decimal("0.4")),
            ("17", Decimal("0.2")),
        ]

    play(scene)


def test_when_another_tenant_turns_out_to_own_the_meeting_all_of_it_is_theirs() -> None:
    async def scene(watch: Watch) -> None:
        watch.tenant_id = None
        await watch.spend("0.3")
        await next_look()
        assert watch.entries()[("16", None)] == Decimal("0.3")
        watch.tenant_id = "globex"
        await next_look()
        assert watch.entries() == {("16", "globex"): Decimal("0.3")}
        assert watch.steps() == ["speech=off"]

    budgets = Budgets(tenants=parse_tenant_limits('{"globex": {"day_usd": "0.3"}}'))
    play(scene, budgets=budgets)


def test_the_last_step_may_be_to_leave() -> None:
    async def scene(watch: Watch) -> None:
        await watch.spend("0.5")
        assert watch.left == 0
        await watch.spend("0.5")
        assert watch.left == 1
        # The farewell says it; nothing else is told, and no voice is cut.
        await next_look()
        assert len(watch.notices) == 1
        assert watch.conduct.ended_words == 1

    steps = parse_steps("50% vision=off, 100% leave")
    play(scene, budgets=Budgets(everyone=LIMITS, steps=steps))


def test_the_book_says_how_the_budgets_stand_and_that_the_session_has_ended() -> None:
    async def run() -> None:
        watch = Watch()
        await watch.guard.begin()
        await watch.spend("0.8")
        await next_look()
        (entry,) = watch.book.entries.values()
        assert (entry.limits, entry.step, entry.is_running) == (LIMITS, "fps=0.2 window=1", True)
        assert entry.day_step is None
        await watch.guard.stop()
        # What recognition reports when its connection closes still counts.
        await watch.spend("0.05")
        await watch.guard.finish()
        (entry,) = watch.book.entries.values()
        assert (entry.meeting.usd, entry.is_running) == (Decimal("0.85"), False)
        assert watch.steps() == ["fps=0.2 window=1"]

    run_directly(run())


def test_an_entry_is_written_only_when_something_is_new() -> None:
    async def scene(watch: Watch) -> None:
        await watch.spend("0.1")
        await next_look()
        writes = watch.book.writes
        for _ in range(5):
            await next_look()
        assert watch.book.writes == writes

    play(scene)


def test_a_book_that_cannot_be_written_costs_others_their_knowledge_and_not_this_meeting_its_budget(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scene(watch: Watch) -> None:
        watch.book.is_full = True
        await watch.spend("0.7")
        for _ in range(3):
            await next_look()
        assert watch.steps() == ["detail=low"]
        assert caplog.text.count("no space is left") == 1
        watch.book.is_full = False
        await next_look()
        assert watch.entries()[("16", "acme")] == Decimal("0.7")

    play(scene)


def test_what_a_full_disk_kept_out_of_the_journal_is_spent_all_the_same() -> None:
    async def scene(watch: Watch) -> None:
        watch.sink.is_full = True
        await watch.spend("0.7")
        assert watch.conduct.restraints == [Restraint(detail="low")]

    play(scene)


def test_a_book_that_breaks_is_looked_at_again_later(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(watch: Watch) -> None:
        watch.book.is_broken = True
        await watch.spend("0.7")
        await next_look()
        watch.book.is_broken = False
        of_other(watch, "9")
        await next_look()
        assert watch.steps() == ["detail=low", "vision=off"]
        assert "not known this time" in caplog.text

    play(scene)


def test_a_book_that_breaks_at_the_start_keeps_no_meeting_from_beginning() -> None:
    async def run() -> None:
        book = InMemorySpendingBook()
        book.is_broken = True
        watch = Watch(book=book)
        await watch.guard.begin()
        await watch.spend("0.7")
        assert watch.steps() == ["detail=low"]
        await watch.guard.stop()

    run_directly(run())


def test_the_log_names_the_step_and_neither_tenant_nor_amount(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(watch: Watch) -> None:
        await watch.spend("0.7654321")
        watch.guard.order({"meeting_usd": "99"})

    play(scene)
    assert "the budget of the meeting: detail=low" in caplog.text
    assert "the budget of the meeting: everything as before" in caplog.text
    assert "acme" not in caplog.text
    assert "0.7654321" not in caplog.text
