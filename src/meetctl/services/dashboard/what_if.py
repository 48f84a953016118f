"""The audit of a recorded session by all policies there are to choose from, made while it is replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Literal

from meetctl.domain.view.what_if import choose_policies, read_policy
from meetctl.errors import MeetctlError
from meetctl.services.replay import AuditRequest

if TYPE_CHECKING:
    from meetctl.domain.audit import PolicyAudit, RecordingAudit
    from meetctl.domain.state.about import Looking
    from meetctl.ports import Progress

MakeAudit = Callable[[Path, AuditRequest, "Progress"], "RecordingAudit"]
"""Audits a recording as `meetctl replay` does, and blocks meanwhile; may raise MeetctlError."""

Stage = Literal["waiting", "costs", "changes", "done", "failed"]


class WhatIf:
    """What a session's other policies would have kept, cost and missed: costs at once, changes once found.

    `audit` is None until the first is known, and its coverage is empty until all pictures were looked at.
    """

    def __init__(self, bundle: Path, make_audit: MakeAudit) -> None:
        self._bundle = bundle
        self._make_audit = make_audit
        self.audit: RecordingAudit | None = None
        self.stage: Stage = "waiting"
        self.problem: str | None = None
        """Why there is no audit, or no coverage in it; None where there is nothing to say."""
        self.share = 0.0
        """How much of the pictures was looked at, from 0 to 1."""

    async def make(self, looking: Looking, on_change: Callable[[], None]) -> None:
        """Make the audit; `on_change` is called at each of its stages, in this event loop.

        Where this is cancelled, the audit ends by itself as soon as it next tells how far it is.
        """
        policies = choose_policies(looking)
        abandoned = Event()

        def tell(step: str, done: float, total: float, unit: str) -> None:
            del step, unit
            if abandoned.is_set():
                raise MeetctlError("nobody waits for this audit any more")
            self.share = done / total if total else 0.0

        try:
            for stage, coverage in _STAGES:
                self.stage = stage
                on_change()
                request = AuditRequest(base=policies[0], policies=policies, coverage=coverage)
                self.audit = await asyncio.to_thread(self._make_audit, self._bundle, request, tell)
            self.stage = "done"
        except MeetctlError as error:
            self.stage, self.problem = "failed", error.message
        finally:
            abandoned.set()
        on_change()

    def find(self, name: str | None) -> PolicyAudit | None:
        """Return the audit of a policy by its name; None where it is not known, or not yet."""
        audits = self.audit.policies if self.audit else ()
        return next((audit for audit in audits if audit.policy.name == name), None)

    def find_own(self, looking: Looking) -> PolicyAudit | None:
        """Return the audit of the policy that the session went by; None where it is not known yet."""
        own = read_policy(looking)
        audits = self.audit.policies if self.audit else ()
        for audit in audits:
            if (audit.policy.fps, audit.policy.detail) == (own.fps, own.detail):
                return audit
        return audits[0] if audits else None  # its rate was the source's, which stands first


_STAGES: tuple[tuple[Stage, Literal["off", "decode"]], ...] = (("costs", "off"), ("changes", "decode"))
