from __future__ import annotations

from pathlib import Path

from meetctl.core.places import choose_logs_directory, logs_directory, state_directory


def test_logs_are_kept_in_the_state_directory_elsewhere_or_nowhere() -> None:
    assert choose_logs_directory(None) == logs_directory() == state_directory() / "logs"
    assert choose_logs_directory("") == logs_directory()
    assert choose_logs_directory("elsewhere") == Path("elsewhere")
    assert choose_logs_directory("off") is None
