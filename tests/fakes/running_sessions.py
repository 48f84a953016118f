"""Running sessions in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meetctl.domain.session_bundle import SessionBundle, sort_newest_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meetctl.domain.session_bundle import RunState
    from meetctl.errors import MeetctlError


class FakeRunningSessions:
    """The RunningSessions port over bundles whose state a test changes."""

    def __init__(self, *bundles: SessionBundle) -> None:
        self.error: MeetctlError | None = None
        self._bundles = {bundle.session_id: bundle for bundle in bundles}
        self._ran: set[str] = set()

    def begin(self, bundle: SessionBundle) -> None:
        """Let a session run."""
        self._bundles[bundle.session_id] = bundle

    def change(self, session_id: str, state: RunState) -> None:
        """Let a session be over."""
        self._bundles[session_id] = replace(self._bundles[session_id], state=state)

    def remove(self, session_id: str) -> None:
        """Let a session's bundle be gone."""
        del self._bundles[session_id]

    async def look(self) -> Sequence[SessionBundle]:
        if self.error is not None:
            raise self.error
        running = [bundle for bundle in self._bundles.values() if bundle.is_running]
        over = [bundle for bundle in self._bundles.values() if not bundle.is_running]
        ended = [bundle for bundle in over if bundle.session_id in self._ran]
        self._ran = {bundle.session_id for bundle in running}
        return sort_newest_first([*running, *ended])
