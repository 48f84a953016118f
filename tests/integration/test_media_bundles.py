"""Bundles: the session's media clock, its journal and its parts, whole and broken."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from tests.media_files import Video, grid_ms, write_media

from meetctl.adapters.media_av import AvFrameSource
from meetctl.domain.events import parse_journal
from meetctl.domain.sampler import Sampler
from meetctl.errors import MediaError

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.domain.recording import Recording

SOURCE = AvFrameSource()
NAMES = ("quarterly-review", "code-walkthrough")


def report_nothing(step: str, done: float, total: float, unit: str) -> None:
    """Progress that nobody watches."""


def read(path: Path) -> Recording:
    return SOURCE.read(path, report_nothing)


def make_line(seq: int, t_s: float, kind: str = "llm.request", **fields: object) -> str:
    event = {"v": 1, "seq": seq, "ts": "2026-11-16T09:00:00.000000Z", "t": t_s, "type": kind}
    return json.dumps({**event, "session_id": "s", "tenant_id": None, "room": "r", **fields}) + "\n"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A small whole bundle: two seconds from the third second of the session on."""
    directory = tmp_path / "bundle"
    directory.mkdir()
    write_media(directory / "meeting.mkv", Video(times_ms=grid_ms(60, start_ms=3000)))
    session = {"schema": "meetctl.session/1", "started_at": "2026-11-16T10:30:00+01:30"}
    (directory / "session.json").write_text(json.dumps(session))
    lines = [make_line(0, 0, "session.started"), make_line(1, 3.5), make_line(2, 4.25)]
    (directory / "events.jsonl").write_text("".join(lines))
    return directory


@pytest.mark.parametrize("name", NAMES)
def test_replay_keeps_exactly_the_frames_that_the_agent_kept(recordings: Path, name: str) -> None:
    recording = read(recordings / name)
    (track,) = recording.tracks
    journal = (recordings / name / "events.jsonl").read_bytes()
    agent = [event for event in parse_journal(journal) if event and event.type == "frame.kept"]
    fps = json.loads((recordings / name / "session.json").read_text())["config"]["fps"]
    kept = [track.t_us[index] for index in Sampler(Fraction(fps)).select(track.t_us)]
    assert kept == [event.fields["t_us"] for event in agent]


@pytest.mark.parametrize("name", NAMES)
def test_sample_bundle_is_whole_and_on_the_session_s_clock(recordings: Path, name: str) -> None:
    recording = read(recordings / name)
    truth = json.loads((recordings / name / "truth.json").read_text())
    (track,) = recording.tracks
    assert (recording.kind, recording.damaged, recording.warnings) == ("bundle", False, ())
    assert (len(track.t_us), track.fps) == (truth["frames"], truth["fps"])
    assert track.t_us[0] == 0
    assert abs(recording.duration_us - 1_000_000 * truth["duration_s"]) < 100_000
    assert recording.has_audio
    assert recording.recorded_at_source == "session.json"
    assert len(recording.request_times_us or ()) == len(truth["speech"]) // 2


def test_bundle_keeps_its_own_clock_where_a_file_starts_at_zero(bundle: Path) -> None:
    assert read(bundle).tracks[0].t_us[0] == 3_000_000
    assert read(bundle / "meeting.mkv").tracks[0].t_us[0] == 0
    assert abs(read(bundle).duration_us - 5_000_000) < 2000
    pictures = SOURCE.pictures(read(bundle), 0, report_nothing)
    assert [picture.t_us // 1000 for picture in pictures] == grid_ms(60, start_ms=3000)


def test_requests_and_start_come_from_journal_and_session(bundle: Path) -> None:
    recording = read(bundle)
    assert recording.request_times_us == (3_500_000, 4_250_000)
    assert recording.recorded_at.isoformat() == "2026-11-16T09:00:00+00:00"
    assert (recording.damaged, recording.warnings) == (False, ())


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("{ not json", "cannot be read"),
        ("[1, 2]", "is not a JSON object"),
        ("\udcff", "cannot be read"),
        (None, "is missing"),
    ],
)
def test_without_a_usable_session_the_time_is_the_file_s(
    bundle: Path, text: str | None, warning: str
) -> None:
    path = bundle / "session.json"
    path.unlink()
    if text is not None:
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    recording = read(bundle)
    assert recording.recorded_at_source == "file time"
    assert [warning in line for line in recording.warnings] == [True]


@pytest.mark.parametrize("started", ["yesterday", None, 5, "2026-11-16T09:00:00"])
def test_session_without_a_usable_start_falls_back_to_the_file(bundle: Path, started: object) -> None:
    (bundle / "session.json").write_text(json.dumps({"started_at": started}))
    assert read(bundle).recorded_at_source == "file time"


def test_line_that_is_still_being_written_is_no_damage(bundle: Path) -> None:
    journal = bundle / "events.jsonl"
    journal.write_text(journal.read_text() + make_line(3, 4.5)[:40])
    recording = read(bundle)
    assert recording.request_times_us == (3_500_000, 4_250_000)
    assert (recording.damaged, recording.warnings) == (False, ())


def test_broken_and_lost_lines_are_counted_and_the_rest_is_used(bundle: Path) -> None:
    journal = bundle / "events.jsonl"
    journal.write_text(journal.read_text() + "{broken}\n" + make_line(5, 4.75) + "\n[]\n")
    recording = read(bundle)
    assert recording.request_times_us == (3_500_000, 4_250_000, 4_750_000)
    assert recording.damaged
    assert len(recording.warnings) == 2
    assert "2 unreadable lines" in recording.warnings[0]
    assert "lacks 2 events" in recording.warnings[1]


@pytest.mark.parametrize("text", ["", make_line(0, 0, "session.started")])
def test_journal_without_requests_means_that_nobody_asked(bundle: Path, text: str) -> None:
    (bundle / "events.jsonl").write_text(text)
    assert read(bundle).request_times_us == ()


def test_without_a_journal_nothing_is_known_of_requests(bundle: Path) -> None:
    (bundle / "events.jsonl").unlink()
    recording = read(bundle)
    assert recording.request_times_us is None
    assert not recording.damaged


@pytest.fixture
def segments(bundle: Path) -> Path:
    """A bundle in the middle of its meeting: segments, and no meeting.mkv yet."""
    directory = bundle / "segments"
    directory.mkdir()
    (bundle / "meeting.mkv").unlink()
    write_media(directory / "0001.mkv", Video(times_ms=grid_ms(30)))
    write_media(directory / "0002.mkv", Video(times_ms=grid_ms(30, start_ms=2000), width=160, height=120))
    return bundle


def test_segments_are_tracks_on_one_clock(segments: Path) -> None:
    recording = read(segments)
    assert [(t.name, t.t_us[0], t.runs[0].width) for t in recording.tracks] == [
        ("0001 video", 0, 320),
        ("0002 video", 2_000_000, 160),
    ]
    assert recording.duration_us == 4_250_000, "the journal goes on after the last frame"
    assert [path.name for path in recording.media] == ["0001.mkv", "0002.mkv"]
    assert [p.index for p in SOURCE.pictures(recording, 1, report_nothing)] == list(range(30))


@pytest.mark.parametrize("data", [b"", b"\x1aE\xdf\xa3"])
def test_segment_that_holds_nothing_yet_does_not_lose_the_others(segments: Path, data: bytes) -> None:
    (segments / "segments" / "0003.mkv").write_bytes(data)
    recording = read(segments)
    assert len(recording.tracks) == len(recording.media) == 2
    assert recording.damaged
    (warning,) = recording.warnings
    assert "0003.mkv" in warning
    assert "left out" in warning


def test_bundle_of_which_nothing_can_be_read_says_why(segments: Path) -> None:
    for path in (segments / "segments").iterdir():
        path.write_bytes(b"nothing")
    with pytest.raises(MediaError, match=r"0001\.mkv is no media file"):
        read(segments)


def test_bundle_whose_recording_is_cut_off_is_damaged(recordings: Path, tmp_path: Path) -> None:
    copy = tmp_path / "cut"
    shutil.copytree(recordings / "quarterly-review", copy)
    data = (copy / "meeting.mkv").read_bytes()
    (copy / "meeting.mkv").write_bytes(data[: 6 * len(data) // 10])
    recording = read(copy)
    assert recording.damaged
    assert len(recording.warnings) == 1
    assert "is cut off" in recording.warnings[0]
