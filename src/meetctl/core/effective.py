"""What the configuration comes to: each value with its source, and everything that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

from meetctl.core.config import KEY_VARIABLES, STANDARD_VOICE, find_offer, find_required
from meetctl.core.redaction import Redactor
from meetctl.core.settings import Speaker
from meetctl.core.sources import LIVEKIT_VARIABLES
from meetctl.core.values import find_malformed, find_missing
from meetctl.core.variables import VARIABLES, Variable
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from meetctl.core.config_files import ConfigFiles
    from meetctl.core.offers import Offer
    from meetctl.core.sources import Sources
    from meetctl.core.values import SourceKind

SECRET = "[secret]"
"""What stands in a secret's place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveValue:
    """What one variable comes to."""

    variable: Variable
    value: str | None = field(default=None, repr=False)
    """None where it has none, or one that cannot be."""
    kind: SourceKind | None = None
    source: str = ""
    """In words that follow "from"."""
    problem: str | None = None

    @property
    def shown(self) -> str | None:
        """The value as it may be shown: nothing of a secret."""
        if self.value is None:
            return None
        return SECRET if self.variable.is_secret else Redactor().redact(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with the configuration."""

    kind: Literal["file", "missing", "malformed", "server"]
    message: str
    variable: str | None = None
    """The variable that is missing."""


def list_values(sources: Sources, defaults: Mapping[str, str]) -> tuple[EffectiveValue, ...]:
    """Return every variable with what it comes to; `defaults` are the options' own, by their variables."""
    try:
        offer = find_offer(sources)
    except UsageError:
        # One of the problems; the values themselves can be shown all the same.
        offer = None
    return tuple(_find_value(variable, sources, offer, defaults) for variable in VARIABLES.values())


def _find_value(
    variable: Variable, sources: Sources, offer: Offer | None, defaults: Mapping[str, str]
) -> EffectiveValue:
    if offer is not None and variable.name in LIVEKIT_VARIABLES:
        values = (offer.access.url, offer.access.api_key, offer.access.api_secret)
        value = dict(zip(LIVEKIT_VARIABLES, values, strict=True))[variable.name]
        return EffectiveValue(variable=variable, value=value, kind=offer.kind, source=offer.source)
    try:
        found = sources.values.find_good(variable.name)
    except UsageError as error:
        return EffectiveValue(variable=variable, problem=error.message)
    if found is not None:
        return EffectiveValue(variable=variable, value=found.value, kind=found.kind, source=found.source)
    if variable.name in KEY_VARIABLES.values() and sources.offline_url:
        return EffectiveValue(variable=variable, source="no key: offline, $0")
    default = defaults.get(variable.name)
    if default is None:
        return EffectiveValue(variable=variable)
    return EffectiveValue(variable=variable, value=default, kind="default", source="default")


def find_all_problems(files: ConfigFiles, sources: Sources) -> list[Problem]:
    """Return everything that an agent with this configuration would be refused for."""
    problems = [Problem(kind="file", message=message) for message in files.find_problems()]
    malformed = find_malformed(sources.values, VARIABLES)
    problems += [Problem(kind="malformed", message=message) for message in malformed]
    try:
        required = find_required(sources, _find_voice(sources))
    except UsageError as error:
        if error.message not in malformed:
            problems.append(Problem(kind="server", message=error.message))
        return problems
    for variable in find_missing(sources.values, required):
        message = f"{variable.name} ({variable.purpose}) is not set{sources.where_required}"
        problems.append(Problem(kind="missing", message=message, variable=variable.name))
    return problems


def _find_voice(sources: Sources) -> Speaker:
    try:
        found = sources.values.find_good("MEETCTL_VOICE")
    except UsageError:
        return STANDARD_VOICE
    return cast("Speaker", found.value.lower()) if found else STANDARD_VOICE
