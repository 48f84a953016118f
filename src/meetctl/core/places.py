"""Where meetctl keeps things on this machine, by the platform's own rules."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path, user_data_path, user_state_path

_NAME = "meetctl"


def cache_directory() -> Path:
    """Return where things are kept that can be made again, such as a built server."""
    return user_cache_path(_NAME, appauthor=False)


def state_directory() -> Path:
    """Return where running processes say what they are, and keep their logs."""
    return user_state_path(_NAME, appauthor=False)


def sessions_directory() -> Path:
    """Return where the bundles of this machine's sessions are kept."""
    return user_data_path(_NAME, appauthor=False) / "sessions"


def ledger_file() -> Path:
    """Return where the database is kept that is derived from all journals, in a directory of its own."""
    return user_data_path(_NAME, appauthor=False) / "ledger" / "ledger.duckdb"
