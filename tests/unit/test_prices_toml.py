from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from meetctl.adapters.price_book import load_price_book
from meetctl.adapters.prices_toml import build_price, build_rule, parse_tables
from meetctl.domain.vision_tokens import image_tokens
from meetctl.errors import UnknownModelError, UsageError

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PRICE = '[[prices]]\nprovider = "acme"\nmodel = "see-1"\nunit = "input_tokens"\nusd = "3.50"\nper = 1000000\n'
RULE = (
    '[[rules]]\nid = "acme/2026-11-01"\nkind = "flat"\nmodels = ["see-1"]\ndetails.high = { tokens = 300 }\n'
)
PATCH = RULE.replace('"flat"', '"patch"').replace("tokens = 300", "side_px = 2048, budget = 1536")


def _file(tmp_path: Path, text: str, name: str = "mine.toml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "row", "field"),
    [
        (PRICE.replace("[[prices]]", "[prices]"), "", "prices"),
        ("schema_version = 2\n" + PRICE, "", "schema_version"),
        ("pries = 1\n", "", "pries"),
        (PRICE + 'curency = "EUR"\n', "prices row 1", "curency"),
        (PRICE.replace('provider = "acme"\n', ""), "prices row 1", "provider"),
        (PRICE.replace('"see-1"', "1"), "prices row 1", "model"),
        (PRICE.replace('"input_tokens"', '" "'), "prices row 1", "unit"),
        (PRICE.replace('usd = "3.50"\n', ""), "prices row 1", "usd"),
        (PRICE.replace('"3.50"', "3.5"), "prices row 1", "usd"),
        (PRICE.replace('"3.50"', '"3,50"'), "prices row 1", "usd"),
        (PRICE.replace('"3.50"', '"-1"'), "prices row 1", "usd"),
        (PRICE.replace('"3.50"', '"NaN"'), "prices row 1", "usd"),
        (PRICE.replace("1000000", "0"), "prices row 1", "per"),
        (PRICE.replace("1000000", "true"), "prices row 1", "per"),
        (PRICE + 'effective_from = "2026-01-01"\n', "prices row 1", "effective_from"),
        (PRICE + "checked = 2026-01-01T00:00:00Z\n", "prices row 1", "checked"),
        (
            PRICE + "effective_from = 2026-02-01\neffective_to = 2026-02-01\n",
            "prices row 1",
            "effective_to",
        ),
        (PRICE + 'increment = "1/0"\n', "prices row 1", "increment"),
        (PRICE + "included = 5\n", "prices row 1", "included"),
        (PRICE + PRICE, "prices row 2", "model"),
        (RULE.replace('id = "acme/2026-11-01"\n', ""), "rules row 1", "id"),
        (RULE.replace('"flat"', '"round"'), "rules row 1", "kind"),
        (RULE.replace('["see-1"]', '"see-1"'), "rules row 1", "models"),
        (RULE.replace('["see-1"]', "[]"), "rules row 1", "models"),
        (RULE.replace('"see-1"', '"see-("'), "rules row 1", "models"),
        (RULE.replace("details.high = { tokens = 300 }\n", ""), "rules row 1", "details"),
        (RULE.replace("details.high", "details.huge"), "rules row 1", "details.huge"),
        (RULE.replace("{ tokens = 300 }", "300"), "rules row 1", "details.high"),
        (RULE.replace("tokens = 300", "token = 300"), "rules row 1", "details.high"),
        (RULE.replace("300", '"300"'), "rules row 1", "details.high.tokens"),
        (RULE.replace("300", "0"), "rules row 1", "details.high.tokens"),
        (RULE + 'auto = "low"\n', "rules row 1", "auto"),
        (RULE + 'multiplier = "2"\n', "rules row 1", "multiplier"),
        (PATCH, "rules row 1", "multiplier"),
        (PATCH + "multiplier = 1.62\n", "rules row 1", "multiplier"),
        (RULE + RULE, "rules row 2", "id"),
    ],
)
def test_a_mistake_names_file_row_and_field(tmp_path: Path, text: str, row: str, field: str) -> None:
    path = _file(tmp_path, text)
    where = f"{path}, {row}: {field} " if row else f"{path}: {field} "
    with pytest.raises(UsageError, match=re.escape(where)):
        load_price_book([path])


def test_a_misspelt_field_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_price_book([_file(tmp_path, PRICE + "effective_form = 2026-01-01\n")])
    assert caught.value.hint == "did you mean effective_from?"


def test_a_file_that_is_missing_or_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml cannot be read"):
        load_price_book([tmp_path / "none.toml"])
    with pytest.raises(UsageError, match=r"mine\.toml is not valid TOML.*line 1"):
        load_price_book([_file(tmp_path, "usd = = 1")])
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'note = "\xe9"')
    with pytest.raises(UsageError, match=r"latin\.toml cannot be read"):
        load_price_book([latin])


def test_all_fields_of_a_price_are_read() -> None:
    text = PRICE + (
        'effective_from = 2026-01-01\neffective_to = 2026-02-01\nplan = "Ship"\nincrement = "1/60"\n'
        'included = "100"\nsource_url = "https://example.org"\nchecked = 2026-01-02\nnote = "yes"\n'
    )
    (row,) = parse_tables(text, origin="test", name="test").prices.values()
    price = build_price(row)
    assert (price.provider, price.model, price.unit) == ("acme", "see-1", "input_tokens")
    assert (price.usd, price.per, price.plan) == (Decimal("3.50"), 1_000_000, "Ship")
    assert (price.increment, price.included) == (Fraction(1, 60), Decimal(100))
    assert (price.effective_from, price.effective_to) == (date(2026, 1, 1), date(2026, 2, 1))
    assert (price.source, price.checked, price.note) == ("https://example.org", date(2026, 1, 2), "yes")


def test_a_rule_without_auto_takes_its_last_detail() -> None:
    text = RULE + "details.original = { tokens = 900 }\n"
    (row,) = parse_tables(text, origin="test", name="test").rules.values()
    assert image_tokens(build_rule(row), 1280, 720, "auto") == 900


def test_a_user_s_rule_and_price_are_used(tmp_path: Path) -> None:
    path = _file(tmp_path, PRICE + RULE)
    book = load_price_book([path])
    price = book.price("see-1", "input_tokens", NOW)
    assert price is not None
    assert (price.usd, price.origin, price.source) == (Decimal("3.50"), str(path), str(path))
    assert image_tokens(book.image_rule("acme/see-1", NOW), 1280, 720, "high") == 300
    assert book.version == "2026-11-22"


def test_a_user_s_price_goes_before_the_bundled_one_and_inherits_no_claims(tmp_path: Path) -> None:
    path = _file(
        tmp_path, '[[prices]]\nprovider = "openai"\nmodel = "gpt-4.1"\nunit = "input_tokens"\nusd = "1.80"\n'
    )
    price = load_price_book([path]).price("gpt-4.1", "input_tokens", NOW)
    assert price is not None
    assert (price.usd, price.per, price.plan) == (Decimal("1.80"), 1_000_000, "standard")
    assert (price.origin, price.source, price.checked) == (str(path), str(path), None)


def test_a_user_can_close_a_bundled_price_and_append_a_dated_one(tmp_path: Path) -> None:
    key = '[[prices]]\nprovider = "openai"\nmodel = "gpt-4.1"\nunit = "input_tokens"\n'
    path = _file(
        tmp_path,
        f'{key}effective_to = 2027-01-01\n{key}effective_from = 2027-02-01\nusd = "1.50"\nper = 1000000\n',
    )
    book = load_price_book([path])
    found = [
        book.price("gpt-4.1", "input_tokens", datetime(year, month, 1, tzinfo=UTC))
        for year, month in ((2026, 12), (2027, 2))
    ]
    assert [price.usd for price in found if price] == [Decimal("2.00"), Decimal("1.50")]
    assert [price.checked for price in found if price] == [date(2026, 11, 22), None]
    between = book.price("gpt-4.1", "input_tokens", datetime(2027, 1, 15, tzinfo=UTC))
    assert between is not None
    assert between.origin.startswith("genai-prices ")


def test_a_later_file_goes_before_an_earlier_one(tmp_path: Path) -> None:
    first = _file(tmp_path, PRICE, "first.toml")
    second = _file(tmp_path, PRICE.replace("3.50", "2.50").replace("per = 1000000\n", ""), "second.toml")
    price = load_price_book([first, second]).price("see-1", "input_tokens", NOW)
    assert price is not None
    assert (price.usd, price.per, price.origin) == (Decimal("2.50"), 1_000_000, str(second))


def test_a_user_s_rule_changes_the_bundled_one_of_its_id_detail_by_detail(tmp_path: Path) -> None:
    path = _file(tmp_path, '[[rules]]\nid = "openai-tile/2026-02-26"\ndetails.low = { tokens = 90 }\n')
    rule = load_price_book([path]).image_rule("gpt-4.1", NOW)
    assert rule.origin == str(path)
    assert image_tokens(rule, 1280, 720, "low") == 90
    assert image_tokens(rule, 1280, 720, "high") == 1105


def test_the_hint_for_an_unknown_model_is_a_rule_that_works(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError) as caught:
        load_price_book([]).image_rule("gtp-4.1", NOW)
    assert "gpt-4.1" in caught.value.message
    pattern = r".*\[\[rules\]\] (id = .*), (kind = .*), (models = .*), (details.*)"
    fields = re.fullmatch(pattern, caught.value.hint or "")
    assert fields is not None
    book = load_price_book([_file(tmp_path, "[[rules]]\n" + "\n".join(fields.groups()))])
    assert image_tokens(book.image_rule("gtp-4.1", NOW), 1280, 720, "auto") == 1000
