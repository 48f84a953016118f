"""Which session a person means, and which may go."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.session_bundles import STARTED

from meetctl.domain.session_bundle import SessionBundle, sort_newest_first
from meetctl.errors import UsageError
from meetctl.services.session_pruning import PruneRequest, Verdict, judge, plan_pruning
from meetctl.services.sessions import SessionFilter, find_session

if TYPE_CHECKING:
    from meetctl.domain.session_bundle import RunState


def bundle(
    session_id: str = "20261116T090000Z-standup-aaaaaa",
    *,
    state: RunState = "ended",
    days: float = 0,
    journal: bool = True,
    waits: bool = False,
    pruned: bool = False,
    media_bytes: int = 1000,
    tenant_id: str | None = None,
) -> SessionBundle:
    started = STARTED + timedelta(days=days)
    path = Path("/sessions") / session_id
    return SessionBundle(
        session_id=session_id,
        path=path,
        state=state,
        started_at=started,
        ended_at=None if state == "running" else started + timedelta(minutes=10),
        changed_at=started + timedelta(minutes=10),
        journal=path / "events.jsonl" if journal else None,
        usage_waits=waits,
        pruned_at=started if pruned else None,
        media_bytes=media_bytes,
        size_bytes=2000,
        tenant_id=tenant_id,
    )


ALL = sort_newest_first(
    [
        bundle(),
        bundle("20261117T080000Z-review-bbbbbb", days=1),
        bundle("20261117T090000Z-review-cccccc", days=1.1),
    ]
)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("last", "20261117T090000Z-review-cccccc"),
        ("20261116", "20261116T090000Z-standup-aaaaaa"),
        ("20261117T08", "20261117T080000Z-review-bbbbbb"),
        ("20261117T090000Z-review-cccccc", "20261117T090000Z-review-cccccc"),
    ],
)
def test_an_id_its_beginning_or_last_is_enough(wanted: str, found: str) -> None:
    assert find_session(wanted, ALL).session_id == found


def test_a_whole_id_is_meant_even_where_another_begins_with_it() -> None:
    both = [bundle("abc"), bundle("abcdef", days=1)]
    assert find_session("abc", both).session_id == "abc"


def test_what_is_not_clear_names_the_candidates() -> None:
    with pytest.raises(UsageError, match=r"2 sessions begin with '20261117'.*bbbbbb") as error:
        find_session("20261117", ALL)
    assert error.value.hint == "type more of the id"


def test_what_is_mistyped_names_what_is_close() -> None:
    with pytest.raises(UsageError, match="there is no session") as error:
        find_session("20261117T080000Z-reveiw-bbbbbb", ALL)
    assert "20261117T080000Z-review-bbbbbb" in str(error.value.hint)
    with pytest.raises(UsageError) as error:
        find_session("nothing like it", ALL)
    assert "list --limit 0" in str(error.value.hint)
    with pytest.raises(UsageError, match="none at all"):
        find_session("last", [])
    with pytest.raises(UsageError, match="no session ''"):
        find_session("", ALL)


def request(days: float = 30, **changes: object) -> PruneRequest:
    return PruneRequest(before=STARTED + timedelta(days=days), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "asked", "verdict"),
    [
        (bundle(), request(), "goes"),
        (bundle(days=31), request(), "is younger"),
        (bundle(state="killed"), request(), "goes"),
        (bundle(state="running"), request(), "runs"),
        (bundle(state="unknown"), request(), "may run"),
        (bundle(state="unknown", journal=False), request(), "goes"),
        (bundle(waits=True), request(), "usage waits"),
        (bundle(waits=True), request(takes_undelivered=True), "goes"),
        (bundle(state="running", waits=True), request(takes_undelivered=True), "runs"),
        (bundle(pruned=True, media_bytes=0), request(keeps_cost=True), "is pruned"),
        (bundle(pruned=True, media_bytes=5), request(keeps_cost=True), "is pruned"),
        (bundle(pruned=True, media_bytes=0), request(), "goes"),
        (bundle(tenant_id="globex"), request(only=SessionFilter(tenant_id="acme")), "is not asked for"),
    ],
)
def test_what_goes_and_why_the_rest_stays(one: SessionBundle, asked: PruneRequest, verdict: Verdict) -> None:
    assert judge(one, asked) == verdict


def test_a_plan_names_the_oldest_first_and_what_is_old_and_stays() -> None:
    old, older = bundle("b", days=2), bundle("a")
    runs, waits, young = bundle("c", state="running"), bundle("d", waits=True), bundle("e", days=40)
    plan = plan_pruning(sort_newest_first([old, older, runs, waits, young]), request())
    assert [one.session_id for one in plan.going] == ["a", "b"]
    assert {one.session_id: verdict for one, verdict in plan.staying} == {"c": "runs", "d": "usage waits"}
    assert plan.freed_bytes == 4000
