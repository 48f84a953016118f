"""A session's state: everything that a person sees of it, folded from its journal's events.

`reduce(state, event)` is the only way from events to what is shown; a dashboard, a summary and `--json` are
views of the same SessionState. The parts, by subject:

    about         who, when, the policy and the recording
    people        people and tracks
    conversation  what was said, and what the agent does
    turns         turns with their latency by stage, and what each cost
    looks         frames seen, kept and sent; requests to the model
    spending      how much was spent when
    health        errors, degradations, the backend, knowledge, tools
    steering      control messages and steps of a budget

What the session cost is `usage`, the fold of domain.session_cost.
"""

from __future__ import annotations

from meetctl.domain.state.reducer import SessionState, fold_events, reduce

__all__ = ["SessionState", "fold_events", "reduce"]
