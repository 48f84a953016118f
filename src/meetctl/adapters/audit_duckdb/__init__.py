"""Audits as DuckDB tables: a database file, or a directory of Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from meetctl.adapters.audit_duckdb.tables import fill_tables
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from meetctl.domain.audit import Audit

__all__ = ["export_parquet", "refuse_foreign_file", "save_audit"]

_FAMILY = "meetctl.audit/"
"""What the schema's name begins with in every version: such a file is ours to replace."""

_MAGIC = slice(8, 12)
"""Where a DuckDB file says that it is one: after its checksum (duckdb.org/docs/current/internals/storage)."""

_REMEDY = "choose another name, or remove it first"


def refuse_foreign_file(path: Path) -> None:
    """Check, before an audit is made, that it may be saved there.

    Raises:
        OutputError: Another file is there.
    """
    with _translate_errors(path):
        _refuse_other_file(path)


def save_audit(audit: Audit, path: Path) -> None:
    """Write an audit to a DuckDB database file; data/audit.sql says which tables it has.

    The file appears complete or not at all. One that exists is replaced if meetctl saved an audit in it.

    Raises:
        OutputError: It cannot be written, or another file is there.
    """
    target = path.resolve()
    with _translate_errors(path):
        _refuse_other_file(path)
        with TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as directory:
            made = Path(directory) / "audit.duckdb"
            with _connect(str(made)) as connection:
                fill_tables(connection, audit)
            # A log that a killed program left beside the old file must not be applied to the new one.
            target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
            made.replace(target)


def export_parquet(audit: Audit, directory: Path) -> None:
    """Write the same tables as TABLE.parquet files, compressed with Zstandard.

    The directory is made if it is missing. Each file appears complete or not at all; files of these
    names are replaced if meetctl exported an audit there.

    Raises:
        OutputError: One cannot be written, or another file of its name is there.
    """
    with _translate_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        with (
            _connect(":memory:") as connection,
            TemporaryDirectory(prefix=".meetctl.", dir=directory) as made,
        ):
            fill_tables(connection, audit)
            names = [f"{table}.parquet" for table in _tables(connection)]
            _refuse_other_parquet(connection, directory, names)
            for name in names:
                connection.table(Path(name).stem).write_parquet(str(Path(made) / name), compression="zstd")
            for name in names:
                (Path(made) / name).replace(directory / name)


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    """Turn what DuckDB and the file system raise into one line that names the output."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise OutputError(f"{path} cannot be written: {str(error).splitlines()[0]}") from error
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="name a place that exists and that you may write to",
        ) from error


def _connect(database: str, *, read_only: bool = False) -> DuckDBPyConnection:
    """Open a database; nothing is fetched from the network, whatever the file turns out to need."""
    import duckdb

    offline: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    return duckdb.connect(database, read_only=read_only, config=offline)


def _refuse_other_file(path: Path) -> None:
    """Raise OutputError if a file is there in which meetctl has not saved an audit."""
    import duckdb

    if not path.exists():
        return
    with path.open("rb") as file:
        if file.read(_MAGIC.stop)[_MAGIC] != b"DUCK":
            raise OutputError(f"{path} exists and is no DuckDB file", hint=_REMEDY)
    with _connect(str(path), read_only=True) as connection:
        try:
            made_by = connection.sql("SELECT schema_name FROM meta").fetchall()
        except (duckdb.CatalogException, duckdb.BinderException):
            made_by = []
    if not _is_ours(made_by):
        raise OutputError(f"{path} exists and holds no audit of meetctl", hint=_REMEDY)


def _refuse_other_parquet(connection: DuckDBPyConnection, directory: Path, names: Sequence[str]) -> None:
    """Raise OutputError if files of these names are there that meetctl has not exported."""
    import duckdb

    existing = [directory / name for name in names if (directory / name).exists()]
    if not existing:
        return
    meta = escape(str(directory / "meta.parquet"))
    try:
        made_by = connection.read_parquet(meta).project("schema_name").fetchall()
    except duckdb.Error:
        made_by = []
    if not _is_ours(made_by):
        raise OutputError(f"{existing[0]} exists and is no table of meetctl's", hint=_REMEDY)


def _is_ours(schema_names: Sequence[tuple[object, ...]]) -> bool:
    return any(str(name).startswith(_FAMILY) for (name,) in schema_names)


def _tables(connection: DuckDBPyConnection) -> list[str]:
    rows = connection.sql("SELECT table_name FROM duckdb_tables() ORDER BY table_oid").fetchall()
    return [str(table) for (table,) in rows]
