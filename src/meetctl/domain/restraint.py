"""What the agent may not do any more: how closely it looks at most, and whether it looks or speaks at all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeVar

from meetctl.domain.policy import DETAILS, EVERY_FRAME, Policy, parse_count, parse_number
from meetctl.errors import UsageError

_WORDS = "the words are detail=, fps=, window=, side=, vision=off, speech=off and leave"
_AUTO = "auto"
_USUAL = "high"
_CLOSENESS = tuple(detail for detail in DETAILS if detail != _AUTO)
"""Details from the one that costs least on."""

_Number = TypeVar("_Number", int, Fraction)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restraint:
    """An upper bound on what the agent does; what is None is left as it is."""

    detail: str | None = None
    fps: Fraction | None = None
    window: int | None = None
    side: int | None = None
    sees: bool = True
    """Whether it may look at all."""
    speaks: bool = True
    """Whether it may listen, think and speak: all that is spent on but looking."""
    stays: bool = True
    """Whether it may stay in the meeting."""

    @property
    def limits_vision(self) -> bool:
        """Whether anything of how it looks is bounded."""
        return not self.sees or any(
            bound is not None for bound in (self.detail, self.fps, self.window, self.side)
        )

    def join(self, other: Restraint) -> Restraint:
        """Return what both together leave."""
        return Restraint(
            detail=min(filter(None, (self.detail, other.detail)), key=_CLOSENESS.index, default=None),
            fps=_lower(self.fps, other.fps),
            window=_lower(self.window, other.window),
            side=_lower(self.side, other.side),
            sees=self.sees and other.sees,
            speaks=self.speaks and other.speaks,
            stays=self.stays and other.stays,
        )

    def hold(self, policy: Policy, details: Collection[str] = DETAILS) -> Policy:
        """Return a policy as far as it may be followed; nothing in it is ever raised.

        `details` are those that the models know; a bound that is none of them is left out.

        >>> careful = Restraint(detail="low", fps=Fraction(1, 5), window=1)
        >>> held = careful.hold(Policy(name="live", fps=Fraction(1, 10), window=5, detail="high"))
        >>> held.detail, held.fps, held.window
        ('low', Fraction(1, 10), 1)
        """
        detail = policy.detail
        if self.detail is not None and self.detail in details and _is_closer(detail, self.detail):
            detail = self.detail
        return replace(
            policy,
            detail=detail,
            fps=_lower(policy.fps, self.fps),
            window=policy.window if self.window is None else min(policy.window, self.window),
            side=_lower(policy.side, self.side),
        )


NO_RESTRAINT = Restraint()


def parse_restraint(text: str) -> Restraint:
    """Read words such as `detail=low fps=0.2`, `vision=off`, `speech=off` or `leave`.

    >>> parse_restraint("fps=0.2 window=1").window
    1

    Raises:
        UsageError: A word is unknown or stands there twice, its value does not fit, or there is none.
    """
    words = text.split()
    keys = [word.partition("=")[0] for word in words]
    if not words:
        raise UsageError("a step says nothing", hint=_WORDS)
    if len(set(keys)) < len(keys):
        raise UsageError(f"{text!r} says something twice")
    restraint = NO_RESTRAINT
    for word in words:
        restraint = _with_word(restraint, word)
    return restraint


def document_restraint(restraint: Restraint) -> dict[str, Any]:
    """Return a restraint in JSON's types: what is bounded, and what is off; empty where nothing is.

    >>> document_restraint(Restraint(fps=Fraction(1, 5), sees=False))
    {'fps': '1/5', 'vision': 'off'}
    """
    bounds = {
        "detail": restraint.detail,
        "fps": None if restraint.fps is None else str(restraint.fps),
        "window": restraint.window,
        "side": restraint.side,
        "vision": None if restraint.sees else "off",
        "speech": None if restraint.speaks else "off",
        "leave": None if restraint.stays else True,
    }
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _with_word(restraint: Restraint, word: str) -> Restraint:
    key, _, value = word.partition("=")
    match key, value:
        case "detail", _:
            if value not in _CLOSENESS:
                raise UsageError(f"detail {value!r} is not one of {', '.join(_CLOSENESS)}")
            return replace(restraint, detail=value)
        case "fps", _:
            if value == EVERY_FRAME:
                raise UsageError("fps=every-frame bounds nothing")
            return replace(restraint, fps=parse_number("fps", value))
        case "window", _:
            return replace(restraint, window=parse_count("window", value, least=0))
        case "side", _:
            return replace(restraint, side=parse_count("side", value, least=16))
        case "vision", "off":
            return replace(restraint, sees=False)
        case "speech", "off":
            return replace(restraint, speaks=False)
        case "leave", "" if word == "leave":
            return replace(restraint, stays=False)
    raise UsageError(f"{word!r} is not known", hint=_WORDS)


def _is_closer(detail: str, bound: str) -> bool:
    """Tell whether a detail costs more than a bound; "auto" is taken for what it mostly stands for."""
    return _CLOSENESS.index(_USUAL if detail == _AUTO else detail) > _CLOSENESS.index(bound)


def _lower(one: _Number | None, other: _Number | None) -> _Number | None:
    """Return the lower of two bounds; where one of them is none, the other."""
    return min((bound for bound in (one, other) if bound is not None), default=None)
