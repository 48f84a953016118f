"""Bundles of live meetings: tracks in several segments, frames that were not recorded, one window."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.live_bundles import LARGE, SMALL, Meeting, Shared, Stretch, rewrite_journal, write_bundle
from tests.media_files import grid_ms

from meetctl import bootstrap
from meetctl.adapters.media_av import AvFrameSource
from meetctl.domain.policy import Policy
from meetctl.domain.recording import SizeRun, sizes_of, take_recorded
from meetctl.services.replay import AuditRequest, audit_recording

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MeetctlRunner

    from meetctl.domain.audit import RecordingAudit
    from meetctl.domain.recording import Recording

SOURCE = AvFrameSource()
RESIZED = Shared(
    id="TR_screen",
    stretches=(
        Stretch(times_ms=grid_ms(75)),
        Stretch(times_ms=grid_ms(60, start_ms=2500), size=LARGE),
        Stretch(times_ms=grid_ms(60, start_ms=6200)),
    ),
)
CAMERA = Shared(
    id="TR_camera", source="camera", stretches=(Stretch(times_ms=grid_ms(45, start_ms=1000, fps=15)),)
)
ONE = Shared(id="TR_screen", stretches=(Stretch(times_ms=grid_ms(180)),))


def report_nothing(step: str, done: float, total: float, unit: str) -> None:
    """Progress that nobody watches."""


def read(path: Path) -> Recording:
    return SOURCE.read(path, report_nothing)


def audit(path: Path, *policies: Policy, coverage: str = "off") -> RecordingAudit:
    base = Policy(name="1 fps", fps=None)
    request = AuditRequest(base=base, policies=policies, coverage=coverage)  # type: ignore[arg-type]
    return audit_recording(
        path, request, source=SOURCE, book=bootstrap.price_book(()), progress=report_nothing
    )


def at_rate(rate: str, **changes: object) -> Policy:
    from fractions import Fraction

    return replace(Policy(name=f"{rate} fps", fps=Fraction(rate)), **changes)  # type: ignore[arg-type]


@pytest.fixture(params=[True, False], ids=["joined", "segments"])
def resized(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    meeting = Meeting(tracks=(RESIZED, CAMERA), asked_ms=(1500, 4000, 7800), is_joined=request.param)
    return write_bundle(tmp_path / "resized", meeting)


def test_streams_of_one_track_are_one_track_in_the_order_of_their_times(resized: Path) -> None:
    recording = read(resized)
    screen, camera = recording.tracks
    assert [(track.id, track.name) for track in recording.tracks] == [
        ("TR_screen", "screen of maya"),
        ("TR_camera", "camera of maya"),
    ]
    assert [t_us // 1000 for t_us in screen.t_us] == [t for s in RESIZED.stretches for t in s.times_ms]
    assert screen.runs == (
        SizeRun(first=0, width=320, height=180),
        SizeRun(first=75, width=640, height=360),
        SizeRun(first=135, width=320, height=180),
    )
    assert [part.first for part in screen.parts] == [0, 75, 135]
    assert (screen.recorded, camera.recorded, camera.further) == (None, None, ())
    assert (recording.damaged, recording.warnings, recording.has_audio) == (False, (), True)


def test_pictures_of_a_track_go_through_its_parts_in_order(resized: Path) -> None:
    recording = read(resized)
    (screen, _) = recording.tracks
    pictures = [(picture.index, picture.t_us) for picture in SOURCE.pictures(recording, 0, report_nothing)]
    assert pictures == list(enumerate(screen.t_us))


def test_sampler_runs_on_over_a_change_of_size(resized: Path) -> None:
    (one,) = audit(resized, at_rate("1")).tracks[0][1:]
    assert [t_us // 1000 for t_us in one.kept_us[0]] == [0, 1000, 2000, 3000, 4000, 6200, 7200]
    assert one.tokens_per_frame is None


def test_a_request_takes_the_last_frames_of_all_tracks_together(resized: Path) -> None:
    result = audit(resized, at_rate("1", window=3))
    one = result.policies[1]
    assert one.costs["per_turn"].sent == 9
    # At 4.0 s the screen of 3.0 and 4.0 s is taken, and the camera of 3.0 s, which comes in between.
    assert [policies[1].costs["per_turn"].sent for policies in result.tracks] == [2 + 2 + 3, 1 + 1 + 0]


def test_exported_labels_count_over_all_tracks(resized: Path, meetctl: MeetctlRunner, tmp_path: Path) -> None:
    done = meetctl("replay", "--fps", "1", "--coverage", "off", "--frames", tmp_path / "frames", resized)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "frames" / "resized" / "labels.jsonl").read_text().splitlines()
    first = json.loads(lines[0])
    assert first["t"] == 1.5
    assert [frame["file"][:7] for frame in first["frames"]] == ["track-0", "track-1", "track-0"]
    assert [frame["label"] for frame in first["frames"]] == [
        "first visible frame, 1.5 s ago",
        "frame 2 of 3, 0.5 s ago",
        "most recent frame, 0.5 s ago",
    ]


@pytest.fixture
def sampled(tmp_path: Path) -> Path:
    """Recorded at 1 frame a second; the journal has all 30."""
    meeting = Meeting(tracks=(ONE,), asked_ms=(2500, 5500), record="sampled")
    return write_bundle(tmp_path / "sampled", meeting)


def test_frames_that_were_not_recorded_are_known_from_the_journal(sampled: Path) -> None:
    (track,) = read(sampled).tracks
    assert [t_us // 1000 for t_us in track.t_us] == grid_ms(180)
    assert list(track.recorded or ()) == [0, 30, 60, 90, 120, 150]
    assert (track.fps, take_recorded(track).fps) == (30.0, 1.0)
    assert len(track.size_bytes) == len(track.keyframe) == 180
    assert set(sizes_of(track, range(180))) == {SMALL}


def test_costs_and_baseline_are_of_all_frames_that_came(sampled: Path) -> None:
    baseline, two = audit(sampled, at_rate("2")).policies
    assert (baseline.policy.name, baseline.kept, two.kept) == ("30 fps", 180, 12)


def test_coverage_cannot_be_told_at_or_beyond_the_recorded_rate(sampled: Path) -> None:
    result = audit(sampled, at_rate("2"), at_rate("1"), at_rate("0.5"), coverage="decode")
    assert [policy.coverage.changes is None for policy in result.policies] == [True, True, True, False]
    (warning,) = result.warnings
    assert "6 of 180 frames were recorded" in warning
    assert not result.recording.damaged


def test_cost_alone_needs_no_warning(sampled: Path) -> None:
    assert audit(sampled, at_rate("2")).warnings == ()


def test_gate_chooses_among_recorded_frames(sampled: Path) -> None:
    gated = at_rate("5", gate=0)
    kept = audit(sampled, gated).policies[1].kept_us[0]
    assert {t_us % 1_000_000 for t_us in kept} == {0}


def test_pictures_of_recorded_frames_have_their_place_among_all(sampled: Path) -> None:
    recording = read(sampled)
    indexes = [picture.index for picture in SOURCE.pictures(recording, 0, report_nothing)]
    assert indexes == [0, 30, 60, 90, 120, 150]


def test_frames_that_cannot_be_exported_have_no_file(
    sampled: Path, meetctl: MeetctlRunner, tmp_path: Path
) -> None:
    done = meetctl("replay", "--fps", "2", "--coverage", "off", "--frames", tmp_path / "frames", sampled)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "frames" / "sampled" / "labels.jsonl").read_text().splitlines()
    assert [frame["file"] is None for frame in json.loads(lines[0])["frames"]] == [
        True, False, True, False, True
    ]  # fmt: skip


def test_unrecorded_frame_of_another_size_costs_what_it_was(tmp_path: Path) -> None:
    second = Stretch(times_ms=grid_ms(30, start_ms=1000), size=LARGE)
    track = Shared(id="TR_1", stretches=(Stretch(times_ms=grid_ms(30)), second))
    bundle = write_bundle(tmp_path / "b", Meeting(tracks=(track,), record="sampled"))
    (read_track,) = read(bundle).tracks
    assert sizes_of(read_track, [0, 29, 30, 31, 59]) == [SMALL, SMALL, LARGE, LARGE, LARGE]


def test_size_of_an_unrecorded_frame_is_the_one_before_where_the_journal_does_not_say(sampled: Path) -> None:
    def forget_sizes(events: list[dict[str, object]]) -> None:
        for event in events:
            if event["type"] == "video.frames":
                del event["width"]

    rewrite_journal(sampled, forget_sizes)
    assert set(sizes_of(read(sampled).tracks[0], range(180))) == {SMALL}


def test_every_output_can_show_a_recording_in_part_and_one_with_two_tracks(
    sampled: Path, meetctl: MeetctlRunner, tmp_path: Path
) -> None:
    two = write_bundle(tmp_path / "two", Meeting(tracks=(RESIZED, CAMERA), asked_ms=(1500,)))
    saved = tmp_path / "audit.duckdb"
    for form in ("table", "csv", "html"):
        done = meetctl("replay", "--fps", "0.5", "--save", saved, "--format", form, sampled, two)
        assert (done.returncode, bool(done.stdout)) == (0, True), done.stderr
        assert done.stderr.count("6 of 180 frames were recorded") == 1
