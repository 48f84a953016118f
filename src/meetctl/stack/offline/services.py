"""What every offline provider works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.ports import Clock, PriceBook
    from meetctl.stack.offline.ears import Ears
    from meetctl.stack.offline.faults import FaultPlan
    from meetctl.stack.offline.narrator import Narrator
    from meetctl.stack.offline.usage_meter import UsageMeter


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineServices:
    """Shared by all providers of one process."""

    clock: Clock
    book: PriceBook
    ears: Ears
    narrator: Narrator
    faults: FaultPlan
    meter: UsageMeter
