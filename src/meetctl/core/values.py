"""Values in layers: where each comes from, and what is missing or malformed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from meetctl.core.variables import VARIABLES, Variable
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

    def has(self, name: str) -> bool:
        """Tell whether a variable has a value, be it one that cannot be."""
        try:
            return self.find(name) is not None
        except UsageError:
            return True

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
    problems = find_malformed(values, {*required, *names})
    if missing := find_missing(values, required):
        verb = "is" if len(missing) == 1 else "are"
        named = ", ".join(f"{variable.name} ({variable.purpose})" for variable in missing)
        problems.insert(0, f"{named} {verb} not set{where}")
    if problems:
        raise UsageError("; ".join(problems), hint=hint)


def find_missing(values: Values, required: Collection[str]) -> list[Variable]:
    """Return the required variables that no layer says anything of."""
    return [variable for name, variable in VARIABLES.items() if name in required and not values.has(name)]


def find_malformed(values: Values, names: Collection[str]) -> list[str]:
    """Return what is wrong with the values of these variables, in the order of the catalogue."""
    problems = []
    for name in VARIABLES:
        if name in names:
            try:
                values.find_good(name)
            except UsageError as error:
                problems.append(error.message)
    return problems


def _find_fault(name: str, found: Found | None) -> str | None:
    variable = VARIABLES[name]
    fault = variable.find_fault(found.value) if found else None
    return f"{name} ({variable.purpose}, from {found.source}) {fault}" if found and fault else None
