"""A spending book in memory, which nobody can write to when the test says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from meetctl.domain.spending import SessionSpending


class InMemorySpendingBook:
    """The SpendingBook port over a dictionary; whoever writes in it goes on running."""

    def __init__(self) -> None:
        self.entries: dict[tuple[date, str | None, str], SessionSpending] = {}
        self.writes = 0
        self.is_full = False
        """Set to refuse entries, as a full disk does."""
        self.is_broken = False
        """Set to fail in a way that nobody foresees."""

    def write(self, spending: SessionSpending) -> None:
        if self.is_full:
            raise OutputError("what was spent cannot be written: no space is left")
        self.writes += 1
        self.entries[spending.day, spending.tenant_id, spending.session_id] = spending

    def remove(self, day: date, tenant_id: str | None, session_id: str) -> None:
        self.entries.pop((day, tenant_id, session_id), None)

    def of_tenant(self, day: date, tenant_id: str | None) -> Sequence[SessionSpending]:
        if self.is_broken:
            raise RuntimeError("broken")
        return [one for one in self.entries.values() if (one.day, one.tenant_id) == (day, tenant_id)]

    def of_day(self, day: date) -> Sequence[SessionSpending]:
        return [one for one in self.entries.values() if one.day == day]

    def forget_before(self, day: date) -> None:
        self.entries = {key: one for key, one in self.entries.items() if one.day >= day}
