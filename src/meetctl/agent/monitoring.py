"""Logs, metrics and telemetry of a meeting's process, started before there is a meeting."""

from __future__ import annotations

import os
from dataclasses import dataclass
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

from livekit.agents.telemetry import set_tracer_provider
from prometheus_client import CollectorRegistry

from meetctl import __version__
from meetctl.agent.metrics import MeetingMetrics, follow_meeting
from meetctl.core.log_context import LogContext
from meetctl.core.metrics import MeetingInstruments
from meetctl.core.monitoring import start_job_logging
from meetctl.core.redaction import find_secrets
from meetctl.core.shared_metrics import claim_slot, shared_directory
from meetctl.core.telemetry import start_telemetry

if TYPE_CHECKING:
    from meetctl.agent.journal import MeetingJournal
    from meetctl.core.config import AgentSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingMonitoring:
    """What watches the one meeting of a process."""

    context: LogContext
    metrics: MeetingMetrics

    def follow(self, journal: MeetingJournal) -> None:
        """Count what the journal says, and let every line say whose it is."""
        journal.listen(follow_meeting(self.context))
        journal.listen(self.metrics.note)


def start_monitoring(settings: AgentSettings) -> MeetingMonitoring:
    """Start logs, metrics and telemetry of this process, a meeting's; to be called once."""
    context = LogContext()
    start_job_logging(context, secrets=find_secrets(settings), logs_content=settings.logs_content)
    directory = shared_directory()
    if directory is not None:
        claim_slot(directory)
    telemetry = start_telemetry(os.environ, context, version=__version__, logs_content=settings.logs_content)
    if telemetry is not None:
        if telemetry.tracer_provider is not None:
            set_tracer_provider(telemetry.tracer_provider, allow_pii=settings.logs_content)
        # After the session and the job's own last span, and processes of multiprocessing run no atexit.
        Finalize(None, telemetry.stop, exitpriority=10)
    return MeetingMonitoring(
        context=context,
        metrics=MeetingMetrics(
            MeetingInstruments(CollectorRegistry()), telemetry.costs if telemetry else None
        ),
    )
