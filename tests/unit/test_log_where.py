from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain.log_where import parse_where
from meetctl.errors import UsageError

LINE = {
    "type": "turn.ended",
    "duration_ms": 612.5,
    "usd": "0.10",
    "outcome": "failed",
    "final": True,
    "nothing": None,
    "latency": {"total_s": 1.25},
    "a.b": 3,
    "text": 'she said "no"',
}


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("duration_ms > 500", True),
        ("duration_ms > 612.5", False),
        ("duration_ms >= 612.5 and outcome == 'failed'", True),
        ('outcome == "failed"', True),
        ("outcome != 'done'", True),
        ("outcome < 'g'", True),
        ("latency.total_s > 1", True),
        ("latency.total_s > 1 or missing > 1", True),
        ("latency.missing > 1", False),
        ("not latency.missing > 1", False),
        ("a.b == 3", True),
        ("usd == 0.1", True),
        ("usd > 0.09 and usd < 0.11", True),
        ("usd == '0.1'", False),
        ("duration_ms == '612.5'", True),
        ("final == true", True),
        ("final == 1", False),
        ("nothing == null", True),
        ("missing == null", True),
        ("outcome == null", False),
        ("outcome != null", True),
        ("missing != 'x'", False),
        ("not missing == null", False),
        ("outcome ~ '^fa.l'", True),
        ("outcome !~ 'done'", True),
        ("missing !~ 'done'", False),
        ("duration_ms ~ '6'", False),
        (r"text ~ '\"no\"$'", True),
        ("text == 'she said \"no\"'", True),
        ("outcome > 1", False),
        ("not outcome > 1", False),
        ("(outcome == 'done' or final == true) and not usd > 1", True),
        ("-1 < 0", True),
    ],
)
def test_expressions(expression: str, holds: bool) -> None:
    assert parse_where(expression).holds(LINE) is holds


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("", "ends too early"),
        ("duration_ms", "a comparison is missing"),
        ("outcome = 'x'", "is not understood"),
        ("outcome == 'x", "is not understood"),
        ("outcome ~ name", "needs a text in quotes"),
        ("outcome ~ '('", "is no regular expression"),
        ("os.system('x')", "a comparison is missing"),
    ],
)
def test_a_mistake_is_named(expression: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_where(expression)
    assert "--where" in caught.value.message
    assert says in caught.value.message


NAMES = st.sampled_from(["a", "b.c", "usd", "kind"])
VALUES = st.sampled_from(["1", "0.5", "'x'", "'1'", "'é'", "null", "true"])
COMPARISONS = st.builds(
    "{} {} {}".format, NAMES, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.one_of(VALUES, NAMES)
)
EXPRESSIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("({}) and ({})".format, inner, inner),
        st.builds("({}) or ({})".format, inner, inner),
    ),
    max_leaves=5,
)
LEAVES = st.sampled_from([0, 1, 0.5, 2, "x", "1", "é", "", None, True])
DOCUMENTS = st.dictionaries(
    st.sampled_from(["a", "b", "b.c", "usd", "kind"]),
    st.one_of(LEAVES, st.dictionaries(st.just("c"), LEAVES)),
)


@given(EXPRESSIONS, DOCUMENTS, st.booleans(), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_a_line_for_which_it_holds_has_its_needles(
    expression: str, document: dict[str, object], ascii_only: bool, separators: tuple[str, str]
) -> None:
    where = parse_where(expression)
    line = json.dumps(document, ensure_ascii=ascii_only, separators=separators).encode()
    has_needles = all(any(needle in line for needle in group) for group in where.needles)
    assert has_needles or not where.holds(document)


@given(st.text(max_size=40))
def test_any_text_is_an_expression_or_a_usage_error(text: str) -> None:
    try:
        holds = parse_where(text).holds(LINE)
    except UsageError:
        holds = False
    assert holds in (True, False)
