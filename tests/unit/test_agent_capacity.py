"""How many meetings a worker takes, those included that have not started yet."""

from __future__ import annotations

from tests.fakes.clock import ManualClock

from meetctl.agent.capacity import LAUNCH_S, SERVER_TARGET_LOAD, Capacity

SECOND_US = 1_000_000


def test_meetings_that_have_not_started_take_a_place() -> None:
    capacity = Capacity(2, clock=ManualClock())
    assert capacity.admit("job-1", [])
    assert capacity.admit("job-2", [])
    assert not capacity.admit("job-3", [])


def test_a_meeting_that_runs_is_counted_once() -> None:
    capacity = Capacity(2, clock=ManualClock())
    assert capacity.admit("job-1", [])
    assert capacity.admit("job-2", ["job-1"])
    assert not capacity.admit("job-3", ["job-1"])
    assert not capacity.admit("job-3", ["job-1", "job-2"])


def test_a_meeting_that_ends_gives_its_place_back() -> None:
    capacity = Capacity(1, clock=ManualClock())
    assert capacity.admit("job-1", [])
    assert not capacity.admit("job-2", ["job-1"])
    assert capacity.admit("job-2", [])


def test_a_meeting_that_was_over_before_anybody_looked_gives_its_place_back() -> None:
    capacity = Capacity(1, clock=ManualClock())
    assert capacity.admit("job-1", [])
    capacity.settle("job-1")
    assert capacity.admit("job-2", [])


def test_a_settled_meeting_that_runs_keeps_its_place() -> None:
    capacity = Capacity(1, clock=ManualClock())
    assert capacity.admit("job-1", [])
    capacity.settle("job-1")
    assert not capacity.admit("job-2", ["job-1"])


def test_a_meeting_that_never_starts_gives_its_place_back_after_a_while() -> None:
    clock = ManualClock()
    capacity = Capacity(1, clock=clock)
    assert capacity.admit("job-1", [])
    clock.advance(round(LAUNCH_S - 1) * SECOND_US)
    assert not capacity.admit("job-2", [])
    clock.advance(SECOND_US)
    assert capacity.admit("job-2", [])


def test_a_refused_meeting_takes_no_place() -> None:
    clock = ManualClock()
    capacity = Capacity(1, clock=clock)
    assert not capacity.admit("job-2", ["job-1"])
    assert capacity.admit("job-3", [])


def test_a_meeting_that_was_seen_running_gives_its_place_back_when_it_ends() -> None:
    capacity = Capacity(1, clock=ManualClock())
    assert capacity.admit("short", [])
    assert capacity.observe(["short"]) == 1.0
    assert capacity.observe([]) == 0.0
    assert capacity.admit("next", [])


def test_load_stays_below_the_servers_target_until_every_place_is_taken() -> None:
    places = 50
    capacity = Capacity(places, clock=ManualClock())
    loads = [capacity.observe([f"job-{job}" for job in range(count)]) for count in range(places + 1)]
    assert loads == sorted(loads)
    assert loads[0] == 0.0
    assert loads[places - 1] < SERVER_TARGET_LOAD
    assert loads[places] == 1.0
