"""`meetctl prices`: what the price book holds, how old it is, and what it lacks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meetctl.errors import CheckFailedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

    from rich.table import Table

    from meetctl.domain.pricing import Price
    from meetctl.domain.vision_tokens import ImageRule
    from meetctl.services.prices import PriceCatalogue, PriceCheck, PriceListing

prices_app = typer.Typer(help="Show and check the price book.", no_args_is_help=True, rich_markup_mode=None)

Model = Annotated[
    str | None, typer.Argument(metavar="[MODEL]", help="Only this model, such as gpt-4.1 or openai/gpt-4.1.")
]
PriceFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--prices",
        metavar="FILE",
        envvar="MEETCTL_PRICES",
        help="TOML file that goes before the bundled prices; repeatable.",
    ),
]
At = Annotated[
    datetime | None,
    typer.Option("--at", metavar="DATE", formats=["%Y-%m-%d"], help="Day (UTC) to show; today if not given."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@prices_app.command()
def show(model: Model = None, prices: PriceFiles = None, at: At = None, json: AsJson = False) -> None:
    """Show prices and image-token rules with their period, origin and age.

    Example: meetctl prices show gpt-5.6-luna --at 2026-07-29
    """
    from meetctl.cli.diagnostics import warn
    from meetctl.cli.output import print_json, print_lines, print_table
    from meetctl.services.prices import list_prices

    book, day, now = _open_book(prices, at)
    listing = list_prices(book, model, day)
    if model is not None and not listing.prices:
        warn(f"{model} is unpriced on {day:%Y-%m-%d}; its usage is counted and never taken for $0")
    if json:
        print_json(_show_document(book.version, listing, day, now))
        return
    if listing.prices:
        print_table(_price_table(listing.prices, now))
    if listing.rules:
        print_table(_rule_table(listing.rules, now))
    print_lines(_source_lines((*listing.prices, *listing.rules)))


@prices_app.command()
def check(
    prices: PriceFiles = None,
    at: At = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 4 when something is stale or missing.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Check how old the prices are, and what the default models lack.

    Example: meetctl prices check --strict
    """
    from meetctl.cli.output import print_json, print_lines
    from meetctl.services.prices import check_prices

    book, day, now = _open_book(prices, at)
    result = check_prices(book, day, now)
    if json:
        print_json(_check_document(book.version, result, day, now))
    else:
        print_lines(_check_lines(book.version, result, now))
    if strict and not result.holds:
        raise CheckFailedError(
            "the price book has stale or missing entries",
            hint="compare them with their sources, and put newer ones into a TOML file named with --prices",
        )


def _open_book(files: list[Path] | None, at: datetime | None) -> tuple[PriceCatalogue, datetime, datetime]:
    from meetctl import bootstrap

    now = bootstrap.system_clock().now()
    book = bootstrap.price_book(files or [])
    return book, now if at is None else at.replace(tzinfo=UTC), now


def _price_table(prices: Iterable[Price], now: datetime) -> Table:
    from rich import box
    from rich.table import Table

    from meetctl.services.prices import age_days

    headings = ("Model", "Unit", "USD", "From", "To", "Origin", "Checked", "Age")
    table = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False)
    _lay_out(table, right=("USD", "Age"))
    for price in prices:
        model = f"{price.provider}/{price.model}"
        table.add_row(
            model,
            price.unit,
            _rate(price),
            *_period(price),
            price.origin,
            _day(price.checked),
            _age(age_days(price.checked, now)),
        )
    return table


def _rule_table(rules: Iterable[ImageRule], now: datetime) -> Table:
    from rich import box
    from rich.table import Table

    from meetctl.services.prices import FRAME_SIZES, age_days, frame_tokens

    sizes = [f"{width}x{height}" for width, height in FRAME_SIZES]
    headings = ("Image rule", "Detail", *sizes, "From", "To", "Origin", "Checked", "Age")
    table = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False)
    _lay_out(table, right=(*sizes, "Age"))
    for rule in rules:
        tokens = frame_tokens(rule)
        details = [name for name, _ in rule.details]
        table.add_row(
            rule.id,
            "\n".join(f"{name} (auto)" if name == rule.auto else name for name in details),
            *("\n".join(f"{tokens[size][detail]:,}" for detail in details) for size in sizes),
            *_period(rule),
            rule.origin,
            _day(rule.checked),
            _age(age_days(rule.checked, now)),
        )
    return table


def _lay_out(table: Table, *, right: Collection[str]) -> None:
    """Let only names fold where a terminal is narrow; numbers and days stay whole."""
    table.collapse_padding = True
    for column in table.columns:
        heading = str(column.header)
        column.justify = "right" if heading in right else "left"
        column.no_wrap = heading in right or heading in ("From", "To", "Checked")
        column.overflow = "fold"


def _source_lines(entries: Collection[Price | ImageRule]) -> Iterable[str]:
    """Say where figures are from and what is not certain about them, each source and note once."""
    for source in dict.fromkeys(entry.source for entry in entries):
        yield f"source: {source}"
    for note in dict.fromkeys(entry.note for entry in entries if entry.note):
        yield f"note: {note}"


def _check_lines(version: str, result: PriceCheck, now: datetime) -> Iterable[str]:
    from meetctl.services.prices import STALE_AFTER_DAYS, age_days

    yield f"price book {version}: {len(result.prices)} prices and {len(result.rules)} image rules in force"
    for origin in dict.fromkeys(price.origin for price in result.prices):
        checked = [price.checked for price in result.prices if price.origin == origin]
        oldest = min((day for day in checked if day), default=None)
        age = (
            "no day of checking"
            if oldest is None
            else f"the oldest checked {_age(age_days(oldest, now))} ago"
        )
        yield f"  {origin}: {len(checked)} prices, {age}"
    yield f"checked more than {STALE_AFTER_DAYS} days ago: " + _count(
        len(result.stale_prices) + len(result.stale_rules)
    )
    for price in result.stale_prices:
        name = f"{price.provider}/{price.model} {price.unit}"
        yield f"  {name}: {_age(age_days(price.checked, now))}, {price.source}"
    for rule in result.stale_rules:
        yield f"  {rule.id}: {_age(age_days(rule.checked, now))}, {rule.source}"
    yield f"default models without a price: {_count(len(result.unpriced))}"
    yield from (f"  {model}: {unit}" for model, unit in result.unpriced)
    yield f"default models without an image rule: {_count(len(result.without_rule))}"
    yield from (f"  {model}" for model in result.without_rule)


def _show_document(version: str, listing: PriceListing, at: datetime, now: datetime) -> dict[str, object]:
    from meetctl.services.prices import frame_tokens

    return {
        "schema": "meetctl.prices/1",
        "price_book": {"version": version},
        "at": f"{at:%Y-%m-%d}",
        "prices": [price_document(price, now) for price in listing.prices],
        "rules": [{**rule_document(rule, now), "tokens": frame_tokens(rule)} for rule in listing.rules],
    }


def _check_document(version: str, result: PriceCheck, at: datetime, now: datetime) -> dict[str, object]:
    return {
        "schema": "meetctl.prices.check/1",
        "price_book": {"version": version},
        "at": f"{at:%Y-%m-%d}",
        "holds": result.holds,
        "prices": len(result.prices),
        "rules": len(result.rules),
        "stale": {
            "prices": [price_document(price, now) for price in result.stale_prices],
            "rules": [rule_document(rule, now) for rule in result.stale_rules],
        },
        "unpriced": [{"model": model, "unit": unit} for model, unit in result.unpriced],
        "without_rule": list(result.without_rule),
    }


def price_document(price: Price, now: datetime) -> dict[str, object]:
    """Return one price as `--json` has it."""
    return {
        "provider": price.provider,
        "model": price.model,
        "unit": price.unit,
        "usd": f"{price.usd:f}",
        "per": price.per,
        "plan": price.plan or None,
        "increment": None if price.increment is None else str(price.increment),
        "included": None if price.included is None else f"{price.included:f}",
        **_provenance(price, now),
    }


def rule_document(rule: ImageRule, now: datetime) -> dict[str, object]:
    """Return one image rule as `--json` has it."""
    return {
        "id": rule.id,
        "kind": rule.kind,
        "provider": rule.provider,
        "models": list(rule.models),
        "auto": rule.auto,
        **_provenance(rule, now),
    }


def _provenance(entry: Price | ImageRule, now: datetime) -> dict[str, object]:
    from meetctl.services.prices import age_days

    days = {name: getattr(entry, name) for name in ("effective_from", "effective_to", "checked")}
    return {
        **{name: day.isoformat() if day else None for name, day in days.items()},
        "age_days": age_days(entry.checked, now),
        "origin": entry.origin,
        "source": entry.source,
        "note": entry.note or None,
    }


def _rate(price: Price) -> str:
    short = {1: "", 1_000: " / 1k", 1_000_000: " / 1M"}
    return f"{price.usd:f}{short.get(price.per, f' / {price.per:,}')}"


def _period(entry: Price | ImageRule) -> tuple[str, str]:
    return _day(entry.effective_from), _day(entry.effective_to)


def _day(day: date | None) -> str:
    return day.isoformat() if day else "–"


def _age(days: int | None) -> str:
    return "–" if days is None else f"{days} d"


def _count(number: int) -> str:
    return str(number) if number else "none"
