"""Where everything is looked for: layers of values, the local stack, and lk's own configuration."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meetctl.core.settings import Environment
from meetctl.core.values import Layer, PlainLayer, Values, check_variables, find_missing

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.core.local_stack import LiveKitAccess, StackState

OFFLINE_VARIABLE = "MEETCTL_OFFLINE_URL"
"""The variable that says where offline providers are, other than those of the local stack."""

KEY_VARIABLES = {
    "openai": "OPENAI_API_KEY",
    "deepgram": "DEEPGRAM_API_KEY",
    "cartesia": "CARTESIA_API_KEY",
    "rime": "RIME_API_KEY",
}
"""The variable that holds each provider's key."""

LIVEKIT_VARIABLES = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
_LOCAL = (*LIVEKIT_VARIABLES, *KEY_VARIABLES.values())
"""What the local stack makes unnecessary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where everything is looked for."""

    values: Values
    environment: Environment = "development"
    stack: StackState | None = None
    """The local stack that runs; production never uses it."""
    lk_file: Path | None = None
    """Where lk's own configuration is, which may not exist; None for not to look."""

    @property
    def local_livekit(self) -> LiveKitAccess | None:
        """The local stack's LiveKit server, where it may be used."""
        return self.stack.livekit if self.stack and self.environment == "development" else None

    @property
    def offline_url(self) -> str | None:
        """Where offline providers are, where they may be used."""
        if self.environment == "production":
            return None
        return self.values.get(OFFLINE_VARIABLE) or (self.stack.offline_url if self.stack else None)

    @property
    def has_backend(self) -> bool:
        """Whether a backend is named."""
        return bool(self.values.get("API_BASE_URL"))

    def check(self, required: Collection[str], names: Collection[str] = ()) -> None:
        """Check that required variables are set, and that those and `names` are well-formed.

        Raises:
            UsageError: All that is missing or malformed, together.
        """
        check_variables(self.values, required, names, hint=self.hint(required), where=self.where_required)

    @property
    def where_required(self) -> str:
        """In which circumstances something is required, in words that follow "not set"."""
        return " (required in production)" if self.environment == "production" else ""

    def hint(self, required: Collection[str]) -> str:
        """Say how required variables that are missing are set, and what makes some unnecessary."""
        hint = "set variables in the environment or their keys in meetctl.toml, LIVEKIT_URL by --url too"
        missing = {variable.name for variable in find_missing(self.values, required)}
        if self.environment == "development" and not missing.isdisjoint(_LOCAL):
            hint = f"run `meetctl up` for a LiveKit server and offline providers on this machine; {hint}"
        return hint


def read_values(
    environment: Mapping[str, str], *, url: str | None = None, files: Sequence[Layer] = ()
) -> Values:
    """Return the layers of values: the option `--url` where it is given, the environment, and the files'."""
    option = [PlainLayer(kind="option", source="--url", values={"LIVEKIT_URL": url})] if url else []
    return Values(
        [*option, PlainLayer(kind="environment", source="the environment", values=environment), *files]
    )
