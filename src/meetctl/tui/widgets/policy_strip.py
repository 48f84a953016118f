"""What a replayed session would have kept and cost by another policy, at the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Static

from meetctl.domain.view.what_if import count_until
from meetctl.reports.panel_replay import tell_policy

if TYPE_CHECKING:
    from meetctl.domain.audit import PolicyAudit, RecordingAudit


class PolicyStrip(Static):
    """Two lines on the chosen policy; nothing as long as none is chosen."""

    DEFAULT_CSS = """
    PolicyStrip { height: auto; padding: 0 1; color: $text; background: $panel; display: none; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False, id="policy-strip")
        self._shown: tuple[RecordingAudit | None, int, float] | None = None

    def show_policy(self, audit: RecordingAudit | None, policy: PolicyAudit | None, t: float) -> None:
        """Show a policy of an audit at a time; None for none."""
        if self._shown is not None and (self._shown[0] is audit and self._shown[1:] == (id(policy), t)):
            return
        self._shown = (audit, id(policy), t)
        self.display = audit is not None and policy is not None
        if audit is not None and policy is not None:
            self.update("\n".join(tell_policy(count_until(audit, policy, round(t * 1_000_000)), policy)))
