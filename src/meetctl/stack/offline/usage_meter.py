"""What each provider was asked for, so that a test can compare it with what the agent says it used."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meetctl.stack.offline.faults import Provider

SAMPLES_PER_S = 1_000_000
"""Sound is added up in whole microseconds."""


class UsageMeter:
    """Adds up, by provider and by what was asked; nothing is ever rounded away."""

    def __init__(self) -> None:
        self._counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)

    def add(self, provider: Provider, operation: str, **amounts: int) -> None:
        """Count amounts, such as `requests=1` or `prompt_tokens=1200`, of an operation."""
        self._counts[provider, operation].update(amounts)

    def add_sound(self, provider: Provider, operation: str, samples: int, rate_hz: int) -> None:
        """Count a piece of sound."""
        self._counts[provider, operation]["audio_us"] += round(samples * SAMPLES_PER_S / rate_hz)

    def document(self) -> dict[str, Any]:
        """Return all counts as GET /usage shows them: provider, operation, amount."""
        document: dict[str, dict[str, dict[str, float]]] = {}
        for (provider, operation), counts in sorted(self._counts.items()):
            amounts: dict[str, float] = {
                name: count for name, count in sorted(counts.items()) if name != "audio_us"
            }
            if "audio_us" in counts:
                amounts["audio_s"] = counts["audio_us"] / SAMPLES_PER_S
            document.setdefault(provider, {})[operation] = amounts
        return document
