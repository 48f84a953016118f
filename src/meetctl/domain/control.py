"""Control messages: the operations that steer a running agent, and what each may be told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from meetctl.domain.budget import parse_limit
from meetctl.domain.policy import Policy, parse_number, policy_from_fields
from meetctl.errors import UsageError

CONTROL_TOPIC = "meetctl.control"
"""The topic that control messages arrive on, and the audience of their tokens."""

EVENTS_TOPIC = "meetctl.events"
"""The topic on which observers are sent events."""

ACKNOWLEDGED = "meetctl.control.last"
"""The agent's attribute that says what became of the last messages."""

OBSERVER_LEASE_S = 60.0
"""How long an announced observer is sent events before it must be announced again."""

MUTABLE = ("ears", "eyes", "voice")
"""What of the agent can be muted."""

LONGEST_TEXT = 2_000
"""How many characters the agent can be given to say, or be asked, at once."""

_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "policy": ("fps", "detail", "window", "side"),
    "mute": ("what",),
    "unmute": ("what",),
    "say": ("text",),
    "ask": ("text",),
    "leave": (),
    "record": ("mode",),
    "budget": ("meeting_usd", "day_usd"),
    "announce": ("identity", "history"),
    "goodbye": ("identity",),
}
OPERATIONS = tuple(_ARGUMENTS)
"""What an agent can be told to do."""

_RECORDINGS = ("off", "sampled", "full")
_LONGEST_VALUE = 32
_LONGEST_ERROR = 200
_OBSERVER = re.compile(r"observer-[A-Za-z0-9_-]{16,64}")
_UNCHANGED = Policy(name="control", fps=Fraction(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What became of one control message."""

    jti: str
    """The id in the message's token."""
    error: str | None = None
    """Why it was refused or failed; None where it was done."""


def check_arguments(op: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return an operation's arguments, checked, and with texts for numbers that must stay exact.

    >>> check_arguments("policy", {"fps": 0.5, "window": 3})
    {'fps': '0.5', 'window': 3}
    >>> check_arguments("mute", {"what": "eyes"})
    {'what': 'eyes'}

    Raises:
        UsageError: There is no such operation, or its arguments do not fit; no text to say is quoted.
    """
    names = _ARGUMENTS.get(op)
    if names is None:
        raise UsageError("there is no such operation", hint=f"the operations are {', '.join(OPERATIONS)}")
    if not set(args) <= set(names):
        raise UsageError(f"{op} takes {'only ' + ', '.join(names) if names else 'no arguments'}")
    match op:
        case "policy":
            return _check_policy(args)
        case "mute" | "unmute":
            if args.get("what") not in MUTABLE:
                raise UsageError(f"{op} needs what: one of {', '.join(MUTABLE)}")
            return {"what": args["what"]}
        case "say" | "ask":
            return {"text": _check_text(op, args.get("text"))}
        case "record":
            return {"mode": _check_recording(args.get("mode"))}
        case "budget":
            return _check_budget(args)
        case "announce" | "goodbye":
            return _check_observer(op, args)
    return {}


def change_policy(args: Mapping[str, Any], base: Policy) -> Policy:
    """Return the policy after the operation `policy` with these arguments.

    >>> change_policy({"fps": "1/2", "side": None}, Policy(name="1 fps", fps=Fraction(1), side=512)).side

    Raises:
        UsageError: A value does not fit.
    """
    fields = {key: "own" if key == "side" and value is None else str(value) for key, value in args.items()}
    return policy_from_fields(base.name, fields, base)


def describe_arguments(op: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments as the journal has them: how long a text is, not what it says.

    >>> describe_arguments("say", {"text": "Hello"})
    {'characters': 5}
    """
    return {"characters": len(args["text"])} if op in ("say", "ask") else dict(args)


def format_acknowledgements(acknowledgements: Iterable[Acknowledgement]) -> str:
    """Return the text of the agent's attribute, oldest first.

    >>> format_acknowledgements([Acknowledgement(jti="a1"), Acknowledgement(jti="b2", error="muted already")])
    '[{"jti":"a1","ok":true},{"jti":"b2","ok":false,"error":"muted already"}]'
    """
    documents: list[dict[str, object]] = []
    for one in acknowledgements:
        document: dict[str, object] = {"jti": one.jti, "ok": one.error is None}
        if one.error is not None:
            document["error"] = one.error[:_LONGEST_ERROR]
        documents.append(document)
    return json.dumps(documents, separators=(",", ":"), ensure_ascii=False)


def find_acknowledgement(text: str, jti: str) -> Acknowledgement | None:
    """Return what the agent's attribute says of a message; None while it says nothing.

    >>> find_acknowledgement('[{"jti":"a1","ok":true}]', "a1")
    Acknowledgement(jti='a1', error=None)
    """
    try:
        documents = json.loads(text)
    except ValueError:
        return None
    for document in documents if isinstance(documents, list) else ():
        if isinstance(document, dict) and document.get("jti") == jti:
            error = None if document.get("ok") is True else str(document.get("error", "it does not say why"))
            return Acknowledgement(jti=jti, error=error)
    return None


def _check_policy(args: Mapping[str, Any]) -> dict[str, Any]:
    if not args:
        raise UsageError("policy needs one of fps, detail, window, side")
    for key, value in args.items():
        is_value = isinstance(value, str | int | float) and not isinstance(value, bool)
        if not (is_value or (key == "side" and value is None)) or len(str(value)) > _LONGEST_VALUE:
            raise UsageError(f"policy's {key} is neither a number nor a short text")
    change_policy(args, _UNCHANGED)
    checked = dict(args)
    if "fps" in checked:
        checked["fps"] = str(checked["fps"])
    return checked


def _check_text(op: str, text: object) -> str:
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
        raise UsageError(f"{op} needs text: 1 to {LONGEST_TEXT} characters")
    return text.strip()


def _check_recording(mode: object) -> str:
    text = str(mode) if isinstance(mode, str | int | float) and not isinstance(mode, bool) else ""
    if text in _RECORDINGS:
        return text
    if not text or len(text) > _LONGEST_VALUE or parse_number("record's mode", text) == 0:
        raise UsageError("record needs mode: off, sampled, full or a number of frames a second")
    return text


def is_observer(identity: str) -> bool:
    """Tell whether an identity is an observer's, which nobody else has by accident."""
    return _OBSERVER.fullmatch(identity) is not None


def _check_budget(args: Mapping[str, Any]) -> dict[str, Any]:
    if not args:
        raise UsageError("budget needs one of meeting_usd, day_usd")
    for key, value in args.items():
        is_value = isinstance(value, str | int | float) and not isinstance(value, bool)
        if value is not None and not is_value:
            raise UsageError(f"budget's {key} is neither an amount nor null")
    return {key: None if value is None else f"{parse_limit(str(value)):f}" for key, value in args.items()}


def _check_observer(op: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Take only identities that nobody else has by accident: who joins under one reads the meeting."""
    identity, history = args.get("identity"), args.get("history", False)
    if not isinstance(identity, str) or not is_observer(identity):
        raise UsageError(
            f"{op} needs identity: observer- and 16 to 64 random letters, digits, - or _",
            hint="a new one for each connection, so that nobody can join under an observer's identity later",
        )
    if not isinstance(history, bool):
        raise UsageError(f"{op}'s history is neither true nor false")
    return {"identity": identity, **({"history": history} if op == "announce" else {})}
