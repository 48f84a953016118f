"""Meetings whose settings change while they run: journal and recording give the same, whatever changed."""

from __future__ import annotations

import asyncio
import json
import random
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.changed_meeting import ChangedMeeting
from tests.live_bundles import find_events, rewrite_journal

from meetctl import bootstrap
from meetctl.services.verification import verify_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from tests.conftest import MeetctlRunner

    from meetctl.domain.verification import Verification

    Scene = Callable[[ChangedMeeting], Coroutine[Any, Any, None]]


def report_nothing(step: str, done: float, total: float, unit: str) -> None:
    """Progress that nobody watches."""


def verify(path: Path) -> Verification:
    return verify_bundle(
        path, source=bootstrap.frame_source(), book=bootstrap.price_book(()), progress=report_nothing
    )


def hold(meeting: ChangedMeeting, scene: Scene, *, is_killed: bool = False) -> None:
    async def run() -> None:
        await scene(meeting)
        await meeting.encoded()
        meeting.ask()
        await meeting.end(is_killed=is_killed)

    asyncio.run(run())


async def rates(meeting: ChangedMeeting) -> None:
    meeting.share("a")
    for fps in ("1", "4", "0", "1/2", "every-frame", "1", "0", "1"):
        meeting.change(fps=fps)
        await meeting.pass_time(2.3)
        meeting.ask()


async def windows_and_sizes(meeting: ChangedMeeting) -> None:
    meeting.share("a", 640, 360)
    meeting.share("b")
    for window, side, detail in ((2, 320, "low"), (12, 200, "high"), (1, 640, "low"), (20, 640, "high")):
        await meeting.pass_time(3.1)
        meeting.change(fps="4", window=window, side=side, detail=detail)
        meeting.ask()
        await meeting.encoded()
        meeting.ask()


async def eyes(meeting: ChangedMeeting) -> None:
    meeting.share("a")
    await meeting.pass_time(2.5)
    meeting.feed.shut_eyes()
    assert meeting.ask() == []
    await meeting.pass_time(2.5)
    meeting.share("b")
    await meeting.pass_time(1)
    meeting.change(fps="2")
    meeting.feed.open_eyes()
    assert meeting.ask() == []
    await meeting.pass_time(1)
    await meeting.encoded()
    assert len(meeting.ask()) == 4


async def pauses(meeting: ChangedMeeting) -> None:
    meeting.share("a")
    await meeting.pass_time(2.5)
    meeting.record("off")
    meeting.share("b")
    await meeting.pass_time(2.3)
    meeting.ask()
    await meeting.unshare("b")
    meeting.record("sampled")
    await meeting.pass_time(2.2)
    meeting.record("3")
    meeting.change(fps="2")
    await meeting.pass_time(2.2)
    meeting.record("off")
    await meeting.pass_time(1.7)


async def looks(meeting: ChangedMeeting) -> None:
    meeting.change(side=160, detail="low")
    meeting.share("a", 640, 360)
    await meeting.pass_time(2)
    meeting.ask()
    assert await meeting.feed.look() is not None
    meeting.ask()
    await meeting.pass_time(1)
    assert await meeting.feed.look() is not None
    meeting.ask("cancelled")
    meeting.feed.forget_looked()
    meeting.ask("failed")


async def switched_on_late(meeting: ChangedMeeting) -> None:
    meeting.share("a")
    await meeting.pass_time(3.4)
    meeting.ask()
    meeting.record("full")
    await meeting.pass_time(2)


SCENES: list[tuple[Scene, str]] = [
    (rates, "full"),
    (rates, "sampled"),
    (windows_and_sizes, "full"),
    (eyes, "full"),
    (eyes, "sampled"),
    (pauses, "full"),
    (pauses, "sampled"),
    (looks, "full"),
    (switched_on_late, "off"),
]


@pytest.mark.parametrize("is_killed", [False, True], ids=["ended", "killed"])
@pytest.mark.parametrize(
    ("scene", "record"), SCENES, ids=[f"{scene.__name__}-{record}" for scene, record in SCENES]
)
def test_a_meeting_that_changed_verifies(scene: Scene, record: str, is_killed: bool, tmp_path: Path) -> None:
    hold(ChangedMeeting(tmp_path / "b", record=record), scene, is_killed=is_killed)
    found = verify(tmp_path / "b")
    assert found.first_difference is None
    assert found.holds
    assert found.frames.journal == found.frames.replay > 0
    assert found.tokens.journal == found.tokens.replay > 0
    assert found.usd.journal == found.usd.replay
    assert found.usd.replay is not None
    assert found.usd.replay > 0


@pytest.mark.parametrize("seed", range(6))
def test_a_meeting_of_random_changes_verifies(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)

    async def scene(meeting: ChangedMeeting) -> None:
        meeting.share("a")
        await meeting.pass_time(0.3)
        for _ in range(25):
            match chance.randrange(8):
                case 0:
                    meeting.change(fps=chance.choice(["0", "1", "2", "10", "every-frame"]))
                case 1:
                    meeting.change(window=chance.choice([1, 5, 15]), side=chance.choice([100, 320]))
                case 2:
                    meeting.feed.shut_eyes()
                case 3 | 4:
                    meeting.feed.open_eyes()
                case 5:
                    meeting.record(chance.choice(["off", "full", "sampled", "4"]))
                case 6:
                    await meeting.feed.look()
                case _:
                    meeting.ask()
            await meeting.pass_time(chance.choice([0, 0.2, 0.9]))
        meeting.feed.open_eyes()
        meeting.change(fps="5")
        await meeting.pass_time(1)

    hold(ChangedMeeting(tmp_path / "b"), scene)
    found = verify(tmp_path / "b")
    assert found.first_difference is None
    assert found.holds
    assert found.frames.journal > 0


def drop_change(events: list[dict[str, Any]]) -> None:
    events.remove(find_events(events, "policy.changed")[1])


def move_change(events: list[dict[str, Any]]) -> None:
    find_events(events, "policy.changed")[0]["from_us"] -= 600_000


def open_early(events: list[dict[str, Any]]) -> None:
    find_events(events, "policy.changed")[0]["eyes"] = True


def reach_back(events: list[dict[str, Any]]) -> None:
    find_events(events, "policy.changed")[-1]["attaches_from_us"] = 0


def drop_pause(events: list[dict[str, Any]]) -> None:
    events.remove(find_events(events, "recording.changed")[0])


def drop_unrecorded(events: list[dict[str, Any]]) -> None:
    kept = [event for event in find_events(events, "frame.kept") if 2.5 < event["t"] < 4.7]
    events.remove(kept[0])


def resize_looked(events: list[dict[str, Any]]) -> None:
    find_events(events, "frame.looked")[0]["width"] = 2000


def drop_looked(events: list[dict[str, Any]]) -> None:
    events.remove(find_events(events, "frame.looked")[0])


@pytest.mark.parametrize(
    ("scene", "edit", "words"),
    [
        (rates, drop_change, ["frame at", "the journal does not have it"]),
        (rates, move_change, ["frame at", "the journal does not have it"]),
        (eyes, open_early, ["request-001", "nothing by the journal"]),
        (eyes, reach_back, ["request-003", "by the rule"]),
        (pauses, drop_pause, ["kept by the journal, not in the recording"]),
        (pauses, drop_unrecorded, ["the replay keeps it, the journal does not have it"]),
        (looks, resize_looked, ["request-002", "image tokens by the journal"]),
        (looks, drop_looked, ["request-002", "look-000001, which the journal does not have"]),
    ],
)
def test_a_change_that_is_told_wrongly_is_found(
    scene: Scene, edit: Callable[[list[dict[str, Any]]], None], words: list[str], tmp_path: Path
) -> None:
    hold(ChangedMeeting(tmp_path / "b"), scene)
    rewrite_journal(tmp_path / "b", edit)
    found = verify(tmp_path / "b")
    assert found.first_difference is not None
    assert [word for word in words if word not in found.first_difference] == []


def test_a_frame_that_the_recorder_lost_is_still_found_beside_a_pause(tmp_path: Path) -> None:
    """Told as coming from the recorded time, a frame of the pause is one that the recorder should have."""

    def shorten(events: list[dict[str, Any]]) -> None:
        find_events(events, "recording.changed")[0]["from_us"] += 1_000_000

    hold(ChangedMeeting(tmp_path / "b"), pauses)
    rewrite_journal(tmp_path / "b", shorten)
    assert "not in the recording" in (verify(tmp_path / "b").first_difference or "")


def test_an_audit_of_a_changed_meeting_goes_by_its_own_policy_throughout(
    meetctl: MeetctlRunner, tmp_path: Path
) -> None:
    hold(ChangedMeeting(tmp_path / "b"), rates)
    done = meetctl("replay", "--fps", "1", "--coverage", "off", "--json", tmp_path / "b")
    assert done.returncode == 0
    (recording,) = json.loads(done.stdout)["recordings"]
    (policy,) = [one for one in recording["policies"] if one["name"] == "1 fps"]
    assert policy["kept"] == 19
    assert Decimal(policy["cost"]["per_turn"]["usd"]) > 0
