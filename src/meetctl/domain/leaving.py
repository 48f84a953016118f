"""How an agent was taken out of a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Way = Literal["asked", "removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """How an agent was taken out."""

    agent: str
    """Its identity in the room."""
    session_id: str | None
    way: Way
    """Whether it left when it was asked, and so has said goodbye to its journal, or was put out."""
    reason: str = ""
    """Why it was not asked, or what came of it."""
    is_gone: bool = True
    """Whether it is out of the room by now."""
