"""Spending as it should be in the book: what journals say, where the book has lost it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from meetctl.domain.spending import fold_spending

if TYPE_CHECKING:
    from meetctl.domain.events import Event
    from meetctl.domain.spending import SessionSpending
    from meetctl.ports import SpendingBook


def restore_spending(book: SpendingBook, journals: Iterable[Iterable[Event]], day: date) -> int:
    """Write what journals say of a day and the book does not, and return how many entries that were.

    So a session counts whose process was killed before its last uses were in the book, or whose entry was
    lost. A session that still runs is left to itself.

    Raises:
        OutputError: The book cannot be written.
    """
    known = {spending.session_id: spending for spending in book.of_day(day)}
    restored = 0
    for journal in journals:
        for told in fold_spending(journal):
            entry = known.get(told.session_id)
            if told.day != day or (entry is not None and not _is_behind(entry, told)):
                continue
            if entry is None:
                book.write(told)
            else:
                book.write(replace(told, limits=entry.limits, step=entry.step, day_step=entry.day_step))
                if entry.tenant_id != told.tenant_id:
                    book.remove(day, entry.tenant_id, entry.session_id)
            restored += 1
    return restored


def _is_behind(entry: SessionSpending, told: SessionSpending) -> bool:
    return not entry.is_running and entry.spent.uses < told.spent.uses
