"""tRPC's envelopes and superjson's annotations, written and read."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.adapters.superjson import SuperjsonError, deserialize, serialize, to_plain
from meetctl.adapters.trpc_codec import (
    TrpcData,
    TrpcFailure,
    TrpcFormatError,
    read_answer,
    read_batch,
    write_batch_body,
    write_batch_query,
    write_body,
    write_query,
)

MOMENT = datetime(2026, 11, 22, 9, 0, 0, 250_000, tzinfo=UTC)
MOMENTS = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001  the strategy wants bounds without a zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001  as above
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
LEAVES = st.none() | st.booleans() | st.integers() | st.text() | MOMENTS | st.just(float("inf"))
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet="a.\\0"), inner), max_leaves=20
)


@given(VALUES)
def test_what_superjson_writes_is_read_again(value: Any) -> None:
    assert deserialize(json.loads(json.dumps(serialize(value)))) == value


@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(to_plain(value)).encode()))
def test_answer_is_read_or_refused_whatever_comes(content: bytes) -> None:
    try:
        answers = read_batch(content)
    except TrpcFormatError:
        return
    document = json.loads(content)
    assert len(answers) == (len(document) if isinstance(document, list) else 1)


@given(
    st.recursive(
        st.sampled_from(["Date", "map", "set", "bigint", "number", "undefined", "a", "0.b", "\\"]),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "0", "a.b", "\\"]), inner),
    ),
    st.sampled_from([None, "x", 1, [1, ["a"]], {"a": {"b": [[], {}]}}]),
)
def test_annotations_fit_or_are_refused_whatever_comes(annotations: Any, value: Any) -> None:
    wrapped = {"json": copy.deepcopy(value), "meta": {"values": annotations, "v": 1}}
    try:
        result = deserialize(wrapped)
    except SuperjsonError:
        result = "refused"
    # Without an annotation there is nothing to fit.
    assert annotations != {} or result == value


def test_values_are_annotated_as_superjson_does() -> None:
    value = {"at": MOMENT, "list": [1, MOMENT], "a.b": {"c\\": MOMENT}, "set": {MOMENT}, "n": 2**53}
    assert serialize(value) == {
        "json": {
            "at": "2026-11-22T09:00:00.250Z",
            "list": [1, "2026-11-22T09:00:00.250Z"],
            "a.b": {"c\\": "2026-11-22T09:00:00.250Z"},
            "set": ["2026-11-22T09:00:00.250Z"],
            "n": "9007199254740992",
        },
        "meta": {
            "values": {
                "at": ["Date"],
                "list.1": ["Date"],
                "a\\.b.c\\\\": ["Date"],
                "set": ["set", {"0": ["Date"]}],
                "n": ["bigint"],
            },
            "v": 1,
        },
    }


def test_value_without_annotations_has_no_meta() -> None:
    assert serialize({"n": 1, "ok": True}) == {"json": {"n": 1, "ok": True}}
    assert serialize(MOMENT) == {
        "json": "2026-11-22T09:00:00.250Z",
        "meta": {"values": ["Date"], "v": 1},
    }


def test_plain_json_says_dates_and_decimals_as_strings() -> None:
    value = {"at": MOMENT, "usd": Decimal("1E-7"), "nan": float("nan"), "many": (1, frozenset({2}))}
    assert to_plain(value) == {
        "at": "2026-11-22T09:00:00.250Z",
        "usd": "0.0000001",
        "nan": None,
        "many": [1, [2]],
    }


def test_moment_of_another_zone_is_written_in_utc() -> None:
    east = MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert to_plain(east) == "2026-11-22T09:00:00.250Z"


@pytest.mark.parametrize(("value", "error"), [(b"x", TypeError), ({1: 2}, TypeError), (object(), TypeError)])
def test_what_json_has_no_form_for_is_refused(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        to_plain(value)
    with pytest.raises(error):
        serialize(value)


def test_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        to_plain(MOMENT.replace(tzinfo=None))


def test_first_version_of_annotations_escapes_dots_only() -> None:
    wrapped = {"json": {"a\\b.c": "1"}, "meta": {"values": {"a\\b\\.c": ["bigint"]}}}
    assert deserialize(wrapped) == {"a\\b.c": 1}


def test_unknown_annotations_leave_the_value() -> None:
    wrapped = {
        "json": {"u": "https://a.test", "p": "1.5"},
        "meta": {"values": {"u": ["URL"], "p": [["custom", "d"]]}},
    }
    assert deserialize(wrapped) == {"u": "https://a.test", "p": "1.5"}


@pytest.mark.parametrize(
    "meta",
    [
        {"values": {"missing": ["Date"]}},
        {"values": {"list.9": ["Date"]}},
        {"values": {"text": ["Date"]}},
        {"values": {"text.deeper": ["bigint"]}},
        {"values": 7},
        {"values": {"a\\b": ["Date"]}, "v": 1},
        {"values": {"list": ["map"]}},
    ],
)
def test_annotations_that_do_not_fit_are_no_answer(meta: dict[str, Any]) -> None:
    content = json.dumps({"result": {"data": {"json": {"text": "x", "list": [1]}, "meta": meta}}}).encode()
    with pytest.raises(TrpcFormatError, match="annotations") as caught:
        read_answer(content)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("document", "value"),
    [
        ({"result": {"data": {"a": 1}}}, {"a": 1}),
        ({"result": {"data": {"json": {"a": 1}}}}, {"a": 1}),
        ({"result": {"data": {"json": 1, "more": 2}}}, {"json": 1, "more": 2}),
        ({"result": {"data": {"json": None, "meta": {"values": ["undefined"]}}}}, None),
        ({"result": {}}, None),
        ([{"result": {"data": 1}}], 1),
    ],
)
def test_result_is_read_in_either_form(document: Any, value: Any) -> None:
    assert read_answer(json.dumps(document).encode()) == TrpcData(value=value)


@pytest.mark.parametrize("is_superjson", [True, False])
def test_error_is_read_in_either_form(is_superjson: bool) -> None:
    error: Any = {
        "message": "no",
        "code": -32004,
        "data": {"code": "NOT_FOUND", "httpStatus": 404, "path": "a.b"},
    }
    document = {"error": {"json": error} if is_superjson else error}
    expected = TrpcFailure(code="NOT_FOUND", http_status=404, path="a.b", message="no")
    assert read_answer(json.dumps(document).encode()) == expected


def test_error_s_code_is_a_code_or_unknown() -> None:
    content = b'{"error": {"message": "m", "data": {"code": "what Maya said", "httpStatus": "500"}}}'
    assert read_answer(content) == TrpcFailure(code="UNKNOWN", http_status=None, path=None, message="m")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"7",
        b"{}",
        b'{"result": 1}',
        b'{"error": "x"}',
        b"[]",
        b"[" * 100_000,
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_answer_is_refused(content: bytes) -> None:
    with pytest.raises(TrpcFormatError):
        read_answer(content)


def test_answer_to_several_calls_is_none_to_one() -> None:
    with pytest.raises(TrpcFormatError, match="2 calls"):
        read_answer(b'[{"result": {}}, {"result": {}}]')


def test_query_is_json_in_the_address() -> None:
    value = {"roomName": "r&d + 100% #1=ü"}
    for transformer, expected in (("superjson", {"json": value}), ("plain", value)):
        query = write_query(value, transformer)  # type: ignore[arg-type]
        assert json.loads(parse_qs(query, strict_parsing=True)["input"][0]) == expected


def test_batches_number_their_inputs() -> None:
    query = parse_qs(write_batch_query([{"a": 1}, {"b": 2}], "plain"))
    assert query["batch"] == ["1"]
    assert json.loads(query["input"][0]) == {"0": {"a": 1}, "1": {"b": 2}}
    assert json.loads(write_batch_body([{"a": 1}], "superjson")) == {"0": {"json": {"a": 1}}}
    assert json.loads(write_body({"a": 1}, "superjson")) == {"json": {"a": 1}}


def test_half_a_character_is_written_as_an_escape() -> None:
    half = {"query": "what \ud83d"}
    (text,) = parse_qs(write_query(half, "plain"))["input"]
    assert json.loads(text) == json.loads(write_body(half, "plain")) == half
