"""Holds a meeting to its budgets: its own, and the one that all meetings of its tenant share for a day."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from meetctl.agent.journal import show_usd
from meetctl.domain.budget import (
    BudgetAccount,
    BudgetLimits,
    judge_budgets,
    lower_limit,
    name_step,
    restraint_at,
)
from meetctl.domain.policy_span import document_policy
from meetctl.domain.restraint import NO_RESTRAINT, document_restraint
from meetctl.domain.spending import NOTHING, SessionSpending, Spent, add_spent, read_spent
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from datetime import date

    from meetctl.agent.conduct import Conduct
    from meetctl.agent.journal import MeetingJournal
    from meetctl.domain.budget import BudgetKind, Budgets, BudgetVerdict
    from meetctl.domain.restraint import Restraint
    from meetctl.ports import Clock, SpendingBook

logger = logging.getLogger(__name__)

BOOK_EVERY_S = 1.0
"""How often what was spent is written down, and what other meetings of the tenant have spent is looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedMeeting:
    """What a guard has to know of its meeting."""

    session_id: str
    room: str
    tenant_id: Callable[[], str | None]
    """The tenant, as far as it is known."""
    budgets: Budgets
    ordered_usd: Decimal | None
    """What the dispatch says that the meeting may cost at most; it lowers a limit and never raises one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardActions:
    """What a guard can do about spending."""

    conduct: Conduct
    announce: Callable[[Restraint, Restraint], Awaitable[None]]
    """Tells people what changes from one restraint to the other, if they are told at all."""
    leave: Callable[[], None]
    """Takes leave and lets the agent go; does not block."""


class BudgetGuard:
    """Counts what is spent, and takes the steps that are configured, down and up again.

    What it counts comes from the usage meter, so that a full disk cannot hide spending. What this meeting has
    spent is known at once, what others have spent a second or two later.
    """

    def __init__(
        self,
        meeting: GuardedMeeting,
        actions: GuardActions,
        *,
        book: SpendingBook,
        journal: MeetingJournal,
        clock: Clock,
    ) -> None:
        self._meeting = meeting
        self._actions = actions
        self._steps = meeting.budgets.steps
        self._book = book
        self._journal = journal
        self._clock = clock
        self._began_at = clock.now()
        self._ordered = BudgetLimits()
        self._spent = NOTHING
        self._days: defaultdict[date, Spent] = defaultdict(lambda: NOTHING)
        self._others: tuple[date, str | None, Spent] | None = None
        self._levels: Mapping[BudgetKind, int] = {}
        self._level = 0
        self._written: dict[date, SessionSpending] = {}
        self._is_unwritable = False
        self._used = asyncio.Event()
        self._stepped = asyncio.Event()
        self._told = NO_RESTRAINT
        self._tasks: list[asyncio.Task[None]] = []
        self._exchanging: asyncio.Future[Spent] | None = None

    def count(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Take one use; a listener of the usage meter."""
        spent = read_spent(kind, fields)
        if spent.uses:
            self._spent += spent
            self._days[self._today] += spent
            self._used.set()

    async def begin(self) -> None:
        """Act from now on, at once where the tenant's day is used up already."""
        await self._look()
        self._tasks = [
            asyncio.create_task(self._judge_uses(), name="budget"),
            asyncio.create_task(self._follow_others(), name="budget-book"),
            asyncio.create_task(self._tell(), name="budget-notices"),
        ]

    def order(self, limits: Mapping[str, Any]) -> None:
        """Take an operator's limits: amounts as texts, or None for the configured one."""
        for name, limit in limits.items():
            self._ordered = replace(self._ordered, **{name: None if limit is None else Decimal(limit)})
        self._judge()

    async def stop(self) -> None:
        """Do nothing about spending any more; it is still counted."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._exchanging is not None:
            # Its thread goes on all the same, and must not write after the last entry.
            await asyncio.wait([self._exchanging])

    async def finish(self) -> None:
        """Write down what all of it has cost; call it when nothing more is used."""
        await self._keep_book(is_running=False)

    @property
    def _today(self) -> date:
        return self._clock.now().date()

    @property
    def _limits(self) -> BudgetLimits:
        configured = self._meeting.budgets.of(self._meeting.tenant_id())
        meeting_usd = lower_limit(configured.meeting_usd, self._meeting.ordered_usd)
        ordered = self._ordered
        return BudgetLimits(
            meeting_usd=meeting_usd if ordered.meeting_usd is None else ordered.meeting_usd,
            day_usd=configured.day_usd if ordered.day_usd is None else ordered.day_usd,
        )

    @property
    def _restraint(self) -> Restraint:
        return restraint_at(self._steps, self._level)

    def _spent_of(self, budget: BudgetKind) -> Spent:
        if budget == "meeting":
            return self._spent
        day, tenant_id = self._today, self._meeting.tenant_id()
        # What others have spent on another day, or of another tenant, says nothing.
        others = self._others[2] if self._others and self._others[:2] == (day, tenant_id) else NOTHING
        return self._days[day] + others

    async def _judge_uses(self) -> None:
        while True:
            await self._used.wait()
            self._used.clear()
            self._judge()

    async def _follow_others(self) -> None:
        while True:
            await asyncio.sleep(BOOK_EVERY_S)
            await self._look()

    async def _look(self) -> None:
        try:
            await self._keep_book(is_running=True)
        except Exception:
            # Whatever is wrong with the book this time, this meeting's own budget goes on being held.
            logger.exception("what other meetings have spent is not known this time")
        self._judge()

    async def _tell(self) -> None:
        """Tell people of steps, and let the agent end its words, while the next steps are taken already."""
        while True:
            await self._stepped.wait()
            self._stepped.clear()
            before, self._told = self._told, self._restraint
            await self._actions.announce(before, self._told)
            await self._actions.conduct.end_words()

    def _judge(self) -> None:
        """Take the steps that what was spent asks for, or undo them."""
        limits = self._limits
        accounts = [
            BudgetAccount(
                budget="meeting", spent_usd=self._spent_of("meeting").usd, limit_usd=limits.meeting_usd
            ),
            BudgetAccount(
                budget="tenant day", spent_usd=self._spent_of("tenant day").usd, limit_usd=limits.day_usd
            ),
        ]
        verdict = judge_budgets(accounts, self._steps, self._levels)
        self._levels = verdict.levels
        if verdict.level != self._level:
            before, self._level = self._level, verdict.level
            self._step(before, verdict)

    def _step(self, before: int, verdict: BudgetVerdict) -> None:
        restraint, account = self._restraint, verdict.account
        self._actions.conduct.restrain(restraint)
        step = name_step(self._steps, verdict.level)
        priced = self._spent_of(account.budget).priced
        self._journal.write(
            "budget.step",
            {
                "budget": account.budget,
                "step": step,
                "from": name_step(self._steps, before),
                "level": verdict.level,
                "levels": len(self._steps),
                "spent_usd": show_usd(account.spent_usd),
                "limit_usd": show_usd(account.limit_usd),
                "priced": None if priced is None else round(float(priced), 4),
                "restraint": document_restraint(restraint),
                "policy": document_policy(self._actions.conduct.policy),
            },
        )
        logger.warning("the budget of the %s: %s", account.budget, step or "everything as before")
        if restraint.stays:
            self._stepped.set()
        else:
            self._actions.leave()

    async def _keep_book(self, *, is_running: bool) -> None:
        """Write down what is new, and look up what others have spent."""
        day, tenant_id = self._today, self._meeting.tenant_id()
        entries = [self._entry(one, is_running=is_running) for one in {*self._days, day}]
        # What happened on an earlier day is only written again when the session ends.
        due = [entry for entry in entries if entry.day == day or not is_running or self._is_new(entry)]
        self._exchanging = asyncio.ensure_future(asyncio.to_thread(self._exchange, due, day, tenant_id))
        self._others = (day, tenant_id, await asyncio.shield(self._exchanging))

    def _is_new(self, entry: SessionSpending) -> bool:
        known = self._written.get(entry.day)
        return known is None or (known.spent, known.tenant_id) != (entry.spent, entry.tenant_id)

    def _entry(self, day: date, *, is_running: bool) -> SessionSpending:
        known = self._written.get(day)
        entry = SessionSpending(
            day=day,
            session_id=self._meeting.session_id,
            tenant_id=self._meeting.tenant_id(),
            room=self._meeting.room,
            began_at=self._began_at,
            updated_at=known.updated_at if known else self._clock.now(),
            spent=self._days[day],
            meeting=self._spent,
            limits=self._limits,
            step=name_step(self._steps, self._level),
            day_step=name_step(self._steps, self._levels.get("tenant day", 0)),
            is_running=is_running,
        )
        return entry if entry == known else replace(entry, updated_at=self._clock.now())

    def _exchange(self, entries: list[SessionSpending], day: date, tenant_id: str | None) -> Spent:
        """Write entries that have changed, and return what others have spent; runs in a thread."""
        try:
            for entry in entries:
                known = self._written.get(entry.day)
                if entry == known:
                    continue
                self._book.write(entry)
                self._written[entry.day] = entry
                if known is not None and known.tenant_id != entry.tenant_id:
                    self._book.remove(known.day, known.tenant_id, known.session_id)
            self._is_unwritable = False
        except OutputError as error:
            if not self._is_unwritable:
                logger.error("%s; other meetings do not know of it", error.message)
            self._is_unwritable = True
        return add_spent(
            one.spent
            for one in self._book.of_tenant(day, tenant_id)
            if one.session_id != self._meeting.session_id
        )
