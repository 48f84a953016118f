"""A bundle and all that its journal tells: what a summary is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from meetctl.domain.session_cost import OFFLINE

if TYPE_CHECKING:
    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.domain.state import SessionState


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReading:
    """A session as far as its journal goes."""

    bundle: SessionBundle
    state: SessionState
    unreadable: int = 0
    """How many of the journal's lines are no events."""

    @property
    def duration_s(self) -> float:
        """How long it was, or is so far, in seconds: by the clock where it says when it began."""
        began, last = self.bundle.started_at, _moment(self.state.last_at)
        if began is not None and last is not None and last >= began:
            return (last - began).total_seconds()
        return self.state.about.duration_s or self.state.t

    @property
    def priced_share(self) -> float:
        """Which share of its usage events has a price; all of none."""
        usage = self.state.usage
        return usage.priced_uses / usage.uses if usage.uses else 1.0

    @property
    def models(self) -> tuple[tuple[str, str], ...]:
        """Whose models were used, each with its provider, in the order in which each first was."""
        return tuple(dict.fromkeys((part.provider, part.model) for part in self.state.usage.parts))

    @property
    def is_offline(self) -> bool:
        """Whether all of its usage was that of offline providers."""
        parts = self.state.usage.parts
        return bool(parts) and all(part.provider == OFFLINE for part in parts)

    @property
    def is_damaged(self) -> bool:
        """Whether anything of its journal is missing or cannot be read."""
        return bool(self.unreadable or self.state.lost or self.bundle.problems)

    @property
    def is_partial(self) -> bool:
        """Whether totals lack something: a price, or a part of the journal."""
        return self.is_damaged or self.priced_share < 1


def _moment(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None
