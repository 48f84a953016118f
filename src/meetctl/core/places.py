"""Where meetctl keeps things on this machine, by the platform's own rules."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_data_path, user_state_path

_NAME = "meetctl"

NO_LOGS = "off"
"""What `--log-directory` says where logs are kept nowhere."""


def config_directory() -> Path:
    """Return where the user's own configuration is."""
    return user_config_path(_NAME, appauthor=False)


def cache_directory() -> Path:
    """Return where things are kept that can be made again, such as a built server."""
    return user_cache_path(_NAME, appauthor=False)


def state_directory() -> Path:
    """Return where running processes say what they are, and keep their logs."""
    return user_state_path(_NAME, appauthor=False)


def logs_directory() -> Path:
    """Return where workers keep their logs."""
    return state_directory() / "logs"


def choose_logs_directory(chosen: str | None) -> Path | None:
    """Return where workers keep their logs by what `--log-directory` says; None where they keep none."""
    if chosen == NO_LOGS:
        return None
    return Path(chosen) if chosen else logs_directory()


def sessions_directory() -> Path:
    """Return where the bundles of this machine's sessions are kept."""
    return user_data_path(_NAME, appauthor=False) / "sessions"


def spending_directory() -> Path:
    """Return where the sessions of this machine write down what they have spent."""
    return state_directory() / "budget"


def ledger_file(sessions: Path | None = None) -> Path:
    """Return where the database is kept that is derived from all journals of a directory of sessions.

    Each such directory has one of its own, so that asking about one never answers of another too.
    """
    directory = user_data_path(_NAME, appauthor=False) / "ledger"
    if sessions is None or sessions.resolve() == sessions_directory().resolve():
        return directory / "ledger.duckdb"
    return directory / f"ledger-{sha256(str(sessions.resolve()).encode()).hexdigest()[:12]}.duckdb"
