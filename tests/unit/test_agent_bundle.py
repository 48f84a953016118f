"""A session's directory: private, never another one's, and its document complete or not there."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from meetctl.adapters.session_directory import (
    SESSION,
    check_sessions_directory,
    make_session_directory,
    write_session,
)
from meetctl.agent.session_name import name_session
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 16, 9, 5, 7, tzinfo=UTC)


def test_a_sessions_directory_is_for_its_user_only(tmp_path: Path) -> None:
    directory = make_session_directory(tmp_path / "not" / "yet", "session-1")
    assert directory.is_dir()
    assert directory.stat().st_mode & 0o077 == 0


def test_a_session_never_takes_the_place_of_another(tmp_path: Path) -> None:
    make_session_directory(tmp_path, "session-1")
    with pytest.raises(OutputError, match="session-1") as error:
        make_session_directory(tmp_path, "session-1")
    assert "--sessions" in (error.value.hint or "")


def test_a_place_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "sessions").touch()
    with pytest.raises(OutputError, match=str(tmp_path / "sessions")):
        check_sessions_directory(tmp_path / "sessions")


def test_a_document_is_replaced_whole(tmp_path: Path) -> None:
    write_session(tmp_path, {"room": "Füße"})
    write_session(tmp_path, {"room": "demo", "ended_at": None})
    assert json.loads((tmp_path / SESSION).read_text("utf-8")) == {"room": "demo", "ended_at": None}
    assert [path.name for path in tmp_path.iterdir()] == [SESSION]


def test_a_document_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="gone"):
        write_session(tmp_path / "gone", {})


@pytest.mark.parametrize(
    ("room", "place"),
    [
        ("demo", "demo"),
        ("Weekly review / Q3", "Weekly-review-Q3"),
        ("../../etc", "etc"),
        ("..", "room"),
        ("", "room"),
        ("会議", "room"),
        ("a\nb\x00c", "a-b-c"),
        ("x" * 300, "x" * 40),
    ],
)
def test_a_sessions_name_is_a_safe_directory(room: str, place: str) -> None:
    name = name_session(room, AT)
    assert re.fullmatch(rf"20261116T090507Z-{re.escape(place)}-[0-9a-f]{{6}}", name)


def test_two_sessions_of_one_second_have_names_of_their_own() -> None:
    assert len({name_session("demo", AT) for _ in range(20)}) == 20
