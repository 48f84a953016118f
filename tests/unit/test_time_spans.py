"""Spans and points in time as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain.time_spans import parse_moment, parse_span
from meetctl.errors import UsageError

NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), (" 2H ", 7200), ("1h30m", 5400), ("1h 30min", 5400), ("0.5m", 30), ("1w", 604_800)],
)
def test_span_is_read(text: str, seconds: int) -> None:
    assert parse_span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "ten minutes", "1y", "9e9d", "99999999w", "1m!"])
def test_what_is_no_span_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_span(text)
    assert "no span" in refused.value.message
    assert "10m" in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T10:00:00+02:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
        ("2026-11-01T10:00:00Z", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("09:30", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
    ],
)
def test_moment_is_read_in_utc(text: str, moment: datetime) -> None:
    assert parse_moment(text, NOW) == moment


def test_time_of_day_is_of_the_day_in_utc_wherever_now_is_told() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=13)))
    assert parse_moment("09:30", elsewhere) == datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "25:00", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no point in time"):
        parse_moment(text, NOW)


@given(st.text(max_size=20))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    try:
        moment = parse_moment(text, NOW)
    except UsageError:
        return
    assert moment.tzinfo is UTC
