"""What decides which frames are kept and sent: rate, window, detail, size and change gate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from meetctl.errors import UsageError

DETAILS = ("auto", "low", "medium", "high", "ultra_high", "original")
"""How closely a model is asked to look; which of them a model knows, its image rule says."""

EVERY_FRAME = "every-frame"
"""The rate that keeps all frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One way to keep and send frames."""

    name: str
    fps: Fraction | None
    """Frames kept a second; 0 keeps none, None keeps every frame."""
    window: int = 5
    """How many of the last kept frames are attached to a request."""
    detail: str = "high"
    model: str = "gpt-4.1"
    side: int | None = None
    """Longest side of a sent image in pixels; None sends a frame in its own size."""
    gate: Fraction | None = None
    """Keep a sampled frame only if more than this percentage of the picture changed."""


def parse_rate(text: str) -> Fraction | None:
    """Read a frame rate: a decimal, a fraction such as 30000/1001, or `every-frame`.

    >>> parse_rate("0.5"), parse_rate("every-frame")
    (Fraction(1, 2), None)

    Raises:
        UsageError: It is none of these, or negative.
    """
    if text.strip() == EVERY_FRAME:
        return None
    return parse_number("fps", text)


def name_rate(fps: Fraction | None) -> str:
    """Return a rate as people write it.

    >>> name_rate(Fraction(1, 2)), name_rate(Fraction(30)), name_rate(None)
    ('0.5 fps', '30 fps', 'every frame')
    """
    return "every frame" if fps is None else f"{float(fps):.4g} fps"


def parse_policy(text: str, base: Policy) -> Policy:
    """Read `NAME: key=value …`; what it does not say is as in `base`.

    >>> base = Policy(name="", fps=Fraction(1))
    >>> policy = parse_policy("gated: fps=2 gate=4 detail=low side=1024", base)
    >>> policy.name, policy.fps, policy.gate, policy.side
    ('gated', Fraction(2, 1), Fraction(4, 1), 1024)

    Raises:
        UsageError: A key is unknown or given twice, or its value does not fit.
    """
    name, colon, rest = text.partition(":")
    if not colon or not name.strip():
        raise UsageError(
            f"--policy {text!r} has no name",
            hint="write it as 'NAME: fps=1 detail=low', with the keys fps, window, detail, side, gate, model",
        )
    fields: dict[str, str] = {}
    for word in rest.split():
        key, equals, value = word.partition("=")
        if not equals or not value:
            raise UsageError(f"--policy {name.strip()!r}: {word!r} is not key=value")
        if key in fields:
            raise UsageError(f"--policy {name.strip()!r}: {key} is given twice")
        fields[key] = value
    return policy_from_fields(name.strip(), fields, base)


def policy_from_fields(name: str, fields: dict[str, str], base: Policy) -> Policy:
    """Make a policy from texts by key, as an option or a TOML table gives them.

    Raises:
        UsageError: A key is unknown, or its value does not fit.
    """
    policy = replace(base, name=name)
    for key, value in fields.items():
        try:
            policy = _with_field(policy, key, value)
        except UsageError as error:
            raise UsageError(f"policy {name!r}: {error.message}", hint=error.hint) from None
    return policy


def _with_field(policy: Policy, key: str, value: str) -> Policy:
    match key:
        case "fps":
            return replace(policy, fps=parse_rate(value))
        case "window":
            return replace(policy, window=parse_count(key, value, least=0))
        case "side":
            return replace(policy, side=None if value == "own" else parse_count(key, value, least=16))
        case "gate":
            return replace(policy, gate=None if value == "off" else parse_number(key, value))
        case "detail":
            return replace(policy, detail=parse_detail(value))
        case "model":
            return replace(policy, model=value)
    raise UsageError(f"{key!r} is not a key", hint="the keys are fps, window, detail, side, gate and model")


def parse_detail(value: str) -> str:
    """Check that `value` is a detail.

    Raises:
        UsageError: It is not.
    """
    if value not in DETAILS:
        raise UsageError(f"detail {value!r} is not one of {', '.join(DETAILS)}")
    return value


def parse_count(key: str, value: str, *, least: int) -> int:
    """Read a whole number of at least `least`; `key` names it in the error.

    Raises:
        UsageError: It is none.
    """
    if not value.isascii() or not value.isdigit() or int(value) < least:
        raise UsageError(f"{key} {value!r} is not a whole number from {least} on")
    return int(value)


def parse_number(key: str, value: str) -> Fraction:
    """Read a decimal or a fraction of at least 0 exactly; `key` names it in the error.

    Exponents are refused unread, because they hide huge numbers.

    Raises:
        UsageError: It is none.
    """
    try:
        number = Fraction(-1) if "e" in value.lower() else Fraction(value.strip())
    except (ValueError, ZeroDivisionError):
        number = Fraction(-1)
    if number < 0:
        raise UsageError(
            f"{key} {value!r} is not a number of at least 0",
            hint="0.5, 1, 30000/1001 and every-frame are rates" if key == "fps" else None,
        )
    return number
