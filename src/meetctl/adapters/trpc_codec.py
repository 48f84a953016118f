"""The words of tRPC 11 over HTTP: how inputs are written, and what an answer says.

Pure: bytes in, values out. Either transformer is read, whichever is written: an object of nothing but `json`
and `meta` is superjson's, everything else is plain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from meetctl.adapters.superjson import SuperjsonError, deserialize, serialize, to_plain

Transformer = Literal["superjson", "plain"]

_SUPERJSON_KEYS = frozenset({"json", "meta"})
_CODE = re.compile(r"[A-Z][A-Z_]{0,39}")


class TrpcFormatError(ValueError):
    """An answer that is not in tRPC's form; the message says what is wrong and quotes nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrpcData:
    """What a procedure returned; None for nothing."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TrpcFailure:
    """What a procedure failed with."""

    code: str
    """tRPC's word for it, such as "NOT_FOUND"; "UNKNOWN" where it says none."""
    http_status: int | None
    path: str | None
    """The procedure."""
    message: str
    """The server's own words: they may quote data, so they go into no log and no error."""


TrpcAnswer = TrpcData | TrpcFailure


def write_input(value: Any, transformer: Transformer) -> Any:
    """Return a procedure's input as the transformer writes it.

    Raises:
        TypeError: It holds something that JSON has no form for.
    """
    return serialize(value) if transformer == "superjson" else to_plain(value)


def write_query(value: Any, transformer: Transformer) -> str:
    """Return the query string of a query's address."""
    return "input=" + quote(_dump(write_input(value, transformer)), safe="")


def write_body(value: Any, transformer: Transformer) -> bytes:
    """Return a mutation's body."""
    return _dump(write_input(value, transformer))


def write_batch_query(values: Sequence[Any], transformer: Transformer) -> str:
    """Return the query string for several queries at once; their names stand in the path, between commas."""
    return "batch=1&input=" + quote(_dump(_number(values, transformer)), safe="")


def write_batch_body(values: Sequence[Any], transformer: Transformer) -> bytes:
    """Return the body of several mutations at once; the address ends in `?batch=1`."""
    return _dump(_number(values, transformer))


def read_answer(content: bytes) -> TrpcAnswer:
    """Read the answer to one call, be it alone or a batch of one.

    Raises:
        TrpcFormatError: It is none, or the answer to several calls.
    """
    answers = read_batch(content)
    if len(answers) != 1:
        raise TrpcFormatError(f"it answers {len(answers)} calls")
    return answers[0]


def read_batch(content: bytes) -> list[TrpcAnswer]:
    """Read the answers to several calls, in the order in which they were asked.

    A server that could not read the calls at all answers once, for all of them.

    Raises:
        TrpcFormatError: They are none.
    """
    document = _load(content)
    if not isinstance(document, list):
        return [_read_one(document)]
    return [_read_one(answer) for answer in document]


def _number(values: Sequence[Any], transformer: Transformer) -> dict[str, Any]:
    return {str(index): write_input(value, transformer) for index, value in enumerate(values)}


def _dump(value: Any) -> bytes:
    # A streamed text may hold half a character; written as an escape it is JSON all the same.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def _load(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        # What was read would be quoted by the error below it.
        raise TrpcFormatError("it is not JSON") from None


def _read_one(document: Any) -> TrpcAnswer:
    if not isinstance(document, Mapping):
        raise TrpcFormatError("it is no object")
    if "error" in document:
        return _read_failure(_unwrap(document["error"]))
    result = document.get("result")
    if not isinstance(result, Mapping):
        raise TrpcFormatError("it has neither a result nor an error")
    return TrpcData(value=_unwrap(result.get("data")))


def _read_failure(error: Any) -> TrpcFailure:
    if not isinstance(error, Mapping):
        raise TrpcFormatError("its error is no object")
    data = error.get("data")
    if not isinstance(data, Mapping):
        data = {}
    code, status = data.get("code"), data.get("httpStatus")
    path, message = data.get("path"), error.get("message")
    return TrpcFailure(
        # Nothing else than a code gets from here into errors and logs.
        code=code if isinstance(code, str) and _CODE.fullmatch(code) else "UNKNOWN",
        http_status=status if isinstance(status, int) else None,
        path=path if isinstance(path, str) else None,
        message=message if isinstance(message, str) else "",
    )


def _unwrap(value: Any) -> Any:
    if not isinstance(value, Mapping) or "json" not in value or not value.keys() <= _SUPERJSON_KEYS:
        return value
    try:
        return deserialize(value)
    except (SuperjsonError, RecursionError):
        raise TrpcFormatError("superjson's annotations do not fit its values") from None
