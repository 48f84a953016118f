"""Values in layers: where each comes from, and what is missing or malformed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from meetctl.core.variables import VARIABLES
from meetctl.errors import UsageError

SourceKind = Literal["option", "environment", "file", "lk", "local stack", "default"]
"""What a value comes from; `lk` is the configuration of LiveKit's own tool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A value, and where it comes from."""

    value: str = field(repr=False)
    source: str
    """In words that follow "from"."""
    kind: SourceKind


class Layer(Protocol):
    """Values from one place."""

    def find(self, name: str) -> Found | None:
        """Return a variable's value; None where this place says nothing of it.

        Raises:
            UsageError: It says something that cannot be a value.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainLayer:
    """Values as they stand, by the names of their variables."""

    kind: SourceKind
    source: str
    """Where they come from, in words that follow "from"."""
    values: Mapping[str, str] = field(repr=False)

    def find(self, name: str) -> Found | None:
        """Return a variable's value; None where there is none."""
        value = self.values.get(name)
        return None if value is None else Found(value=value, source=self.source, kind=self.kind)


class Values:
    """Looks values up in layers, of which the strongest comes first. An empty value is none."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = tuple(layers)

    def find(self, name: str) -> Found | None:
        """Return a variable's value without surrounding blanks, and its source; None where it has none.

        Raises:
            UsageError: The strongest place that says something of it says what cannot be a value.
        """
        for layer in self._layers:
            if (found := layer.find(name)) and (value := found.value.strip()):
                return Found(value=value, source=found.source, kind=found.kind)
        return None

    def is_stronger(self, name: str, other: str) -> bool:
        """Tell whether a variable's value is of a stronger layer than the other's, which may have none."""
        return self._place(name) < self._place(other)

    def _place(self, name: str) -> int:
        places = (
            place
            for place, layer in enumerate(self._layers)
            if (found := layer.find(name)) and found.value.strip()
        )
        return next(places, len(self._layers))

    def get(self, name: str) -> str:
        """Return a variable's value; empty where it has none.

        Raises:
            UsageError: As `find` does.
        """
        found = self.find(name)
        return found.value if found else ""

    def find_good(self, name: str) -> Found | None:
        """Return a variable's value as `find` does, and only a well-formed one.

        Raises:
            UsageError: It is malformed.
        """
        found = self.find(name)
        if fault := _find_fault(name, found):
            raise UsageError(fault)
        return found


def check_variables(
    values: Values, required: Collection[str], names: Collection[str] = (), *, hint: str, where: str = ""
) -> None:
    """Check that required variables have values, and that those and `names` have good ones.

    `where` says in which circumstances they are required, in words that follow "not set".

    Raises:
        UsageError: All that is missing or malformed, together.
    """
    if problems := find_problems(values, required, names, where=where):
        raise UsageError("; ".join(problems), hint=hint)


def find_problems(
    values: Values, required: Collection[str], names: Collection[str] = (), *, where: str = ""
) -> list[str]:
    """Return what `check_variables` would refuse: first all that is missing, then what is malformed."""
    missing, malformed = [], []
    for name, variable in VARIABLES.items():
        if name not in required and name not in names:
            continue
        try:
            found = values.find(name)
        except UsageError as error:
            malformed.append(error.message)
            continue
        if found is None and name in required:
            missing.append(f"{variable.name} ({variable.purpose})")
        if fault := _find_fault(name, found):
            malformed.append(fault)
    if not missing:
        return malformed
    verb = "is" if len(missing) == 1 else "are"
    return [f"{', '.join(missing)} {verb} not set{where}", *malformed]


def _find_fault(name: str, found: Found | None) -> str | None:
    variable = VARIABLES[name]
    fault = variable.find_fault(found.value) if found else None
    return f"{name} ({variable.purpose}, from {found.source}) {fault}" if found and fault else None
