"""What holding a session's journal against its recording gave."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BothSides:
    """One quantity, by the journal and by the replay of the recording."""

    journal: int = 0
    replay: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BothAmounts:
    """One amount of USD, by the journal and by the replay; None where there is no price or it is not said."""

    journal: Decimal | None = None
    replay: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether a bundle's journal and recording tell the same."""

    path: Path
    first_difference: str | None
    """The first difference in time, or why nothing can be decided; None where all is the same."""
    is_decided: bool = True
    """Whether there was enough to compare."""
    frames: BothSides = BothSides()
    """Kept frames."""
    requests: int = 0
    tokens: BothSides = BothSides()
    """Image tokens of all requests."""
    usd: BothAmounts = BothAmounts()
    """What the images cost, as it was billed: nothing with an offline model."""
    list_usd: BothAmounts = BothAmounts()
    """What the same image tokens cost by the list price of the policy's model."""
    model: str = ""
    """The model of the policy."""
    has_agent: bool = True
    """Whether an agent kept the frames, and could ask a model; a recorder only keeps them."""
    notes: tuple[str, ...] = ()
    """What limits the comparison, one line each."""

    @property
    def holds(self) -> bool:
        """Whether both sides are the same."""
        return self.is_decided and self.first_difference is None
