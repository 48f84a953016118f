"""When a failing service is left alone, and when it is tried again."""

from __future__ import annotations

from tests.fakes.clock import ManualClock

from meetctl.services.circuit_breaker import AdmittedCall, CircuitBreaker

PAUSE_US = 10_000_000


def admitted(circuit: CircuitBreaker) -> AdmittedCall:
    call = circuit.admit()
    assert call is not None
    return call


def broken_circuit(clock: ManualClock) -> CircuitBreaker:
    """Return a circuit that three failures have opened."""
    circuit = CircuitBreaker(clock, failures=3, pause_s=10)
    break_circuit(circuit)
    return circuit


def break_circuit(circuit: CircuitBreaker) -> None:
    for _ in range(3):
        circuit.fail(admitted(circuit))
    assert circuit.is_open


def test_failures_in_a_row_open_the_circuit() -> None:
    assert broken_circuit(ManualClock()).admit() is None


def test_success_between_failures_keeps_it_closed() -> None:
    circuit = CircuitBreaker(ManualClock(), failures=3, pause_s=10)
    for _ in range(5):
        circuit.fail(admitted(circuit))
        circuit.fail(admitted(circuit))
        circuit.succeed()
    assert not circuit.is_open
    assert circuit.admit()


def test_one_call_tries_after_the_pause() -> None:
    clock = ManualClock()
    circuit = broken_circuit(clock)
    clock.advance(PAUSE_US - 1)
    assert circuit.admit() is None
    clock.advance(1)
    assert circuit.admit()
    assert circuit.admit() is None


def test_trial_that_succeeds_closes_it() -> None:
    clock = ManualClock()
    circuit = broken_circuit(clock)
    clock.advance(PAUSE_US)
    assert circuit.admit()
    circuit.succeed()
    assert not circuit.is_open
    circuit.fail(admitted(circuit))
    assert circuit.admit()


def test_trial_that_fails_pauses_again() -> None:
    clock = ManualClock()
    circuit = broken_circuit(clock)
    clock.advance(PAUSE_US)
    circuit.fail(admitted(circuit))
    clock.advance(PAUSE_US - 1)
    assert circuit.admit() is None
    clock.advance(1)
    assert circuit.admit()


def test_trial_that_is_given_up_leaves_the_next_one_free() -> None:
    clock = ManualClock()
    circuit = broken_circuit(clock)
    clock.advance(PAUSE_US)
    circuit.abandon(admitted(circuit))
    assert circuit.is_open
    assert circuit.admit()


def test_late_failure_does_not_extend_the_pause() -> None:
    clock = ManualClock()
    circuit = CircuitBreaker(clock, failures=3, pause_s=10)
    late = admitted(circuit)
    break_circuit(circuit)
    clock.advance(PAUSE_US - 1)
    circuit.fail(late)
    clock.advance(1)
    assert circuit.admit()


def test_call_of_before_the_pause_does_not_end_the_trial_under_way() -> None:
    clock = ManualClock()
    circuit = CircuitBreaker(clock, failures=3, pause_s=10)
    failing, abandoned = admitted(circuit), admitted(circuit)
    break_circuit(circuit)
    clock.advance(PAUSE_US)
    trial = admitted(circuit)
    circuit.fail(failing)
    circuit.abandon(abandoned)
    assert circuit.admit() is None
    circuit.abandon(trial)
    assert circuit.admit()


def test_success_of_another_call_makes_the_trial_under_way_a_usual_one() -> None:
    clock = ManualClock()
    circuit = CircuitBreaker(clock, failures=3, pause_s=10)
    break_circuit(circuit)
    clock.advance(PAUSE_US)
    trial = admitted(circuit)
    circuit.succeed()
    circuit.fail(trial)
    assert not circuit.is_open
