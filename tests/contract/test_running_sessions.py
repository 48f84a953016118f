"""What finds running sessions promises: the fake, and a directory of real bundles held by real writers."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Protocol

import pytest
from tests.fakes.running_sessions import FakeRunningSessions
from tests.session_bundles import open_journal, write_session

from meetctl.adapters.delivery_state import usage_waits
from meetctl.adapters.running_sessions import DirectoryRuns
from meetctl.adapters.session_catalogue import DirectoryCatalogue, is_written
from meetctl.domain.session_bundle import SessionBundle
from meetctl.errors import MediaError

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.adapters.event_log import EventLog
    from meetctl.ports import RunningSessions

OLD, RUNNING = "20261116T090000Z-standup-aaaaaa", "20261117T090000Z-review-bbbbbb"


class Place(Protocol):
    """Where sessions begin and end; one had ended before anybody looked."""

    runs: RunningSessions

    def begin(self) -> None: ...

    def end(self) -> None: ...

    def kill(self) -> None: ...

    def remove(self) -> None: ...


class FakePlace:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._fake = FakeRunningSessions(self._bundle(OLD))
        self._fake.change(OLD, "ended")
        self.runs: RunningSessions = self._fake

    def begin(self) -> None:
        self._fake.begin(self._bundle(RUNNING))

    def end(self) -> None:
        self._fake.change(RUNNING, "ended")

    def kill(self) -> None:
        self._fake.change(RUNNING, "killed")

    def remove(self) -> None:
        self._fake.remove(RUNNING)

    def _bundle(self, name: str) -> SessionBundle:
        return SessionBundle(session_id=name, path=self._directory / name, state="running")


class RealPlace:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        write_session(directory, OLD)
        self.read: Counter[str] = Counter()
        catalogue = DirectoryCatalogue(directory, usage_waits=usage_waits)

        def look_up(path: Path) -> SessionBundle:
            self.read[path.name] += 1
            return catalogue.look_up(path)

        self.runs: RunningSessions = DirectoryRuns(directory, look_up, is_written)
        self._journal: EventLog | None = None

    def begin(self) -> None:
        bundle = self._directory / RUNNING
        bundle.mkdir()
        self._journal = open_journal(bundle, RUNNING)
        self._journal.append("session.started", {"agent": "meetctl"})

    def end(self) -> None:
        assert self._journal is not None
        self._journal.append("session.ended", {"reason": "over"})
        self.kill()

    def kill(self) -> None:
        assert self._journal is not None
        self._journal.close()

    def remove(self) -> None:
        shutil.rmtree(self._directory / RUNNING)


@pytest.fixture(params=["fake", "directory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return FakePlace(tmp_path) if request.param == "fake" else RealPlace(tmp_path)


def look(place: Place) -> list[tuple[str, str]]:
    return [(one.session_id, one.state) for one in asyncio.run(_look(place.runs))]


async def _look(runs: RunningSessions) -> list[SessionBundle]:
    return list(await runs.look())


@pytest.mark.parametrize("outcome", ["ended", "killed"])
def test_a_session_is_listed_while_it_runs_and_once_more_when_it_is_over(place: Place, outcome: str) -> None:
    assert look(place) == []
    place.begin()
    assert look(place) == [(RUNNING, "running")]
    assert look(place) == [(RUNNING, "running")]
    if outcome == "ended":
        place.end()
    else:
        place.kill()
    assert look(place) == [(RUNNING, outcome)]
    assert look(place) == []


def test_a_session_that_is_removed_is_listed_no_more(place: Place) -> None:
    place.begin()
    assert len(look(place)) == 1
    place.remove()
    assert look(place) == []


def test_bundles_that_are_over_are_read_once(tmp_path: Path) -> None:
    place = RealPlace(tmp_path)
    (tmp_path / "notes.txt").write_text("no bundle")
    (tmp_path / "empty").mkdir()
    place.begin()
    for _ in range(3):
        look(place)
    assert place.read == {OLD: 1, RUNNING: 1}
    place.kill()


def test_a_directory_that_is_missing_has_none_and_one_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    def runs(path: Path) -> DirectoryRuns:
        return DirectoryRuns(path, DirectoryCatalogue(path, usage_waits=usage_waits).look_up, is_written)

    assert asyncio.run(_look(runs(tmp_path / "none"))) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(MediaError, match="cannot be read: Not a directory"):
        asyncio.run(_look(runs(tmp_path / "file")))
