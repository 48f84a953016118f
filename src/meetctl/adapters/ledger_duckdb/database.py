"""The ledger's file: opened for a moment, brought to the newest schema, its errors said in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl.errors import MeetctlError, OutputError, ServiceError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA_VERSION = 2
"""The number of the last migration in data/ledger."""

_MEMORY_LIMIT = "512MB"
_READ_THREADS = 2
_FOLD_THREADS = 1
"""Folding has two connections at work; with more threads DuckDB copies each small batch once again."""

_REBUILD = "delete it and it is made again from the journals; what pruned sessions cost is then lost"


@contextmanager
def open_ledger(path: Path, *, read_only: bool) -> Iterator[DuckDBPyConnection]:
    """Open the ledger, and make or migrate it where it may be written to.

    Raises:
        MeetctlError: It is damaged, not ours, or made by a newer meetctl.
        OutputError: It cannot be written.
        ServiceError: Another program has it open.
    """
    import duckdb

    with translate_errors(path):
        try:
            connection = duckdb.connect(
                str(path), read_only=read_only, config=_configuration(path, read_only=read_only)
            )
        except duckdb.IOException as error:
            raise _explain(path, error) from error
    with connection, translate_errors(path):
        path.chmod(0o600)
        connection.execute("SET TimeZone = 'UTC'")
        _migrate(connection, path, read_only=read_only)
        yield connection


def _configuration(path: Path, *, read_only: bool) -> dict[str, str | bool | int | float | list[str]]:
    """Nothing is fetched from the network, and what does not fit into memory goes beside the ledger."""
    return {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": _MEMORY_LIMIT,
        "threads": _READ_THREADS if read_only else _FOLD_THREADS,
        "temp_directory": str(path.with_suffix(".spilled")),
        # Order is of no use in the tables, and keeping it costs half of the speed.
        "preserve_insertion_order": False,
        "wal_autocheckpoint": "1GB",
    }


def _migrate(connection: DuckDBPyConnection, path: Path, *, read_only: bool) -> None:
    version = _version_of(connection, path)
    if version > SCHEMA_VERSION:
        raise MeetctlError(
            f"{path} has schema {version}, made by a newer meetctl; this one knows up to {SCHEMA_VERSION}",
            hint="update meetctl, or name another ledger",
        )
    if version == SCHEMA_VERSION or read_only:
        return
    for number in range(version + 1, SCHEMA_VERSION + 1):
        script = (files("meetctl") / "data" / "ledger" / f"{number:03}.sql").read_text(encoding="utf-8")
        connection.begin()
        connection.execute(script)
        connection.execute("UPDATE store.meta SET schema_version = ?", [number])
        connection.commit()


def _version_of(connection: DuckDBPyConnection, path: Path) -> int:
    import duckdb

    tables = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE NOT temporary").fetchone()
    if tables == (0,):
        return 0
    try:
        row = connection.execute("SELECT schema_version FROM store.meta").fetchone()
    except (duckdb.CatalogException, duckdb.BinderException):
        row = None
    if row is None:
        raise MeetctlError(f"{path} is a database, but no ledger of meetctl", hint="name another file")
    return int(row[0])


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn what DuckDB and the file system raise into one line that names the ledger."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise MeetctlError(
            f"the ledger {path} needs more memory than {_MEMORY_LIMIT}: {_first_line(error)}"
        ) from error
    except (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException) as error:
        raise _explain(path, error) from error
    except duckdb.FatalException as error:
        raise _explain(path, error) from error
    except RuntimeError as error:
        # What DuckDB's Python raises where Ctrl-C ends a query.
        if "interrupted" not in str(error).lower():
            raise
        raise KeyboardInterrupt from error
    except OSError as error:
        raise OutputError(f"the ledger {path} cannot be used: {error.strerror or error}") from error


def _explain(path: Path, error: Exception) -> MeetctlError:
    text = _first_line(error)
    if "set lock" in text.lower() or "conflicting lock" in text.lower():
        return ServiceError(
            f"the ledger {path} is open in another program",
            hint="close it there; DuckDB lets one in at a time",
        )
    if "No space left" in text or "Permission denied" in text or "Read-only file system" in text:
        return OutputError(f"the ledger {path} cannot be written: {text}")
    return MeetctlError(f"the ledger {path} cannot be read: {text}", hint=_REBUILD)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
