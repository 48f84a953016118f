"""How a worker behaves, and what a running one tells about itself: light to import, unlike the worker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """How the worker itself behaves."""

    agent_name: str
    max_meetings: int
    idle_processes: int
    host: str
    port: int
    """For health; 0 for a free one."""
    prometheus_port: int | None
    """For Prometheus; 0 for a free one, None for none."""
    drain_timeout_s: int
    """How long meetings may go on after the first signal; 0 ends them at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRegistration:
    """What a running worker tells about itself."""

    worker_id: str
    agent_name: str
    url: str
    max_meetings: int
    http_port: int
    prometheus_port: int | None
