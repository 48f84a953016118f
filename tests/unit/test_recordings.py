"""The sample recordings: what is stored, and that drawing them again gives the same."""

from __future__ import annotations

import importlib
import itertools
import json
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT / "recordings"
NAMES = ("quarterly-review", "code-walkthrough")
MAX_BYTES = 3_000_000
COMMON_FIELDS = {"v", "seq", "ts", "t", "type", "session_id", "tenant_id", "room"}


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def drawn(name: str) -> tuple[Any, Any]:
    meeting, screen = importlib.import_module("recordings.catalogue").catalogue()[name]
    return meeting, screen


def document(name: str, file: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((RECORDINGS / name / file).read_text(encoding="utf-8"))
    return loaded


def journal(name: str) -> list[dict[str, Any]]:
    lines = (RECORDINGS / name / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_every_bundle_is_below_three_megabytes(name: str) -> None:
    sizes = [file.stat().st_size for file in (RECORDINGS / name).iterdir()]
    assert 0 < sum(sizes) < MAX_BYTES


def test_video_has_thirty_frames_a_second_at_720_lines_and_a_keyframe_every_ten_seconds(name: str) -> None:
    import av

    truth = document(name, "truth.json")
    frame_time_us = 1_000_000 // 30
    with av.open(str(RECORDINGS / name / "meeting.mkv")) as container:
        stream = container.streams.video[0]
        packets = [
            (packet.pts, packet.is_keyframe) for packet in container.demux(stream) if packet.pts is not None
        ]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.average_rate) == (1280, 720, Fraction(30))
        assert len(container.streams.audio) == 1
    times_ms = sorted(pts for pts, _ in packets)
    assert len(times_ms) == truth["frames"] == truth["duration_s"] * 30
    assert all(abs(ms * 1000 - index * frame_time_us) <= 1500 for index, ms in enumerate(times_ms))
    keyframes_ms = sorted(pts for pts, is_keyframe in packets if is_keyframe)
    gaps_ms = [after - before for before, after in itertools.pairwise([*keyframes_ms, times_ms[-1]])]
    assert keyframes_ms[0] == 0
    assert max(gaps_ms) <= 10_000


def test_audio_is_loud_while_somebody_speaks_and_silent_otherwise(name: str) -> None:
    import av
    import numpy as np

    with av.open(str(RECORDINGS / name / "meeting.mkv")) as container:
        parts = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    sound = np.concatenate(parts).astype(np.float64)
    speech = document(name, "truth.json")["speech"]
    for span in speech:
        assert np.abs(sound[int(span["start"] * 48_000) : int(span["end"] * 48_000)]).max() > 0.3
    for before, after in itertools.pairwise(speech):
        pause = sound[int((before["end"] + 0.1) * 48_000) : int((after["start"] - 0.1) * 48_000)]
        assert np.abs(pause).max() < 0.02


def test_truth_is_sorted_and_within_the_recording(name: str) -> None:
    truth = document(name, "truth.json")
    assert truth["schema"] == "meetctl.truth/1"
    times = [change["t"] for change in truth["changes"]]
    assert times == sorted(set(times))
    assert times[0] > 0
    assert times[-1] < truth["duration_s"]
    assert all(change["what"] for change in truth["changes"])
    edges = [edge for span in truth["speech"] for edge in (span["start"], span["end"])]
    assert edges == sorted(edges)
    assert edges[-1] <= truth["duration_s"]


@pytest.mark.usefixtures("scripts")
def test_screen_differs_at_every_change_and_only_there(name: str) -> None:
    meeting, screen = drawn(name)
    at = importlib.import_module("recordings.meeting").frame_at
    planned = {at(change.t_s) for change in meeting.changes}
    moving: set[int] = set()
    if name == "code-walkthrough":
        module = importlib.import_module("recordings.code_walkthrough")
        for scroll in (*module.EDITOR_SCROLLS, *module.DOCUMENT_SCROLLS):
            moving.update(range(at(scroll.start_s), at(scroll.end_s)))
    shown = [screen.planes(0).tobytes()]
    for index in range(1, meeting.frame_count):
        if index not in planned | moving and index - 1 not in planned | moving and index % 50:
            continue
        before, now = screen.planes(index - 1).tobytes(), screen.planes(index).tobytes()
        if index in planned:
            assert now != before, index
        elif index not in moving:
            assert now == before, index
        shown.append(now)
    assert len(set(shown)) > len(planned)


def test_one_frame_a_second_misses_changes_of_the_code_walkthrough_only() -> None:
    missed = {}
    for name in NAMES:
        truth = document(name, "truth.json")
        times = [change["t"] for change in truth["changes"]]
        spans = itertools.pairwise([*times, truth["duration_s"]])
        missed[name] = sum(1 for start, end in spans if not any(start <= s < end for s in range(120)))
    assert missed == {"quarterly-review": 0, "code-walkthrough": 3}


def test_events_are_numbered_without_gaps_and_never_run_backwards(name: str) -> None:
    events = journal(name)
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert all(event.keys() >= COMMON_FIELDS and event["v"] == 1 for event in events)
    assert [event["t"] for event in events] == sorted(event["t"] for event in events)
    stamps = [datetime.fromisoformat(event["ts"]) for event in events]
    assert stamps == sorted(stamps)
    assert (events[0]["type"], events[-1]["type"]) == ("session.started", "session.ended")
    assert events[-1]["t"] <= document(name, "truth.json")["duration_s"]


def test_every_turn_has_both_transcripts_and_one_request_with_kept_frames(name: str) -> None:
    events = journal(name)
    kept_at = {event["frame"]: event["t"] for event in events if event["type"] == "frame.kept"}
    turns = [event["turn"] for event in events if event["type"] == "turn.started"]
    assert 5 <= len(turns) <= 8
    for turn in turns:
        own = [event for event in events if event.get("turn") == turn]
        kinds = [event["type"] for event in own]
        assert (kinds[0], kinds[-1]) == ("turn.started", "turn.ended")
        assert [event["role"] for event in own if event["type"] == "transcript"] == ["user", "assistant"]
        (request,) = (event for event in own if event["type"] == "llm.request")
        assert 1 <= len(request["images"]) <= 5
        assert all(request["t"] - 5 < kept_at[frame] <= request["t"] for frame in request["images"])
        assert request["image_tokens"] == 1105 * len(request["images"])
        assert (request["provider"], request["basis"], request["outcome"]) == ("offline", "estimated", "done")


def test_told_frame_times_are_those_of_the_recording(name: str) -> None:
    import av

    told = [t_us for event in journal(name) if event["type"] == "video.frames" for t_us in event["t_us"]]
    with av.open(str(RECORDINGS / name / "meeting.mkv")) as container:
        times = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    assert told == [1000 * pts for pts in sorted(times)]


def test_session_says_that_it_was_drawn_and_holds_the_same_digest_as_the_truth(name: str) -> None:
    session, truth = document(name, "session.json"), document(name, "truth.json")
    assert session["recording"] == "drawn"
    assert session["session_id"] == journal(name)[0]["session_id"]
    assert len(bytes.fromhex(session["frames_sha256"])) == 32
    assert session["frames_sha256"] == truth["frames_sha256"]


@pytest.mark.usefixtures("scripts")
def test_stored_texts_are_those_that_the_script_makes(name: str) -> None:
    meeting, _ = drawn(name)
    stored = document(name, "session.json")
    texts = importlib.import_module("recordings.bundle").texts(meeting, stored["frames_sha256"])
    assert texts["events.jsonl"] == (RECORDINGS / name / "events.jsonl").read_text(encoding="utf-8")
    assert texts["truth.json"] == (RECORDINGS / name / "truth.json").read_text(encoding="utf-8")
    made = json.loads(texts["session.json"])
    assert made | {"versions": stored["versions"]} == stored


@pytest.mark.usefixtures("scripts")
def test_first_three_seconds_drawn_twice_are_identical(name: str) -> None:
    film = importlib.import_module("recordings.film")
    camera = importlib.import_module("recordings.camera")
    meeting, screen = drawn(name)
    first = list(film.frames(meeting, screen, 90))
    camera.camera_planes.cache_clear()
    assert list(film.frames(meeting, screen, 90)) == first
    assert len(set(first)) > 45
    assert {len(raw) for raw in first} == {1280 * 720 * 3 // 2}


@pytest.mark.usefixtures("scripts")
def test_shortened_meeting_keeps_only_what_fits(name: str) -> None:
    meeting, _ = drawn(name)
    short = importlib.import_module("recordings.catalogue").shortened(meeting, 20)
    assert short.duration_s == 20
    assert all(change.t_s < 20 for change in short.changes)
    assert all(turn.answer.end_s <= 20 for turn in short.turns)
    events = importlib.import_module("recordings.journal").events(short)
    assert events[-1]["type"] == "session.ended"
    assert events[-1]["t"] == 20
