"""A catalogue of sessions in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.domain.session_bundle import SessionBundle, sort_newest_first
from meetctl.errors import MediaError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from meetctl.domain.events import Event


class InMemoryCatalogue:
    """The SessionCatalogue port over bundles and their events."""

    def __init__(self, sessions: dict[Path, tuple[SessionBundle, Sequence[Event | None]]]) -> None:
        self.sessions = sessions

    def list_sessions(self) -> Sequence[SessionBundle]:
        return sort_newest_first([bundle for bundle, _ in self.sessions.values()])

    def look_up(self, path: Path) -> SessionBundle:
        if path not in self.sessions:
            raise MediaError(f"{path} is no bundle")
        return self.sessions[path][0]

    def read_events(self, bundle: SessionBundle) -> Iterator[Event | None]:
        if bundle.journal is not None:
            yield from self.sessions[bundle.path][1]
