"""`replay --verify`: bundles that agree with themselves, and each way in which one may not."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.live_bundles import (
    LARGE,
    Meeting,
    Shared,
    Stretch,
    find_events,
    rewrite_journal,
    write_bundle,
)
from tests.media_files import grid_ms

from meetctl import bootstrap
from meetctl.services.verification import verify_bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import MeetctlRunner

    from meetctl.domain.verification import Verification

    Edit = Callable[[list[dict[str, Any]]], None]

SCREEN = Shared(
    id="TR_a",
    stretches=(
        Stretch(times_ms=grid_ms(75)),
        Stretch(times_ms=grid_ms(60, start_ms=2500), size=LARGE),
        Stretch(times_ms=grid_ms(60, start_ms=6200)),
    ),
)
OTHER = Shared(
    id="TR_b", participant="noor", stretches=(Stretch(times_ms=grid_ms(90, start_ms=1000, fps=15)),)
)
MEETING = Meeting(tracks=(SCREEN, OTHER), asked_ms=(500, 3010, 7500))


def report_nothing(step: str, done: float, total: float, unit: str) -> None:
    """Progress that nobody watches."""


def verify(path: Path) -> Verification:
    return verify_bundle(
        path, source=bootstrap.frame_source(), book=bootstrap.price_book(()), progress=report_nothing
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("written") / "bundle", MEETING)


@pytest.fixture
def bundle(written: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "bundle"
    shutil.copytree(written, copy)
    return copy


@pytest.mark.parametrize(
    "meeting",
    [
        MEETING,
        replace(MEETING, is_joined=False, has_ended=False),
        replace(MEETING, record="sampled"),
        replace(MEETING, fps="30000/1001"),
        replace(MEETING, fps="every-frame", window=3),
        replace(MEETING, fps="0.4"),
        replace(MEETING, lost_ms=frozenset({1500, 4033, 7000})),
        replace(MEETING, provider="openai", image_usd=lambda tokens: str(tokens * Decimal("0.000002"))),
    ],
    ids=["whole", "segments", "sampled", "broadcast-rate", "every-frame", "slow", "losses", "paid"],
)
def test_bundle_of_the_agent_s_own_decisions_verifies(meeting: Meeting, tmp_path: Path) -> None:
    found = verify(write_bundle(tmp_path / "b", meeting))
    assert found.first_difference is None
    assert found.holds
    assert found.frames.journal == found.frames.replay > 0
    assert found.tokens.journal == found.tokens.replay > 0
    assert found.usd.journal == found.usd.replay
    assert found.list_usd.journal == found.list_usd.replay == found.tokens.replay * Decimal("0.000002")
    assert found.requests == 3


@pytest.mark.parametrize("name", ["quarterly-review", "code-walkthrough"])
def test_drawn_bundle_verifies_and_says_what_its_journal_lacks(recordings: Path, name: str) -> None:
    found = verify(recordings / name)
    assert (found.holds, found.first_difference) == (True, None)
    assert found.frames.journal == found.frames.replay in (75, 90)
    (note,) = found.notes
    assert "does not say what images cost" in note


def drop_kept(events: list[dict[str, Any]]) -> None:
    events.remove(find_events(events, "frame.kept")[1])


def move_kept(events: list[dict[str, Any]]) -> None:
    find_events(events, "frame.kept")[1]["t_us"] += 33_000


def invent_kept(events: list[dict[str, Any]]) -> None:
    kept = find_events(events, "frame.kept")[0]
    events.insert(events.index(kept) + 1, {**kept, "frame": "frame-x", "t_us": 123_456})


def invent_track(events: list[dict[str, Any]]) -> None:
    kept = find_events(events, "frame.kept")[0]
    events.insert(events.index(kept), {**kept, "frame": "frame-x", "track": "TR_z"})


def resize_kept(events: list[dict[str, Any]]) -> None:
    find_events(events, "frame.kept")[0]["width"] = 300


def swap_image(events: list[dict[str, Any]]) -> None:
    images = find_events(events, "llm.request")[1]["images"]
    images[0], images[1] = images[1], images[0]


def drop_image(events: list[dict[str, Any]]) -> None:
    find_events(events, "llm.request")[1]["images"].pop(0)


def miscount(events: list[dict[str, Any]]) -> None:
    find_events(events, "llm.request")[2]["image_tokens"] += 1


def forget_tokens(events: list[dict[str, Any]]) -> None:
    del find_events(events, "llm.request")[2]["image_tokens"]


def charge(events: list[dict[str, Any]]) -> None:
    find_events(events, "llm.request")[0]["image_usd"] = "0.01"


def add_up_wrongly(events: list[dict[str, Any]]) -> None:
    events[-1]["cost"][0]["quantity"] += 1


def forget_line(events: list[dict[str, Any]]) -> None:
    del events[-1]["cost"][0]


def widen(events: list[dict[str, Any]]) -> None:
    events[0]["policy"]["window"] = 6


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (drop_kept, ["frame at 1.000 s of screen of maya (TR_a)", "the journal does not have it"]),
        (move_kept, ["frame at 1.000 s of screen of maya (TR_a)", "the journal does not have it"]),
        (invent_kept, ["frame-x at 0.123 s of screen of maya (TR_a)", "not in the recording"]),
        (invent_track, ["frame-x at 0.000 s of TR_z", "not in the recording"]),
        (resize_kept, ["frame-000000 at 0.000 s of screen of maya (TR_a)", "300x180", "320x180"]),
        (swap_image, ["request-002 at 3.010 s", "by the journal", "by the rule"]),
        (drop_image, ["request-002 at 3.010 s", "by the journal", "by the rule"]),
        (miscount, ["request-003 at 7.500 s", "1,276 image tokens by the journal", "1,275 by the rule"]),
        (forget_tokens, ["request-003 at 7.500 s", "none image tokens by the journal"]),
        (charge, ["request-001 at 0.500 s", "$0.01 by the journal", "$0 by the price book"]),
        (add_up_wrongly, ["session.ended", "offline gpt-4.1 input_tokens", "the usage events come to"]),
        (forget_line, ["session.ended: it says nothing of offline gpt-4.1 input_tokens"]),
        (widen, ["request-002 at 3.010 s"]),
    ],
)
def test_each_kind_of_difference_is_found_and_named(bundle: Path, edit: Edit, words: list[str]) -> None:
    rewrite_journal(bundle, edit)
    found = verify(bundle)
    assert not found.holds
    assert found.first_difference is not None
    assert [word for word in words if word not in found.first_difference] == []
    assert "\n" not in found.first_difference


def test_first_difference_is_the_earliest_of_all(bundle: Path) -> None:
    def edit(events: list[dict[str, Any]]) -> None:
        find_events(events, "llm.request")[2]["image_tokens"] += 1
        kept = find_events(events, "frame.kept")
        events.remove([event for event in kept if event["track"] == "TR_b"][-1])
        charge(events)

    rewrite_journal(bundle, edit)
    assert "request-001" in (verify(bundle).first_difference or "")


def test_kept_frame_that_the_recorder_lost_is_named(tmp_path: Path) -> None:
    found = verify(write_bundle(tmp_path / "b", replace(MEETING, lost_ms=frozenset({1000}))))
    assert "frame-000001 at 1.000 s of screen of maya (TR_a)" in (found.first_difference or "")
    assert "not in the recording" in (found.first_difference or "")


def test_frame_that_the_journal_s_times_would_have_kept_is_found(tmp_path: Path) -> None:
    """A sampled recording lacks it, so the sampler over recorded frames alone would not notice."""
    bundle = write_bundle(tmp_path / "b", replace(MEETING, record="sampled"))
    rewrite_journal(bundle, lambda events: events[0]["policy"].update(fps="2"))
    assert "frame at 0.500 s" in (verify(bundle).first_difference or "")


def cut_journal(bundle: Path, until_s: float, *, torn: bytes = b'{"v":1,"seq":9') -> None:
    path = bundle / "events.jsonl"
    lines = [line for line in path.read_text().splitlines() if json.loads(line)["t"] <= until_s]
    path.write_bytes("".join(f"{line}\n" for line in lines).encode() + torn)


def test_killed_session_with_a_torn_last_line_verifies_up_to_its_end(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "b", replace(MEETING, has_ended=False, is_joined=False))
    cut_journal(bundle, 7.6)
    found = verify(bundle)
    assert found.first_difference is None
    assert (found.frames.journal, found.frames.replay) == (13, 13)
    assert any("compared up to 7.200 s" in note for note in found.notes)


def test_killed_session_may_lack_its_last_second_on_either_side(tmp_path: Path) -> None:
    meeting = replace(MEETING, has_ended=False, is_joined=False)
    bundle = write_bundle(tmp_path / "journal", meeting)
    cut_journal(bundle, 7.1)
    found = verify(bundle)
    assert (found.first_difference, found.frames.journal, found.frames.replay) == (None, 12, 13)
    lost = frozenset(t_ms for t_ms in grid_ms(60, start_ms=6200) if t_ms >= 7200)
    found = verify(write_bundle(tmp_path / "media", replace(meeting, lost_ms=lost)))
    assert (found.first_difference, found.frames.journal, found.frames.replay) == (None, 13, 12)


def test_killed_session_may_not_lack_more_than_that(tmp_path: Path) -> None:
    meeting = replace(MEETING, has_ended=False, is_joined=False)
    lost = frozenset(t_ms for t_ms in grid_ms(60, start_ms=6200) if t_ms < 7200)
    found = verify(write_bundle(tmp_path / "media", replace(meeting, lost_ms=lost)))
    assert "6.200 s" in (found.first_difference or "")


def test_ended_session_may_lack_nothing(bundle: Path) -> None:
    rewrite_journal(bundle, lambda events: events.remove(find_events(events, "frame.kept")[-1]))
    assert "the journal does not have it" in (verify(bundle).first_difference or "")


def remove_journal(bundle: Path) -> None:
    (bundle / "events.jsonl").unlink()


def remove_media(bundle: Path) -> None:
    (bundle / "meeting.mkv").unlink()


def cut_media(bundle: Path) -> None:
    data = (bundle / "meeting.mkv").read_bytes()
    (bundle / "meeting.mkv").write_bytes(data[: len(data) // 2])


def lose_event(bundle: Path) -> None:
    path = bundle / "events.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:3], *lines[4:]]))


def break_line(bundle: Path) -> None:
    path = bundle / "events.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, "{broken}\n"]))


def forget_policy(bundle: Path) -> None:
    rewrite_journal(bundle, lambda events: events[0].pop("policy"))


def empty_journal(bundle: Path) -> None:
    (bundle / "events.jsonl").write_text("")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (remove_journal, r"no events.jsonl"),
        (remove_media, "without meeting.mkv"),
        (cut_media, "is cut off"),
        (lose_event, "lacks 1 events"),
        (break_line, "lacks 1 events"),
        (forget_policy, "does not say its policy"),
        (empty_journal, "does not say its policy"),
    ],
)
def test_what_cannot_be_decided_says_why(bundle: Path, spoil: Callable[[Path], None], why: str) -> None:
    spoil(bundle)
    found = verify(bundle)
    assert (found.holds, found.is_decided) == (False, False)
    assert why in (found.first_difference or "")


def test_command_ends_with_4_and_names_the_first_difference_of_each_bundle(
    meetctl: MeetctlRunner, bundle: Path, recordings: Path
) -> None:
    rewrite_journal(bundle, miscount)
    good = recordings / "quarterly-review"
    done = meetctl("replay", "--verify", "--json", good, bundle)
    assert done.returncode == 4
    document = json.loads(done.stdout)
    assert (document["schema"], document["ok"]) == ("meetctl.verify/1", False)
    first, second = document["bundles"]
    assert (first["ok"], first["first_difference"], first["frames"]) == (
        True, None, {"journal": 75, "replay": 75}
    )  # fmt: skip
    assert (first["tokens"]["replay"], first["list_usd"]["replay"]) == (37570, "0.075140")
    assert second["first_difference"].startswith("request-003 at 7.500 s")
    assert done.stderr.splitlines() == [f"meetctl: {second['first_difference']}"]


def test_command_prints_what_it_compared(meetctl: MeetctlRunner, recordings: Path, tmp_path: Path) -> None:
    done = meetctl("replay", "--verify", recordings / "quarterly-review", "-o", tmp_path / "out.txt")
    assert (done.returncode, done.stdout) == (0, "")
    text = " ".join((tmp_path / "out.txt").read_text().split())
    assert "verified" in text
    assert "75 kept frames and 7 requests with 37,570 image tokens" in text
    assert "$0.0751 at gpt-4.1's list price" in text


@pytest.mark.parametrize(
    "option",
    [("--fps", "1"), ("--sweep",), ("--assert", "usd<1"), ("--format", "html"), ("--at", "2026-01-01")],
)
def test_options_of_an_audit_are_refused(
    meetctl: MeetctlRunner, bundle: Path, option: tuple[str, ...]
) -> None:
    done = meetctl("replay", "--verify", *option, bundle)
    assert done.returncode == 2
    assert "--verify" in done.stderr
