"""What can be wrong with a variable's value, in words that follow its name.

A fault shows the value only where it cannot be a secret.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from meetctl.errors import MeetctlError

FindFault = Callable[[str], str | None]
"""Says what is wrong with a value; None where nothing is."""

_FLAGS = ("1", "0", "true", "false", "yes", "no", "on", "off", "t", "f", "y", "n")
"""What the command line takes for a flag, in any case."""


def accept_any(_: str) -> str | None:
    """Find nothing wrong: any text will do."""
    return None


def address(*schemes: str) -> FindFault:
    """Return what finds the fault of an address that must begin with one of these schemes.

    >>> address("ws", "wss")("http://127.0.0.1")
    "is 'http://127.0.0.1', which does not begin with ws:// or wss://"
    """

    def find_fault(text: str) -> str | None:
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            return "is no address"
        # What may be a password is not shown, so these come before the faults that show the value.
        if "@" in text:
            return "holds a user or a password, which do not belong there"
        if parts.query or parts.fragment:
            return "holds more than an address: leave out what begins with ? or #"
        if parts.scheme not in schemes or "://" not in text:
            begins = " or ".join(f"{scheme}://" for scheme in schemes)
            return f"is {text!r}, which does not begin with {begins}"
        if not parts.hostname or port == 0 or any(character.isspace() for character in text):
            return f"is {text!r}, which names no host"
        return None

    return find_fault


def key(text: str) -> str | None:
    """Find what no provider's key can hold; the key is not shown."""
    if not (text.isascii() and text.isprintable()) or " " in text:
        return "holds a blank or another character that no key has"
    return None


def choice(choices: Sequence[str]) -> FindFault:
    """Return what finds the fault of a value that must be one of these, in any case.

    >>> choice(("auto", "json"))("xml")
    "is 'xml', which is none of auto, json"
    """

    def find_fault(text: str) -> str | None:
        return None if text.lower() in choices else f"is {text!r}, which is none of {', '.join(choices)}"

    return find_fault


flag: FindFault = choice(_FLAGS)
"""Finds the fault of what should be yes or no."""


def number(*, least: float = 0, most: float = math.inf) -> FindFault:
    """Return what finds the fault of a number.

    >>> number()("-1")
    "is '-1', which is no number from 0 on"
    """
    return _numeric(float, "number", least, most)


def whole_number(*, least: int = 0, most: float = math.inf) -> FindFault:
    """Return what finds the fault of a whole number.

    >>> whole_number(least=1, most=9)("2.5")
    "is '2.5', which is no whole number from 1 to 9"
    """
    return _numeric(int, "whole number", least, most)


def _numeric(read: Callable[[str], float], name: str, least: float, most: float) -> FindFault:
    wanted = f"{name} from {least} " + (f"to {most}" if most < math.inf else "on")

    def find_fault(text: str) -> str | None:
        try:
            is_good = least <= read(text) <= most and math.isfinite(read(text))
        except (ValueError, OverflowError):
            is_good = False
        return None if is_good else f"is {text!r}, which is no {wanted}"

    return find_fault


def parsed_by(parse: Callable[[str], object]) -> FindFault:
    """Return what finds the fault that `parse` raises a MeetctlError for."""

    def find_fault(text: str) -> str | None:
        try:
            parse(text)
        except MeetctlError as error:
            return f"is wrong: {error.message}"
        return None

    return find_fault
