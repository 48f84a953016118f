"""The providers of one use, in the order in which they are asked, each when those before it fail."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from livekit.agents import llm, stt, tts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from meetctl.core.config import ProviderAccess

logger = logging.getLogger(__name__)

ModelT = TypeVar("ModelT", stt.STT[Any], llm.LLM[Any], tts.TTS[Any])

Use = Literal["llm", "stt", "tts"]
"""What a provider is used for: to think, to hear, to speak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderChange:
    """A provider has failed and is passed over from now on, or it can be used again."""

    use: Use
    provider: ProviderAccess
    is_available: bool
    instead: ProviderAccess | None
    """Who is asked first from now on, where that is another one; None where there is no other."""

    @property
    def kind(self) -> str:
        """The type of the event that tells it."""
        return "provider.recovered" if self.is_available else "provider.degraded"

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of that event."""
        return {
            "use": self.use,
            "provider": self.provider.billed_as,
            "model": self.provider.model,
            "instead": self.instead and {"provider": self.instead.billed_as, "model": self.instead.model},
        }


class Providers(Generic[ModelT]):
    """All that can serve one use, and those of them that do, in their order."""

    def __init__(
        self,
        use: Use,
        models: Mapping[ProviderAccess, ModelT],
        join: Callable[[list[ModelT]], ModelT],
        order: Sequence[ProviderAccess] = (),
    ) -> None:
        """Serve the use with these models; `order` takes some of them, otherwise all are taken.

        `join` makes one model of several, of which each is asked when those before it fail.
        """
        self._use: Use = use
        self._models: Mapping[ProviderAccess, ModelT] = models
        self._join: Callable[[list[ModelT]], ModelT] = join
        self._joined: ModelT | None = None
        self.order = tuple(order or models)
        """Who is asked, the first one first."""

    @property
    def members(self) -> list[tuple[ProviderAccess, ModelT]]:
        """The models in their order, each with whose it is."""
        return [(access, self._models[access]) for access in self.order]

    @property
    def has_fallback(self) -> bool:
        """Whether anybody is asked when the first one fails."""
        return len(self.order) > 1

    @property
    def model(self) -> ModelT:
        """What the session uses: the only model, or all of them as one."""
        if self._joined is None:
            models = [model for _, model in self.members]
            self._joined = self._join(models) if self.has_fallback else models[0]
        return self._joined

    @property
    def answering(self) -> ProviderAccess:
        """Who has served the last request, as soon as the first piece of its answer is there."""
        if not self.has_fallback:
            return self.order[0]
        name = self.model.metrics_metadata.get("model_name")
        return next((access for access, model in self.members if model.model == name), self.order[0])

    def choose(self, order: Sequence[ProviderAccess]) -> Providers[ModelT]:
        """Return the same use, served by these of the providers that there are."""
        return Providers(self._use, self._models, self._join, order)

    def follow(self, on_change: Callable[[ProviderChange], None]) -> None:
        """Tell `on_change` whenever a provider is passed over or can be used again.

        A single provider is never passed over.
        """
        if not self.has_fallback:
            return
        failed: set[ProviderAccess] = set()

        def change(event: Any) -> None:
            changed: object = getattr(event, self._use)
            provider = next((access for access, model in self.members if model is changed), None)
            if provider is None:
                return
            (failed.discard if event.available else failed.add)(provider)
            first = next((access for access in self.order if access not in failed), None)
            on_change(
                ProviderChange(
                    use=self._use,
                    provider=provider,
                    is_available=event.available,
                    instead=None if first == provider else first,
                )
            )

        self.model.on(f"{self._use}_availability_changed", change)

    async def close(self) -> None:
        """Let all connections go, and stop trying whether those that have failed can be used again."""
        models = [*([self.model] if self.has_fallback else []), *self._models.values()]
        for model in models:
            try:
                await model.aclose()
            except Exception as error:  # noqa: BLE001  whatever a vendor's goes wrong with, the others are closed
                # Its text may quote what people said.
                logger.warning("%s was not closed: %s", model.label, type(error).__name__)
