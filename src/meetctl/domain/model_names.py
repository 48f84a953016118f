"""How a model is named: with or without its provider, with or without a snapshot's date."""

from __future__ import annotations

import re
from dataclasses import dataclass

OFFLINE = "offline"
"""The provider that answers on this machine and bills nothing."""

_SNAPSHOT_DATE = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|20\d{6})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """The parts of a model's name."""

    provider: str | None
    """What stands before the first slash, in lower case; None when nothing does."""
    name: str
    """The rest, in lower case, a snapshot's date included."""

    @property
    def is_offline(self) -> bool:
        """Whether the offline provider answers for it."""
        return OFFLINE in (self.provider, self.name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names to look the model up by, the most exact first: as it is, then without the date.

        >>> split_model("openai/gpt-4.1-2025-04-14").names
        ('gpt-4.1-2025-04-14', 'gpt-4.1')
        """
        return tuple(dict.fromkeys((self.name, _SNAPSHOT_DATE.sub("", self.name))))


def split_model(model: str) -> ModelName:
    """Split a model's name at the first slash.

    >>> split_model("Deepgram/nova-3")
    ModelName(provider='deepgram', name='nova-3')
    >>> split_model("gpt-4.1").provider is None
    True
    """
    provider, slash, name = model.strip().lower().partition("/")
    return ModelName(provider=provider, name=name) if slash else ModelName(provider=None, name=provider)


def strip_offline(model: str) -> str:
    """Return the model that an offline one stands in for.

    >>> strip_offline("offline/gpt-4.1"), strip_offline("gpt-4.1")
    ('gpt-4.1', 'gpt-4.1')
    """
    head, slash, rest = model.strip().partition("/")
    return rest if slash and head.lower() == OFFLINE else model.strip()
