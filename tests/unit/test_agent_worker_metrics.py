"""The worker's own metrics, which are kept beside its work and never in its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.agent.worker_metrics import WorkerMetrics
from meetctl.core.shared_metrics import DIRECTORY_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_metrics_that_cannot_be_kept_fail_nobody_and_are_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    # A lock that cannot be opened, as none can be where a process has too many files open.
    (tmp_path / "slot0.lock").mkdir()
    metrics = WorkerMetrics(10)
    metrics.observe(1)
    metrics.observe(2)
    assert caplog.messages == ["the worker's metrics cannot be kept: Is a directory"]
