"""The search for marked values finds them in every form in which they could leave."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from tests import marked_secrets as marked

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("value", marked.MARKED)
def test_a_value_is_found_in_each_form(value: str) -> None:
    assert marked.search(f"before {value} after")
    assert marked.search(json.dumps({"text": value}))
    assert marked.search(f"https://host/?q={quote(value)}")


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc"])
def test_a_picture_is_found_in_a_request(before: bytes) -> None:
    assert marked.search(base64.b64encode(before + marked.PICTURE + b"end"))


def test_files_below_a_directory_are_searched(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "clean.log").write_text("joined")
    assert marked.search(tmp_path) == []
    (tmp_path / "a" / "journal.db").write_bytes(b"\0\xff" + marked.SAID.encode())
    assert ["journal.db" in found for found in marked.search(tmp_path)] == [True]


def test_other_text_holds_nothing() -> None:
    assert marked.search("my salary is ninety thousand, says Maya") == []
