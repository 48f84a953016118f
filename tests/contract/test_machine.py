"""What every machine promises, held against the fake and this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.machine import FakeMachine

from meetctl.adapters.this_machine import ThisMachine
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.ports import Machine


@pytest.fixture(params=["fake", "real"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    """A machine that has everything, and on which nothing can be written below a file."""
    blocked = tmp_path / "file"
    blocked.touch()
    return FakeMachine(read_only=(blocked,)) if request.param == "fake" else ThisMachine()


def test_room_is_told_for_a_directory_that_is_not_there_yet(machine: Machine, tmp_path: Path) -> None:
    assert machine.free_bytes(tmp_path / "not" / "yet") > 0
    assert not (tmp_path / "not").exists()


def test_where_nothing_can_be_written_is_an_error_with_a_remedy(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="sessions cannot be kept") as error:
        machine.free_bytes(tmp_path / "file" / "sessions")
    assert error.value.hint


def test_everything_that_recordings_need_is_there(machine: Machine) -> None:
    assert machine.missing_codecs() == ()


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meetctl.adapters.this_machine._WRITERS", ("libx264", "none-such"))
    assert ThisMachine().missing_codecs() == ("an encoder for none-such",)
