"""What a worker does while its meetings run: it looks after what earlier ones have left."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meetctl.core.config import AgentSettings


def work_beside_meetings(settings: AgentSettings) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return what a worker does while its meetings run."""
    import asyncio

    deliver = _delivery_of_what_was_left(settings)

    async def work() -> None:
        await asyncio.gather(restore_days_spending(settings), *([deliver()] if deliver else ()))

    return work


async def restore_days_spending(settings: AgentSettings) -> None:
    """Let what killed sessions have spent today count, as far as their journals say more than the book."""
    import asyncio
    import logging
    import threading
    from datetime import UTC, datetime, time, timedelta
    from itertools import takewhile

    from meetctl.adapters.session_directory import JOURNAL
    from meetctl.adapters.spending_files import read_journals
    from meetctl.adapters.system_clock import SystemClock
    from meetctl.bootstrap.budgets import spending_book
    from meetctl.services.spending import restore_spending

    book, today, is_over = spending_book(), SystemClock().now().date(), threading.Event()
    journals = read_journals(settings.sessions, JOURNAL, datetime.combine(today, time(), UTC))

    def restore() -> None:
        book.forget_before(today - timedelta(days=1))
        restore_spending(book, takewhile(lambda _: not is_over.is_set(), journals), today)

    try:
        await asyncio.to_thread(restore)
    except Exception:
        # Whatever is wrong with a journal or the book, the worker serves; new spending is counted.
        logging.getLogger(__name__).exception("what was spent before could not be restored")
    finally:
        is_over.set()


def _delivery_of_what_was_left(settings: AgentSettings) -> Callable[[], Coroutine[Any, Any, None]] | None:
    """Return what delivers the usage that ended sessions have left; None without a backend."""
    from meetctl.adapters.delivery_state import FileOutboxes
    from meetctl.adapters.session_directory import JOURNAL
    from meetctl.adapters.system_clock import SystemClock
    from meetctl.bootstrap import backend
    from meetctl.services.left_behind import LeftBehind

    platform = backend(settings)
    if platform is None or settings.backend is None:
        return None
    outboxes = FileOutboxes(settings.sessions, JOURNAL, backend=settings.backend.url)
    return LeftBehind(outboxes, platform, SystemClock()).run
