"""Dated rules that turn an image's size into the tokens it is billed as."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Literal, get_args

from meetctl.domain.image_sizing import Sizing
from meetctl.domain.model_names import split_model
from meetctl.domain.pricing import in_period
from meetctl.errors import UsageError

RuleKind = Literal["tile", "patch", "claude28", "gemini3", "gemini2", "flat"]
RULE_KINDS: tuple[RuleKind, ...] = get_args(RuleKind)

AUTO = "auto"
"""The detail that leaves the choice to the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRule:
    """How a family of models counted images in a period."""

    id: str
    """Family and date of the page that says so, such as "openai-tile/2026-02-26"."""
    kind: RuleKind
    provider: str
    """Who documents the rule, in lower case."""
    models: tuple[str, ...]
    """Regular expressions that match a whole model name in lower case, without its provider."""
    auto: str
    """The detail that "auto" is the same as."""
    details: tuple[tuple[str, Sizing], ...]
    """How images are counted at each detail that the models know."""
    effective_from: date | None = None
    """First day of the rule (UTC); None when that is not known."""
    effective_to: date | None = None
    """First day on which it no longer held (UTC); None while it holds."""
    source: str
    checked: date | None = None
    """The day on which somebody last compared the rule with its source."""
    origin: str
    """Which layer of the price book it is from: "bundled" or a file's path."""
    note: str = ""
    """What is not certain about the rule."""

    def holds_at(self, at: datetime) -> bool:
        """Tell whether the rule was in force at `at` (an aware time)."""
        return in_period(at, self.effective_from, self.effective_to)

    def covers(self, name: str) -> bool:
        """Tell whether the rule is for the model `name`, given in lower case without its provider."""
        return any(re.fullmatch(pattern, name) for pattern in self.models)


def rule_in_force(rules: Iterable[ImageRule], model: str, at: datetime) -> ImageRule | None:
    """Return the rule for `model` at `at`; None if no rule covers it then.

    A provider before the name and a snapshot's date after it may be there or not. The full name goes
    before the name without its date; of several rules the one that began last is taken.
    """
    holding = [rule for rule in rules if rule.holds_at(at)]
    for name in split_model(model.rpartition("/")[2]).names:
        covering = [rule for rule in holding if rule.covers(name)]
        if covering:
            return max(covering, key=lambda rule: rule.effective_from or date.min)
    return None


def resolve_detail(rule: ImageRule, detail: str) -> str:
    """Return the detail that a request with `detail` gets: "auto" becomes what the rule says.

    Raises:
        UsageError: The rule's models do not know the detail; the message lists those they know.
    """
    resolved = rule.auto if detail == AUTO else detail
    allowed = [name for name, _ in rule.details]
    if resolved not in allowed:
        raise UsageError(
            f"detail {detail!r} is not one that rule {rule.id} knows",
            hint=f"use one of {', '.join([AUTO, *allowed])}, or another model",
        )
    return resolved


def image_tokens(rule: ImageRule, width: int, height: int, detail: str) -> int:
    """Return the tokens that one image of `width` x `height` pixels is billed as.

    >>> from meetctl.domain.image_sizing import FixedTokens, Tiles
    >>> rule = ImageRule(
    ...     id="example/2026-02-26",
    ...     kind="tile",
    ...     provider="openai",
    ...     models=("gpt-4o",),
    ...     auto="high",
    ...     details=(("low", FixedTokens(tokens=85)), ("high", Tiles(base=85, tile=170))),
    ...     source="example",
    ...     origin="bundled",
    ... )
    >>> image_tokens(rule, 1280, 720, "auto"), image_tokens(rule, 1280, 720, "low")
    (1105, 85)

    Raises:
        UsageError: A side is below one pixel, the models do not know the detail, or refuse the size.
    """
    if width < 1 or height < 1:
        raise UsageError(f"an image of {width}x{height} pixels has no content")
    return dict(rule.details)[resolve_detail(rule, detail)].count((width, height))


def sent_size(width: int, height: int, side: int | None) -> tuple[int, int]:
    """Return the size in which a frame is sent: its longest side at most `side`, never enlarged.

    The aspect is kept; sides are cut to whole pixels, as livekit-agents does, and are at least 1.

    >>> sent_size(1920, 1080, 1024), sent_size(640, 360, 1280), sent_size(1366, 768, 1024)
    ((1024, 576), (640, 360), (1024, 575))
    """
    if side is None or max(width, height) <= side:
        return width, height
    scale = Fraction(side, max(width, height))
    return max(1, int(width * scale)), max(1, int(height * scale))
