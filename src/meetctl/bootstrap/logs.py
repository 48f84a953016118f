"""What `meetctl logs` is given: where journals and logs are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from meetctl.ports import LogFinder


def machine_logs(sessions: Path, logs: Path | None) -> LogFinder:
    """Return the journals in a directory of sessions, and the workers' logs in another; None for none."""
    from meetctl.adapters.log_files import JournalFinder
    from meetctl.adapters.session_directory import JOURNAL

    return JournalFinder(sessions, JOURNAL, logs)


def named_logs(paths: Sequence[Path]) -> LogFinder:
    """Return the logs and journals in the files, bundles and directories that a user names; `-` is stdin."""
    from meetctl.adapters.log_files import NamedLogs
    from meetctl.adapters.session_directory import JOURNAL

    return NamedLogs(paths, JOURNAL)
