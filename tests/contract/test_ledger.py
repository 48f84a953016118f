"""What every ledger does, held on the one in memory, which is the domain's own functions, and on DuckDB."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.ledger import FakeLedger
from tests.written_journals import (
    LLM,
    STT_USE,
    TTS_USE,
    format_lines,
    make_event,
    meeting_events,
    write_journal,
    write_meeting,
)

from meetctl.adapters.ledger_duckdb import DuckLedger
from meetctl.adapters.system_clock import SystemClock
from meetctl.domain.ledger import DIMENSIONS, Completeness, Dimension, FoldReport, Selection, Spending

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from meetctl.ports import Progress


class Sums(Protocol):
    """The part of the Ledger port that holds sums, which both have."""

    def fold(self, progress: Progress) -> FoldReport: ...

    def sum_spending(self, selection: Selection, by: Sequence[Dimension] = ()) -> list[Spending]: ...

    def count_completeness(self, selection: Selection) -> Completeness: ...


def no_progress(step: str, done: float, total: float, unit: str) -> None:
    pass


def duck_ledger(sessions: Path, **options: Any) -> DuckLedger:
    return DuckLedger(
        sessions.parent / "ledger" / "ledger.duckdb",
        sessions,
        clock=SystemClock(),
        on_waiting=lambda _: None,
        **options,
    )


MAKERS: dict[str, Callable[[Path], Sums]] = {"memory": FakeLedger, "duckdb": duck_ledger}


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    path = tmp_path / "sessions"
    path.mkdir()
    return path


@pytest.fixture(params=MAKERS)
def ledger(request: pytest.FixtureRequest, sessions: Path) -> Sums:
    return MAKERS[request.param](sessions)


def sum_by(ledger: Sums, *by: Dimension, **selection: Any) -> dict[Any, Decimal]:
    sums: dict[Any, Decimal] = {}
    for one in ledger.sum_spending(Selection(**selection), by):
        key = one.group[0] if len(by) == 1 else one.group
        sums[key] = sums.get(key, Decimal(0)) + one.usd
    return sums


MEETING_USD = 3 * (Decimal("0.000404") + Decimal("0.0058") + Decimal("0.004768") + Decimal("0.000232"))


def test_nothing_is_in_a_ledger_without_journals(ledger: Sums) -> None:
    assert ledger.fold(no_progress) == FoldReport(journals=0, events=0)
    assert ledger.sum_spending(Selection()) == []
    assert ledger.count_completeness(Selection()).sessions == 0


def test_usage_is_summed_by_every_dimension(ledger: Sums, sessions: Path) -> None:
    write_meeting(sessions, "s1", tenant="northwind")
    write_meeting(sessions, "s2", tenant=None)
    assert ledger.fold(no_progress).events == 2 * len(meeting_events())
    assert sum_by(ledger, "tenant") == {"northwind": MEETING_USD, None: MEETING_USD}
    assert sum_by(ledger, "session") == {"s1": MEETING_USD, "s2": MEETING_USD}
    assert sum_by(ledger, "room") == {"review": 2 * MEETING_USD}
    assert sum_by(ledger, "day") == {"2026-11-16": 2 * MEETING_USD}
    assert sum_by(ledger, "model", tenant="northwind") == {
        "nova-3": Decimal("0.001212"),
        "sonic-3": Decimal("0.0174"),
        "gpt-4.1": Decimal("0.015000"),
    }
    assert sum_by(ledger, "provider", "session", session="s2")["deepgram", "s2"] == Decimal("0.001212")


def test_quantities_are_exact_and_images_told_apart(ledger: Sums, sessions: Path) -> None:
    write_meeting(sessions)
    ledger.fold(no_progress)
    sums = {one.unit: one for one in ledger.sum_spending(Selection())}
    assert sums["minutes"].quantity == Fraction(1515, 6000)
    assert sums["input_tokens"].quantity == 3 * (2 * 1105 + 174)
    assert (sums["input_tokens"].image_tokens, sums["input_tokens"].image_usd) == (6630, Decimal("0.01326"))
    assert sum(one.uses for one in sums.values()) == 9


def test_folding_again_counts_nothing_twice(ledger: Sums, sessions: Path) -> None:
    write_meeting(sessions)
    ledger.fold(no_progress)
    before = ledger.sum_spending(Selection())
    assert ledger.fold(no_progress).events == 0
    assert ledger.sum_spending(Selection()) == before


def test_a_copied_bundle_counts_once(ledger: Sums, sessions: Path) -> None:
    path = write_meeting(sessions)
    write_journal(sessions, "copy-of-s1", path.read_bytes())
    assert ledger.fold(no_progress).events == len(meeting_events())


def test_a_journal_that_grows_is_taken_from_where_it_was(ledger: Sums, sessions: Path) -> None:
    lines = format_lines(meeting_events()).splitlines(keepends=True)
    path = write_journal(sessions, "s1", b"".join(lines[:10]))
    assert ledger.fold(no_progress).events == 10
    with path.open("ab") as file:
        file.write(b"".join(lines[10:]))
    assert ledger.fold(no_progress).events == len(lines) - 10
    assert sum_by(ledger, "session") == {"s1": MEETING_USD}


def test_a_torn_last_line_waits_for_its_rest(ledger: Sums, sessions: Path) -> None:
    lines = format_lines([make_event("stt.usage", 0, **STT_USE), make_event("tts.usage", 1, **TTS_USE)])
    path = write_journal(sessions, "s1", lines[:-30])
    assert ledger.fold(no_progress).events == 1
    path.write_bytes(lines)
    assert ledger.fold(no_progress).events == 1
    assert sum_by(ledger, "session") == {"s1": Decimal("0.006204")}


def test_a_pruned_journal_keeps_its_cost(ledger: Sums, sessions: Path) -> None:
    path = write_meeting(sessions)
    ledger.fold(no_progress)
    before = ledger.sum_spending(Selection(), ("session",))
    usage = [event for event in meeting_events() if event["type"].endswith((".usage", ".request"))]
    draft = path.with_suffix(".part")
    draft.write_bytes(format_lines(usage))
    draft.replace(path)
    assert ledger.fold(no_progress).events == 0
    assert ledger.sum_spending(Selection(), ("session",)) == before


def test_a_journal_cut_in_place_and_written_on_is_noticed(ledger: Sums, sessions: Path) -> None:
    events = [make_event("stt.usage", seq, **STT_USE) for seq in range(6)]
    path = write_journal(sessions, "s1", format_lines(events[:4]))
    ledger.fold(no_progress)
    path.write_bytes(format_lines(events[:1]))
    assert ledger.fold(no_progress).events == 0
    # As long as before, though it is another one.
    path.write_bytes(format_lines([events[0], *events[4:]]) + format_lines([events[1]]))
    assert ledger.fold(no_progress).events == 2
    assert sum_by(ledger, "session") == {"s1": 6 * Decimal("0.000404")}


def test_a_journal_that_is_gone_keeps_its_cost(ledger: Sums, sessions: Path) -> None:
    path = write_meeting(sessions)
    ledger.fold(no_progress)
    path.unlink()
    assert ledger.fold(no_progress) == FoldReport(journals=0, events=0)
    assert sum_by(ledger, "session") == {"s1": MEETING_USD}


def test_the_tenant_is_the_one_that_was_named_last(ledger: Sums, sessions: Path) -> None:
    uses = [make_event("stt.usage", seq, **STT_USE) for seq in range(3)]
    named = [
        {**use, "tenant_id": tenant} for use, tenant in zip(uses, (None, "dispatched", "known"), strict=True)
    ]
    path = write_journal(sessions, "s1", format_lines(named[:2]))
    ledger.fold(no_progress)
    assert set(sum_by(ledger, "tenant")) == {"dispatched"}
    path.write_bytes(format_lines(named))
    ledger.fold(no_progress)
    assert sum_by(ledger, "tenant") == {"known": 3 * Decimal("0.000404")}


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(ledger: Sums, sessions: Path) -> None:
    write_journal(sessions, "s1", format_lines(make_event("stt.usage", seq, **STT_USE) for seq in range(4)))
    ledger.fold(no_progress)
    second, third = (datetime(2026, 11, 16, 9, 0, at, tzinfo=UTC) for at in (1, 3))
    assert sum_by(ledger, "day", since=second, until=third) == {"2026-11-16": 2 * Decimal("0.000404")}


def test_usage_without_a_price_is_never_zero(ledger: Sums, sessions: Path) -> None:
    unpriced = {**STT_USE, "usd": None, "usd_by_unit": {"minutes": None}}
    events = [make_event("stt.usage", 0, **STT_USE), make_event("stt.usage", 1, **unpriced)]
    write_journal(sessions, "s1", format_lines(events))
    ledger.fold(no_progress)
    (sums,) = ledger.sum_spending(Selection())
    assert (sums.usd, sums.unpriced, sums.uses, sums.priced_uses) == (
        Decimal("0.000404"),
        Fraction(505, 6000),
        2,
        1,
    )


def test_lines_that_are_no_events_are_counted_and_cost_nothing(ledger: Sums, sessions: Path) -> None:
    lines = b'{"seq": 0, "t": "soon", "type": "stt.usage"}\nnothing\n\n[1]\n' + format_lines(
        [make_event("stt.usage", 3, **STT_USE)]
    )
    write_journal(sessions, "s1", lines)
    report = ledger.fold(no_progress)
    assert (report.events, report.unreadable_lines) == (1, 3)
    assert sum_by(ledger, "session") == {"s1": Decimal("0.000404")}


COUNTS = st.integers(0, 10**9)
AMOUNTS = st.decimals(0, 10**6, places=12).map(lambda amount: f"{amount:f}")
SECONDS = st.integers(0, 10**9).map(lambda ms: ms / 1000)
REGULAR_NAMES = st.sampled_from(["openai", "offline", "deepgram", "Ünï/côdé", "own model"])
UNITS = ("input_tokens", "cached_input_tokens", "output_tokens", "minutes", "characters")


def uses(
    counts: st.SearchStrategy[Any], amounts: st.SearchStrategy[Any], names: st.SearchStrategy[Any]
) -> Any:
    """Return a strategy of usage events' types and fields."""
    return st.tuples(
        st.sampled_from(["llm.request", "llm.probe", "stt.usage", "tts.usage"]),
        st.fixed_dictionaries(
            {
                "provider": names,
                "model": names,
                "usd_by_unit": st.fixed_dictionaries({}, optional=dict.fromkeys(UNITS, amounts)),
            },
            optional={
                **dict.fromkeys(("input_tokens", "cached_input_tokens", "output_tokens"), counts),
                **dict.fromkeys(("image_tokens", "characters"), counts),
                "audio_s": counts | SECONDS,
                "usd": amounts,
                "image_usd": amounts,
                "basis": st.sampled_from(["reported", "reconciled", "estimated", "mixed", "guessed", None]),
                "outcome": st.sampled_from(["done", "failed", "cancelled", None]),
                "billed": st.sampled_from([True, False, None]),
            },
        ),
    )


REGULAR = uses(COUNTS, AMOUNTS | st.none(), REGULAR_NAMES)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
ODD_AMOUNTS = AMOUNTS | ANYTHING | st.sampled_from(["1e-5", " 1", "-3.25", "nan", "1_000", "0.5e2", "inf"])
ODD = uses(COUNTS | ANYTHING, ODD_AMOUNTS, REGULAR_NAMES | ANYTHING) | st.tuples(
    st.sampled_from(["stt.usage", "llm.request", "log"]),
    st.dictionaries(st.sampled_from(["audio_s", "input_tokens", "provider", "usd", "usd_by_unit"]), ANYTHING),
)


def _unscaled(one: Spending) -> Spending:
    """Return a sum whose equal amounts look alike."""
    return replace(one, usd=one.usd.normalize() + 0, image_usd=one.image_usd.normalize() + 0)


def assert_equals_the_domain(lines: bytes) -> FoldReport:
    """Fold lines into a new ledger on DuckDB, and hold its sums against the domain's own fold of them."""
    with TemporaryDirectory() as directory:
        sessions = Path(directory) / "sessions"
        write_journal(sessions, "s1", lines)
        ledger, domain = duck_ledger(sessions), FakeLedger(sessions)
        report = ledger.fold(no_progress)
        domain_report = domain.fold(no_progress)
        assert (report.events, report.unreadable_lines) == (
            domain_report.events,
            domain_report.unreadable_lines,
        )
        spending = ledger.sum_spending(Selection(), ("session",))
        assert sorted(map(repr, map(_unscaled, spending))) == sorted(
            map(repr, map(_unscaled, domain.sum_spending(Selection(), ("session",))))
        )
    return report


@settings(max_examples=25)
@given(st.lists(REGULAR, min_size=1, max_size=20))
def test_sql_reads_what_the_agent_writes_as_the_domain_does(drawn: list[tuple[str, dict[str, Any]]]) -> None:
    lines = format_lines(make_event(kind, seq, **fields) for seq, (kind, fields) in enumerate(drawn))
    assert assert_equals_the_domain(lines).careful_batches == 0


@settings(max_examples=30)
@given(st.lists(ODD, min_size=1, max_size=8))
def test_whatever_else_stands_in_a_journal_is_read_by_the_domain(
    drawn: list[tuple[str, dict[str, Any]]],
) -> None:
    assert_equals_the_domain(
        format_lines(make_event(kind, seq, **fields) for seq, (kind, fields) in enumerate(drawn))
    )


@settings(max_examples=20)
@given(
    st.dictionaries(st.sampled_from(["seq", "t", "type", "session_id", "room", "tenant_id", "ts"]), ANYTHING)
)
def test_an_odd_envelope_is_read_by_the_domain(envelope: dict[str, Any]) -> None:
    events = [make_event("stt.usage", 0, **STT_USE), {**make_event("stt.usage", 1, **STT_USE), **envelope}]
    if envelope.get("seq") in (0, False):
        return  # the first of a number counts, which the domain's fold does not know
    seq = events[1].get("seq")
    if isinstance(seq, int) and abs(seq) >= 2**63:
        return
    assert_equals_the_domain(format_lines(events))


@settings(max_examples=8)
@given(st.data())
def test_both_ledgers_agree_however_the_journal_comes_in(data: st.DataObject) -> None:
    """Torn anywhere, folded after each piece: every sum on the way is that of the whole lines so far."""
    lines = format_lines(meeting_events(requests=2))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(lines)), max_size=4)))
    with TemporaryDirectory() as directory:
        sessions = Path(directory) / "sessions"
        real, fake = (
            duck_ledger(sessions, batch_bytes=data.draw(st.integers(300, 5000))),
            FakeLedger(sessions),
        )
        for cut in (*cuts, len(lines)):
            write_journal(sessions, "s1", lines[:cut])
            assert real.fold(no_progress).events == fake.fold(no_progress).events
            by: tuple[Dimension, ...] = ("tenant", "session", "room", "day", "model")
            assert real.sum_spending(Selection(), by) == fake.sum_spending(Selection(), by)
            assert real.count_completeness(Selection()) == fake.count_completeness(Selection())


MOMENTS = st.integers(-7200, 3 * 86_400).map(
    lambda seconds: datetime(2026, 11, 16, tzinfo=UTC) + timedelta(seconds=seconds)
) | st.sampled_from([datetime(2026, 11, day, tzinfo=UTC) for day in (16, 17, 18)])


@settings(max_examples=10)
@given(st.data())
def test_any_period_by_anything_is_that_of_the_domain(data: st.DataObject) -> None:
    """Usage of three days, some of it undated, in batches of any size; sums that are kept hide nothing."""
    drawn = data.draw(st.lists(st.tuples(REGULAR, MOMENTS | st.none()), min_size=1, max_size=12))
    with TemporaryDirectory() as directory:
        sessions = Path(directory) / "sessions"
        for session in ("s1", "s2"):
            events = [
                {
                    **make_event(kind, seq, session=session, **fields),
                    "ts": "unknown" if moment is None else moment.isoformat(),
                    "tenant_id": data.draw(st.sampled_from([None, "northwind"])),
                }
                for seq, ((kind, fields), moment) in enumerate(drawn)
            ]
            write_journal(sessions, session, format_lines(events))
        real, fake = (
            duck_ledger(sessions, batch_bytes=data.draw(st.integers(300, 5000))),
            FakeLedger(sessions),
        )
        assert real.fold(no_progress).events == fake.fold(no_progress).events
        for selection in (
            Selection(),
            Selection(
                since=data.draw(MOMENTS | st.none()),
                until=data.draw(MOMENTS | st.none()),
                session=data.draw(st.sampled_from(["s1", None])),
                tenant=data.draw(st.sampled_from(["northwind", None])),
            ),
        ):
            by = data.draw(st.lists(st.sampled_from(DIMENSIONS), unique=True))
            assert sorted(map(repr, map(_unscaled, real.sum_spending(selection, by)))) == sorted(
                map(repr, map(_unscaled, fake.sum_spending(selection, by)))
            )


def test_the_first_of_two_events_with_one_number_counts(ledger: Sums, sessions: Path) -> None:
    events = [make_event("stt.usage", 0, **STT_USE), make_event("stt.usage", 0, **{**STT_USE, "audio_s": 60})]
    write_journal(sessions, "s1", format_lines(events))
    assert ledger.fold(no_progress).events == 1
    assert ledger.sum_spending(Selection())[0].quantity == Fraction(505, 6000)


def test_a_request_that_failed_costs_only_where_it_is_billed(ledger: Sums, sessions: Path) -> None:
    failed = {**LLM, "outcome": "failed", "input_tokens": 100, "usd_by_unit": {"input_tokens": "0.0002"}}
    events = [make_event("llm.request", 0, **failed), make_event("llm.request", 1, **failed, billed=True)]
    write_journal(sessions, "s1", format_lines(events))
    ledger.fold(no_progress)
    assert [(one.uses, one.quantity) for one in ledger.sum_spending(Selection())] == [(1, Fraction(100))]


def test_no_words_of_anybody_are_in_the_ledgers_file(sessions: Path) -> None:
    write_meeting(sessions)
    duck_ledger(sessions).fold(no_progress)
    files = [path for path in (sessions.parent / "ledger").iterdir() if path.is_file()]
    assert files
    assert not any(b"nobody should keep" in path.read_bytes() for path in files)
    assert json.dumps(sorted(path.name for path in files)) == '["ledger.duckdb", "ledger.duckdb.lock"]'
