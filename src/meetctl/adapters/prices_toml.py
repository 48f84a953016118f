"""Prices and image-token rules from TOML files; every mistake names its file, row and field."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from meetctl.domain.image_sizing import CoveredPatches, Crops, FixedTokens, Patches, Tiles
from meetctl.domain.pricing import Price
from meetctl.domain.vision_tokens import RULE_KINDS, ImageRule
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.domain.image_sizing import Sizing

SCHEMA_VERSION = 1
"""The version of the files' schema that this module reads."""

Table = dict[str, Any]
PriceKey = tuple[str, str, str, date | None]
"""Provider, model, unit, first day: what a price row is told apart by."""
T = TypeVar("T")

_TOP_FIELDS = ("schema_version", "catalog_version", "prices", "rules")
_PRICE_FIELDS = (
    *("provider", "model", "unit", "usd", "per", "effective_from", "effective_to", "plan", "increment"),
    *("included", "source_url", "checked", "note"),
)
_RULE_FIELDS = (
    *("id", "kind", "provider", "models", "auto", "multiplier", "details", "effective_from", "effective_to"),
    *("source_url", "checked", "note"),
)
_DETAIL_NAMES = ("low", "medium", "high", "ultra_high", "original")
_SIZINGS: Mapping[str, tuple[type[Sizing], ...]] = {
    "tile": (FixedTokens, Tiles),
    "patch": (Patches,),
    "claude28": (CoveredPatches,),
    "gemini3": (FixedTokens,),
    "gemini2": (FixedTokens, Crops),
    "flat": (FixedTokens,),
}
_FIGURES = ("usd", "details", "multiplier")
_CLAIMS = ("source_url", "checked", "note")
"""What is said about a figure; a user's row that changes the figure does not inherit it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One table of a file, not yet turned into a price or a rule."""

    table: Table
    origin: str
    """What prices and rules made of it say they come from."""
    place: str
    """File and row, for messages."""

    def error(self, field: str, problem: str, hint: str | None = None) -> UsageError:
        """Return an error that names the row and the field."""
        return UsageError(f"{self.place}: {field} {problem}", hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The rows of a file by what they are told apart by."""

    version: str
    prices: Mapping[PriceKey, Row]
    rules: Mapping[str, Row]


def read_tables(path: Path) -> Tables:
    """Read a user's file.

    Raises:
        UsageError: The file cannot be read, is no TOML, or has an unknown field or a row twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"price file {path} cannot be read: {problem}") from error
    return parse_tables(text, origin=str(path), name=str(path))


def parse_tables(text: str, *, origin: str, name: str) -> Tables:
    """Split a file's text into rows; `name` is what messages call the file.

    Raises:
        UsageError: It is no TOML, of another schema version, or has an unknown field or a row twice.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name} is not valid TOML: {error}") from error
    top = Row(table=document, origin=origin, place=name)
    _check_names(top, _TOP_FIELDS)
    if document.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
        raise top.error("schema_version", f"{document['schema_version']!r} is not {SCHEMA_VERSION}")
    prices: dict[PriceKey, Row] = {}
    for row in _rows(top, "prices", _PRICE_FIELDS):
        key = _lower(row, "provider"), _lower(row, "model"), _text(row, "unit"), _day(row, "effective_from")
        if prices.setdefault(key, row) is not row:
            raise row.error("model", "has the same provider, unit and effective_from as an earlier row")
    rules: dict[str, Row] = {}
    for row in _rows(top, "rules", _RULE_FIELDS):
        if rules.setdefault(_text(row, "id"), row) is not row:
            raise row.error("id", f"{row.table['id']!r} is the id of an earlier rule")
    return Tables(version=str(document.get("catalog_version", "")), prices=prices, rules=rules)


def without(base: Tables, user: Tables) -> Tables:
    """Return the base without the rows that a user's file has its own version of."""
    return Tables(
        version=base.version,
        prices={key: row for key, row in base.prices.items() if key not in user.prices},
        rules={key: row for key, row in base.rules.items() if key not in user.rules},
    )


def overlay(base: Tables, user: Tables) -> Tables:
    """Complete a user's rows with what the base has under the same key; nothing else of the base is kept."""
    prices = {key: _complete(row, base.prices.get(key)) for key, row in user.prices.items()}
    rules = {key: _complete(row, base.rules.get(key)) for key, row in user.rules.items()}
    return Tables(version=user.version, prices=prices, rules=rules)


def _complete(row: Row, base: Row | None) -> Row:
    if base is None:
        return row
    dropped = _CLAIMS if any(field in row.table for field in _FIGURES) else ()
    merged = {key: value for key, value in base.table.items() if key not in dropped} | row.table
    if isinstance(base.table.get("details"), dict) and isinstance(row.table.get("details"), dict):
        merged["details"] = {**base.table["details"], **row.table["details"]}
    return Row(table=merged, origin=row.origin, place=row.place)


def build_price(row: Row) -> Price:
    """Make a price of a row.

    Raises:
        UsageError: A field is missing or of the wrong type, or the period is empty.
    """
    effective_from, effective_to = _period(row)
    return Price(
        provider=_lower(row, "provider"),
        model=_lower(row, "model"),
        unit=_text(row, "unit"),
        usd=_decimal(row, "usd"),
        per=_whole(row, "per", row.table.get("per", 1)),
        effective_from=effective_from,
        effective_to=effective_to,
        source=_text(row, "source_url", default=row.origin),
        checked=_day(row, "checked"),
        origin=row.origin,
        plan=_text(row, "plan", default=""),
        increment=_optional(row, "increment", _positive_fraction),
        included=_optional(row, "included", _decimal),
        note=_text(row, "note", default=""),
    )


def build_rule(row: Row) -> ImageRule:
    """Make an image-token rule of a row.

    Raises:
        UsageError: A field is missing, of the wrong type or not one of the kind, or the period is empty.
    """
    kind = _text(row, "kind")
    if kind not in RULE_KINDS:
        raise row.error("kind", f"{kind!r} is not one of {', '.join(RULE_KINDS)}")
    effective_from, effective_to = _period(row)
    details = _details(row, kind)
    auto = _text(row, "auto", default=details[-1][0])
    if auto not in dict(details):
        raise row.error("auto", f"{auto!r} is not one of its details")
    return ImageRule(
        id=_text(row, "id"),
        kind=kind,
        provider=_text(row, "provider", default="").lower(),
        models=_patterns(row),
        auto=auto,
        details=details,
        effective_from=effective_from,
        effective_to=effective_to,
        source=_text(row, "source_url", default=row.origin),
        checked=_day(row, "checked"),
        origin=row.origin,
        note=_text(row, "note", default=""),
    )


def _details(row: Row, kind: str) -> tuple[tuple[str, Sizing], ...]:
    tables = row.table.get("details")
    if not isinstance(tables, dict) or not tables:
        raise row.error(
            "details", "is missing", hint="write details.high = { … }, and one for each other detail"
        )
    if "multiplier" in row.table and kind != "patch":
        raise row.error("multiplier", "belongs to rules of kind patch")
    shared: Table = {"multiplier": _positive_fraction(row, "multiplier")} if kind == "patch" else {}
    return tuple((name, _sizing(row, kind, name, table, shared)) for name, table in tables.items())


def _sizing(row: Row, kind: str, name: str, table: object, shared: Table) -> Sizing:
    place = f"details.{name}"
    if name not in _DETAIL_NAMES:
        raise row.error(place, f"is not a detail; they are {', '.join(_DETAIL_NAMES)}")
    if not isinstance(table, dict):
        raise row.error(place, "is not a table")
    accepted = []
    for sizing in _SIZINGS[kind]:
        known = [field for field in fields(sizing) if field.name not in shared]
        required = {field.name for field in known if field.default is MISSING}
        names = {field.name for field in known}
        if required <= table.keys() <= names:
            counts: dict[str, Any] = {
                key: _whole(row, f"{place}.{key}", value) for key, value in table.items()
            }
            return sizing(**shared, **counts)
        accepted.append(" ".join(sorted(names)))
    raise row.error(
        place, f"does not have the fields of kind {kind}", hint=f"they are: {', or '.join(accepted)}"
    )


def _patterns(row: Row) -> tuple[str, ...]:
    models = row.table.get("models")
    if not isinstance(models, list) or not models or not all(isinstance(model, str) for model in models):
        raise row.error("models", "is not a list of regular expressions")
    for model in models:
        try:
            re.compile(model)
        except re.error as error:
            raise row.error("models", f"{model!r} is not a regular expression: {error}") from error
    return tuple(models)


def _rows(top: Row, name: str, known: Sequence[str]) -> list[Row]:
    tables = top.table.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise top.error(name, f"is not a list of tables; write [[{name}]]")
    rows = [
        Row(table=table, origin=top.origin, place=f"{top.place}, {name} row {number}")
        for number, table in enumerate(tables, start=1)
    ]
    for row in rows:
        _check_names(row, known)
    return rows


def _check_names(row: Row, known: Sequence[str]) -> None:
    for name in row.table:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"the fields are {', '.join(known)}"
            raise row.error(name, "is not a field", hint=hint)


def _text(row: Row, field: str, default: str | None = None) -> str:
    value = row.table.get(field, default)
    if value is None:
        raise row.error(field, "is missing")
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise row.error(field, f"{value!r} is not a text")
    return value


def _lower(row: Row, field: str) -> str:
    return _text(row, field).lower()


def _day(row: Row, field: str) -> date | None:
    value = row.table.get(field)
    if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
        raise row.error(field, f"{value!r} is not a day", hint="write it without quotes, as in 2026-07-30")
    return value


def _period(row: Row) -> tuple[date | None, date | None]:
    start, end = _day(row, "effective_from"), _day(row, "effective_to")
    if start is not None and end is not None and end <= start:
        raise row.error("effective_to", f"{end} is not after effective_from {start}")
    return start, end


def _decimal(row: Row, field: str) -> Decimal:
    value = row.table.get(field)
    if value is None:
        raise row.error(field, "is missing")
    try:
        number = Decimal(value) if isinstance(value, str) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        raise row.error(field, f"{value!r} is not a decimal", hint='write it in quotes, as in "0.0048"')
    return number


def _positive_fraction(row: Row, field: str) -> Fraction:
    value = row.table.get(field)
    if value is None:
        raise row.error(field, "is missing")
    try:
        number = Fraction(value) if isinstance(value, str) else Fraction(0)
    except (ValueError, ZeroDivisionError):
        number = Fraction(0)
    if number <= 0:
        raise row.error(
            field, f"{value!r} is no number above 0", hint='write it in quotes, as in "1.62" or "1/60"'
        )
    return number


def _whole(row: Row, field: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise row.error(field, f"{value!r} is not a whole number above 0")
    return value


def _optional(row: Row, field: str, read: Callable[[Row, str], T]) -> T | None:
    return read(row, field) if field in row.table else None
