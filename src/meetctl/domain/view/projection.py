"""What a meeting would cost an hour if the agent looked by another policy."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from meetctl.domain.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class HourProjection:
    """An hour of a meeting that goes on as it did so far, but for the policy; in USD, None without a price.

    Images are counted per request, as the agent sends them: the last kept frames, and none of them again in
    the requests that follow.
    """

    policy: Policy
    requests: Fraction | None
    """Billed requests an hour; None before the first."""
    images_per_request: Fraction | None
    tokens_per_image: Fraction | None
    """None where no frame's size is known, or no rule counts it."""
    vision_usd: Decimal | None
    """What the images cost; zero where the offline provider answers."""
    vision_list_usd: Decimal | None
    """What they cost at the model's list price, whoever answers."""
    rest_usd: Decimal | None
    """What everything else costs: as much an hour as so far."""
    assumptions: tuple[str, ...]
    """What it takes for granted, in one clause each."""

    @property
    def usd(self) -> Decimal | None:
        """What the hour costs altogether."""
        return None if self.vision_usd is None or self.rest_usd is None else self.vision_usd + self.rest_usd
