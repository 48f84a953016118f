"""A room with all that is known of it: who is there, what its agents do, and what they have cost so far."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from meetctl.domain.session_cost import OFFLINE

if TYPE_CHECKING:
    from meetctl.domain.rooms import Dispatch, Participant, Room
    from meetctl.domain.state import SessionState


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a session has cost so far."""

    usd: Decimal | None
    """What of it has a price; None where nothing has."""
    is_complete: bool
    """Whether all of it has a price."""
    is_offline: bool
    """Whether offline providers served all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """An agent in a room."""

    participant: Participant
    state: SessionState | None = None
    """What its session has come to; None where its journal is not on this machine, or it is not ours."""

    @property
    def spent(self) -> Spent | None:
        """What the session has cost; None where that is not known here."""
        if self.state is None:
            return None
        usage = self.state.usage
        is_priced = usage.priced_uses > 0 or not usage.uses
        return Spent(
            usd=usage.usd if is_priced else None,
            is_complete=not usage.unpriced,
            is_offline=bool(usage.parts) and all(part.provider == OFFLINE for part in usage.parts),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomView:
    """A room with everybody in it."""

    room: Room
    participants: tuple[Participant, ...]
    agents: tuple[AgentView, ...]
    dispatches: tuple[Dispatch, ...] | None = None
    """Who was sent there; None where nobody asked."""

    @property
    def people(self) -> int:
        """How many people are there whom the others can see."""
        return sum(one.is_person for one in self.participants)
