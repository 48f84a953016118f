"""The workers of ours that run on this machine, and why none of them may have taken an order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWorker:
    """A worker of ours that runs on this machine."""

    worker_id: str
    agent_name: str
    url: str
    """The LiveKit server that it is registered with."""
    pid: int
    max_meetings: int
    meetings: int | None
    """How many it holds now; None where it does not answer."""

    @property
    def is_full(self) -> bool:
        """Whether it has no place for another meeting."""
        return self.meetings is not None and self.meetings >= self.max_meetings


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why something did not come about, as far as it can be known, and what to do."""

    cause: str
    hint: str | None = None


def explain_no_worker(workers: tuple[LocalWorker, ...], *, agent_name: str, url: str) -> Explanation:
    """Say why no worker may have taken an order for an agent, on this server.

    >>> explain_no_worker((), agent_name="meetctl", url="ws://127.0.0.1:7880").cause
    "no worker on this machine serves 'meetctl' for ws://127.0.0.1:7880"
    """
    here = [worker for worker in workers if worker.url.rstrip("/") == url.rstrip("/")]
    named = [worker for worker in here if worker.agent_name == agent_name]
    if named:
        return _explain_refusal(named, agent_name)
    hint = (
        f"`meetctl agent start --agent-name {agent_name}` starts one; other machines' are not seen from here"
    )
    if here:
        others = ", ".join(sorted({repr(worker.agent_name) for worker in here}))
        return Explanation(cause=f"no worker on this machine serves {agent_name!r}, only {others}", hint=hint)
    elsewhere = sorted({worker.url for worker in workers if worker.agent_name == agent_name})
    if elsewhere:
        cause = f"the worker for {agent_name!r} on this machine serves {', '.join(elsewhere)}, not {url}"
        return Explanation(cause=cause, hint=hint)
    return Explanation(cause=f"no worker on this machine serves {agent_name!r} for {url}", hint=hint)


def _explain_refusal(named: list[LocalWorker], agent_name: str) -> Explanation:
    """Say why workers that are registered for the agent did not take it."""
    if all(worker.is_full for worker in named):
        places = sum(worker.max_meetings for worker in named)
        return Explanation(
            cause=f"worker full: all {places} places for {agent_name!r} on this machine are taken",
            hint="start another one, or raise --max-meetings of `meetctl agent start`",
        )
    silent = [worker for worker in named if worker.meetings is None]
    if len(silent) == len(named):
        return Explanation(
            cause=f"the worker for {agent_name!r} on this machine (process {silent[0].pid}) does not answer",
            hint="its log says why; start it again",
        )
    return Explanation(
        cause=f"a worker for {agent_name!r} on this machine has a place free, but did not take the order",
        hint="it may be ending; its log says",
    )
