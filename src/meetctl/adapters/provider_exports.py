"""Files that providers give out of what they billed, each by its own shape; nothing is guessed.

The shapes, and when they were looked up, are in docs/reconcile.md.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from meetctl.domain.reconciliation import BilledLine, ProviderAccount, make_account
from meetctl.errors import MediaError, UsageError

_SHAPES = "docs/reconcile.md lists the shapes; any account fits into date,provider,model,unit,quantity,usd"
_PLAIN = ("date", "provider", "model", "unit", "quantity", "usd")
_OPENAI_TOKENS = {
    "input_uncached_tokens": "input_tokens",
    "input_cached_tokens": "cached_input_tokens",
    "output_tokens": "output_tokens",
}

Row = Mapping[str, str]


def read_export(path: Path, provider: str | None) -> ProviderAccount:
    """Read a provider's file; `provider` says whose it is where the file does not.

    Raises:
        MediaError: It cannot be read.
        UsageError: It has no shape that is known, or a line of it is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise MediaError(f"{path} cannot be read: {reason}") from error
    try:
        account = _read_json(text) if text.lstrip()[:1] in ("{", "[") else _read_csv(text, provider)
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", hint=error.hint) from error
    if provider is None:
        return account
    lines = [line for line in account.lines if line.provider == provider]
    if not lines:
        raise UsageError(
            f"{path} has no line of {provider}", hint="--provider names one of those in the file"
        )
    return make_account(lines, account.shape, is_whole=account.is_whole)


def _read_csv(text: str, provider: str | None) -> ProviderAccount:
    delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    names = {name.strip().lower() for name in reader.fieldnames or ()}
    rows = [
        {name.strip().lower(): (value or "").strip() for name, value in row.items() if isinstance(name, str)}
        for row in reader
    ]
    if {"amount_value", "start_time"} <= names:
        return _account(rows, _openai_cost, "OpenAI's export of costs")
    if {"start_time", "input_tokens", "output_tokens"} <= names:
        return _account(rows, _openai_usage, "OpenAI's export of usage, which has no amounts")
    if {"date", "usd"} <= names or {"date", "quantity", "unit"} <= names:
        if "provider" not in names and provider is None:
            raise UsageError("it does not say whose account it is", hint="--provider names the provider")
        return _account(rows, lambda row: _plain_line(row, provider), "a table of lines")
    raise UsageError(
        f"its columns are those of no export that is known: {', '.join(sorted(names)[:8])}", hint=_SHAPES
    )


def _account(rows: Iterable[Row], read: Callable[[Row], list[BilledLine]], shape: str) -> ProviderAccount:
    lines: list[BilledLine] = []
    for number, row in enumerate(rows, 2):
        if not any(row.values()):
            continue
        try:
            lines += read(row)
        except (ValueError, ArithmeticError) as error:
            raise UsageError(f"line {number} cannot be read: {error}") from error
    if not lines:
        raise UsageError("it has no line with an amount or a quantity", hint=_SHAPES)
    return make_account(lines, shape)


def _openai_cost(row: Row) -> list[BilledLine]:
    if not row.get("amount_value"):
        return []  # a day without costs
    _refuse_currency(row.get("amount_currency") or "usd")
    model, _, _ = row.get("line_item", "").partition(",")
    return [
        BilledLine(
            provider="openai",
            day=_epoch_day(row["start_time"]),
            model=model.strip() or None,
            usd=_amount(row["amount_value"]),
        )
    ]


def _openai_usage(row: Row) -> list[BilledLine]:
    day, model = _epoch_day(row["start_time"]), row.get("model") or None
    counts = dict(row)
    if not counts.get("input_uncached_tokens") and counts.get("input_tokens"):
        whole, cached = _count(counts["input_tokens"]), _count(counts.get("input_cached_tokens") or "0")
        counts["input_uncached_tokens"] = str(max(Fraction(0), whole - cached))
    return [
        BilledLine(provider="openai", day=day, model=model, unit=unit, quantity=_count(counts[name]))
        for name, unit in _OPENAI_TOKENS.items()
        if counts.get(name)
    ]


def _plain_line(row: Row, provider: str | None) -> list[BilledLine]:
    unknown = row.keys() - set(_PLAIN)
    if unknown:
        raise ValueError(f"{min(unknown)} is none of the columns {', '.join(_PLAIN)}")
    named = (row.get("provider") or provider or "").lower()
    if not named:
        raise ValueError("it does not say the provider")
    return [
        BilledLine(
            provider=named,
            day=date.fromisoformat(row["date"]),
            model=row.get("model") or None,
            unit=row.get("unit") or None,
            quantity=_count(row["quantity"]) if row.get("quantity") else None,
            usd=_amount(row["usd"]) if row.get("usd") else None,
        )
    ]


def _read_json(text: str) -> ProviderAccount:
    try:
        document = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except ValueError as error:
        raise UsageError(f"it is no JSON: {error}") from error
    pages = document if isinstance(document, list) else [document]
    if not all(isinstance(page, Mapping) for page in pages):
        raise UsageError("it is JSON of no shape that is known", hint=_SHAPES)
    try:
        if all(page.get("object") == "page" for page in pages):
            return _openai_pages(pages)
        if len(pages) == 1 and isinstance(pages[0].get("results"), list):
            return _deepgram_breakdown(pages[0])
        if len(pages) == 1 and isinstance(pages[0].get("data"), list):
            return _cartesia_credits(pages[0])
    except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise UsageError(
            f"it lacks what such a file has: {type(error).__name__} {error}", hint=_SHAPES
        ) from error
    raise UsageError("it is JSON of no shape that is known", hint=_SHAPES)


def _openai_pages(pages: Sequence[Mapping[str, Any]]) -> ProviderAccount:
    lines = []
    for bucket in (bucket for page in pages for bucket in page["data"]):
        day = _epoch_day(str(bucket["start_time"]))
        for result in bucket["results"]:
            amount = result["amount"]
            _refuse_currency(str(amount["currency"]))
            model = str(result.get("line_item") or "").partition(",")[0].strip()
            lines.append(
                BilledLine(provider="openai", day=day, model=model or None, usd=_amount(str(amount["value"])))
            )
    if not lines:
        raise UsageError("it has no costs")
    is_whole = pages[-1].get("has_more") is not True
    return make_account(lines, "OpenAI's costs, from its interface", is_whole=is_whole)


def _deepgram_breakdown(document: Mapping[str, Any]) -> ProviderAccount:
    lines = []
    for result in document["results"]:
        grouping = result.get("grouping") or {}
        item = str(grouping.get("line_item") or "")
        lines.append(
            BilledLine(
                provider="deepgram",
                day=date.fromisoformat(str(grouping.get("start") or document["start"])[:10]),
                model=item.rpartition("::")[2] or None,
                usd=None if result.get("dollars") is None else _amount(str(result["dollars"])),
            )
        )
    if not lines:
        raise UsageError("it has no results")
    return make_account(lines, "Deepgram's breakdown of what it billed")


def _cartesia_credits(document: Mapping[str, Any]) -> ProviderAccount:
    lines = [
        BilledLine(
            provider="cartesia",
            day=datetime.fromisoformat(str(bucket["start_ts"])).astimezone(UTC).date(),
            unit="characters",
            quantity=_count(str(bucket["credits"])),
        )
        for bucket in document["data"]
    ]
    if not lines:
        raise UsageError("it has no credits")
    return make_account(lines, "Cartesia's credits, about one a character, which have no amounts")


def _refuse_currency(currency: str) -> None:
    if currency.lower() != "usd":
        raise UsageError(f"it is in {currency.upper()}, and only US dollars can be compared")


def _epoch_day(seconds: str) -> date:
    return datetime.fromtimestamp(int(Decimal(seconds)), UTC).date()


def _amount(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite():
        raise ValueError(f"{text} is no amount")
    return amount


def _count(text: str) -> Fraction:
    return Fraction(text)
