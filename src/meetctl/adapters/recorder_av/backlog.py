"""What waits to be written: a queue bounded by bytes, whose producers never wait."""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Backlog(Generic[Item]):
    """Hands items from any thread to one writer: urgent ones first, otherwise in order."""

    def __init__(self) -> None:
        self._urgent: deque[tuple[Item, int]] = deque()
        self._others: deque[tuple[Item, int]] = deque()
        self._waiting_bytes = 0
        self._is_closed = False
        self._changed = Condition()

    def put(self, item: Item, size_bytes: int, limit_bytes: int, *, is_urgent: bool = False) -> bool:
        """Add an item unless more than `limit_bytes` would wait then, or it is closed; say whether it did."""
        with self._changed:
            if self._is_closed or self._waiting_bytes + size_bytes > limit_bytes:
                return False
            (self._urgent if is_urgent else self._others).append((item, size_bytes))
            self._waiting_bytes += size_bytes
            self._changed.notify()
            return True

    def take(self, timeout_s: float) -> Item | None:
        """Return the next item; None if there is none yet after the timeout, or when it is closed."""
        with self._changed:
            if not self._is_closed and not self._urgent and not self._others:
                self._changed.wait(timeout_s)
            lane = self._urgent or self._others
            if not lane:
                return None
            item, size_bytes = lane.popleft()
            self._waiting_bytes -= size_bytes
            return item

    def close(self) -> None:
        """Take nothing more; what waits can still be taken out."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def clear(self) -> None:
        """Throw away what waits."""
        with self._changed:
            self._urgent.clear()
            self._others.clear()
            self._waiting_bytes = 0

    @property
    def is_drained(self) -> bool:
        """Whether it is closed and empty."""
        with self._changed:
            return self._is_closed and not self._urgent and not self._others
