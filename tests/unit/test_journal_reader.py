"""Reading a journal while it is written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from meetctl.adapters.journal_reader import JournalReader
from meetctl.errors import MediaError

if TYPE_CHECKING:
    from pathlib import Path


def test_reads_from_where_it_is_told_up_to_where_the_file_ends(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"one\ntwo\n")
    reader = JournalReader(path)
    assert reader.size() == 8
    assert asyncio.run(reader.read(0, 6)) == b"one\ntw"
    assert asyncio.run(reader.read(4, 100)) == b"two\n"
    assert asyncio.run(reader.read(8, 100)) == b""
    with path.open("ab") as file:
        file.write(b"three\n")
    assert asyncio.run(reader.read(8, 100)) == b"three\n"


def test_journal_that_is_gone_is_named(tmp_path: Path) -> None:
    reader = JournalReader(tmp_path / "events.jsonl")
    with pytest.raises(MediaError, match=r"events\.jsonl cannot be read: No such file"):
        reader.size()
    with pytest.raises(MediaError, match=r"events\.jsonl cannot be read: No such file"):
        asyncio.run(reader.read(0, 1))
