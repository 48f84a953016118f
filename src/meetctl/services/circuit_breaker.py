"""Leaves a service that keeps failing alone for a while, so that nobody waits for it in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.ports import Clock


class AdmittedCall:
    """One call that was let pass; whoever makes it gives it back when it has ended."""

    __slots__ = ()


class CircuitBreaker:
    """Decides whether a call may be made, from how the ones before it ended.

    Closed, it lets every call pass; after `failures` failed calls in a row it opens and lets none pass for
    `pause_s` seconds. Then one call at a time may try: its success closes the circuit, its failure opens it
    again.

    Whoever was let pass says how it ended with one of `succeed`, `fail` and `abandon`.
    """

    def __init__(self, clock: Clock, *, failures: int = 5, pause_s: float = 10.0) -> None:
        self._clock = clock
        self._allowed_failures = failures
        self._pause_s = pause_s
        self._failures = 0
        self._opened_at_s: float | None = None
        self._trial: AdmittedCall | None = None

    @property
    def is_open(self) -> bool:
        """Whether calls are kept back, but for one that tries."""
        return self._opened_at_s is not None

    def admit(self) -> AdmittedCall | None:
        """Return the call that may be made now; None where none may."""
        call = AdmittedCall()
        if self._opened_at_s is None:
            return call
        if self._trial is not None or self._clock.monotonic() - self._opened_at_s < self._pause_s:
            return None
        self._trial = call
        return call

    def succeed(self) -> None:
        """Note that the service answered, whatever it said; that holds whenever the call began."""
        self._failures = 0
        self._opened_at_s = None
        self._trial = None

    def fail(self, call: AdmittedCall) -> None:
        """Note that the service did not do its part."""
        self._failures += 1
        # What began before the circuit opened and fails now says nothing new: it neither extends the pause
        # nor ends the trial under way.
        if call is self._trial or (self._opened_at_s is None and self._failures >= self._allowed_failures):
            self._opened_at_s = self._clock.monotonic()
            self._trial = None

    def abandon(self, call: AdmittedCall) -> None:
        """Note that the caller gave up, so that nobody knows how the call would have ended."""
        if call is self._trial:
            self._trial = None
