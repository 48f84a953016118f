"""Finding sessions by what people type, and reading them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from meetctl.domain.session_bundle import LAST, RunState, SessionBundle
from meetctl.domain.session_reading import SessionReading
from meetctl.domain.state import SessionState, reduce
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from meetctl.ports import SessionCatalogue

_MOST_NAMED = 5
"""So many candidates a message names."""

_SHOW_ALL = "meetctl sessions list --limit 0 shows all"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions are wanted; what is None or empty asks for nothing."""

    tenant_id: str | None = None
    room: str | None = None
    since: datetime | None = None
    """Only sessions that still went on at this time or later."""
    states: Sequence[RunState] = ()

    def takes(self, bundle: SessionBundle) -> bool:
        """Tell whether a session is wanted."""
        return (
            (self.tenant_id is None or bundle.tenant_id == self.tenant_id)
            and (self.room is None or bundle.room == self.room)
            and (not self.states or bundle.state in self.states)
            and (self.since is None or bundle.is_running or _is_since(bundle, self.since))
        )


def find_session(wanted: str, bundles: Sequence[SessionBundle]) -> SessionBundle:
    """Return the session that a person means: its id, a beginning that only one has, or "last".

    `bundles` are all there are, newest first.

    Raises:
        UsageError: None is meant, or several are.
    """
    if not bundles:
        raise UsageError(
            f"there is no session {wanted!r}: there are none at all",
            hint="--sessions DIRECTORY looks in another place",
        )
    if wanted == LAST:
        return bundles[0]
    exact = [bundle for bundle in bundles if wanted in (bundle.session_id, bundle.path.name)]
    found = exact or [bundle for bundle in bundles if wanted and bundle.session_id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{len(found)} sessions begin with {wanted!r}: {_name_some(found)}", hint="type more of the id"
        )
    names = [bundle.session_id for bundle in bundles]
    close = get_close_matches(wanted, names, n=3, cutoff=0.6)
    raise UsageError(
        f"there is no session {wanted!r}", hint=f"did you mean {' or '.join(close)}?" if close else _SHOW_ALL
    )


def read_session(bundle: SessionBundle, catalogue: SessionCatalogue) -> SessionReading:
    """Read all of a session's journal.

    Raises:
        MediaError: It cannot be read.
    """
    state = SessionState()
    unreadable = 0
    for event in catalogue.read_events(bundle):
        if event is None:
            unreadable += 1
        else:
            state = reduce(state, event)
    return SessionReading(bundle=bundle, state=state, unreadable=unreadable)


def _is_since(bundle: SessionBundle, since: datetime) -> bool:
    return bundle.last_at is not None and bundle.last_at >= since


def _name_some(bundles: Sequence[SessionBundle]) -> str:
    named = ", ".join(bundle.session_id for bundle in bundles[:_MOST_NAMED])
    return f"{named}, …" if len(bundles) > _MOST_NAMED else named
