"""Rows as a Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from meetctl.errors import OutputError

_TYPES = {
    **dict.fromkeys(("usd", "image_usd"), "DECIMAL(38, 12)"),
    **dict.fromkeys(("quantity", "unpriced_quantity"), "DOUBLE"),
    **dict.fromkeys(("uses", "priced_uses", "image_tokens", "sent", "tokens", "unpriced_images"), "BIGINT"),
    "day": "DATE",
}
"""Columns that are no text; an empty text in them is null."""


def write_parquet(columns: Sequence[str], rows: Sequence[Sequence[str]], path: Path) -> None:
    """Write a file that appears complete or not at all.

    Raises:
        OutputError: It cannot be written.
    """
    import duckdb

    values = {name: [row[place] or None for row in rows] for place, name in enumerate(columns)}
    listed = ", ".join(f"unnest(${name}::VARCHAR[]) AS {name}" for name in columns)
    typed = ", ".join(f"{name}::{_TYPES.get(name, 'VARCHAR')} AS {name}" for name in columns)
    target = path.resolve()
    try:
        with (
            duckdb.connect(config={"autoinstall_known_extensions": False}) as connection,
            TemporaryDirectory(prefix=".meetctl.", dir=target.parent) as directory,
        ):
            made = Path(directory) / "rows.parquet"
            relation = connection.sql(f"SELECT {typed} FROM (SELECT {listed})", params=values)
            relation.write_parquet(str(made), compression="zstd")
            made.replace(target)
    except (duckdb.Error, OSError) as error:
        raise OutputError(f"{path} cannot be written: {str(error).splitlines()[0]}") from error
