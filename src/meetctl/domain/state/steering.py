"""What operators and budgets did with a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from meetctl.domain.state.fields import Tally, count, keep_last, mapping, tally, text

if TYPE_CHECKING:
    from meetctl.domain.events import Event

MOST_STEPS = 50
"""So many of the last steps of each kind are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A control message that was tried."""

    t: float
    ts: str
    op: str
    args: Mapping[str, Any]
    """What it asked for; of words only how many."""
    outcome: str
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """All that was done to a session from outside."""

    recent: tuple[Step, ...] = ()
    performed: Tally = ()
    """How many control messages were tried, by operation."""
    failed: int = 0
    refused: Tally = ()
    """How many control messages were refused, by reason."""
    muted: tuple[str, ...] = ()
    """What is muted now: "ears", "eyes", "voice"."""
    budget_steps: tuple[Event, ...] = ()
    """The last steps of a budget (`budget.step`), as the journal has them."""
    budget_step_count: int = 0


def perform(steering: Steering, event: Event) -> Steering:
    """Take `control.performed`."""
    step = Step(
        t=event.t,
        ts=event.ts,
        op=text(event.fields, "op") or "unknown",
        args=mapping(event.fields, "args"),
        outcome=text(event.fields, "outcome") or "done",
        error=text(event.fields, "error"),
    )
    return replace(
        steering,
        recent=keep_last(steering.recent, step, MOST_STEPS),
        performed=tally(steering.performed, step.op),
        failed=steering.failed + (step.outcome == "failed"),
        muted=_mute(steering.muted, step),
    )


def refuse(steering: Steering, event: Event) -> Steering:
    """Take `control.refused`, which tells of one or several messages."""
    times = max(1, count(event.fields, "count"))
    return replace(steering, refused=tally(steering.refused, text(event.fields, "reason"), times=times))


def step_budget(steering: Steering, event: Event) -> Steering:
    """Take `budget.step`."""
    return replace(
        steering,
        budget_steps=keep_last(steering.budget_steps, event, MOST_STEPS),
        budget_step_count=steering.budget_step_count + 1,
    )


def _mute(muted: tuple[str, ...], step: Step) -> tuple[str, ...]:
    what = step.args.get("what")
    if step.outcome != "done" or step.op not in ("mute", "unmute") or what not in ("ears", "eyes", "voice"):
        return muted
    rest = tuple(one for one in muted if one != what)
    return (*rest, what) if step.op == "mute" else rest
