"""What another agent's session uses: of the sums that it tells, what has come since the last ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meetctl.domain.session_cost import add_usd, billed_quantities, price_quantities

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal
    from fractions import Fraction

    from livekit.protocol.agent_pb.agent_session import AgentSessionUsage

    from meetctl.ports import Clock, PriceBook

_PROVIDERS = {"api.openai.com": "openai", "api.anthropic.com": "anthropic", "api.groq.com": "groq"}
"""livekit-agents calls providers with OpenAI's protocol by the host of their address."""

_KINDS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "llm": (
        "llm.request",
        {
            "input_tokens": "input_tokens",
            "input_cached_tokens": "cached_input_tokens",
            "output_tokens": "output_tokens",
            "input_image_tokens": "image_tokens",
        },
    ),
    "stt": ("stt.usage", {"audio_duration": "audio_s"}),
    "tts": ("tts.usage", {"characters_count": "characters", "audio_duration": "audio_s"}),
}
"""The event of each kind of use, and what its fields are called there."""


class UsageGrowth:
    """What is used, as events' types and fields, priced at the prices of the moment at which it is told."""

    def __init__(self, book: PriceBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock
        self._told: dict[tuple[str, str, str], dict[str, float]] = {}

    def grow(self, usage: AgentSessionUsage) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield what has been used since the last sums.

        All of it is estimated: several requests may be told as one, and what else is billed, such as for
        requests that were cancelled, is not told.
        """
        for one in usage.model_usage:
            use = one.WhichOneof("usage")
            if use not in _KINDS:
                continue
            kind, names = _KINDS[use]
            sums = getattr(one, use)
            provider = _PROVIDERS.get(sums.provider.lower(), sums.provider.lower()) or "unknown"
            model = sums.model or "unknown"
            before = self._told.setdefault((use, provider, model), {})
            grown: dict[str, Any] = {}
            for theirs, ours in names.items():
                now = getattr(sums, theirs)
                grown[ours] = round(max(0, now - before.get(ours, 0)), 3)
                before[ours] = now
            if any(grown.values()):
                yield kind, self._price(kind, provider, model, grown)

    def _price(self, kind: str, provider: str, model: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        at = self._clock.now()

        def price(quantities: Mapping[str, Fraction]) -> dict[str, Decimal | None]:
            return price_quantities(
                provider, quantities, lambda unit: self._book.price(f"{provider}/{model}", unit, at)
            )

        amounts = price(billed_quantities(kind, fields))
        priced: dict[str, Any] = {
            **fields,
            "provider": provider,
            "model": model,
            "basis": "estimated",
            "usd": _text(add_usd(amounts.values())),
            "usd_by_unit": {unit: _text(usd) for unit, usd in amounts.items()},
        }
        if fields.get("image_tokens"):
            images = billed_quantities("llm.request", {"input_tokens": fields["image_tokens"]})
            priced["image_usd"] = _text(add_usd(price(images).values()))
        return priced


def _text(usd: Decimal | None) -> str | None:
    return None if usd is None else f"{usd:f}"
