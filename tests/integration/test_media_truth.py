"""What is found in the sample recordings, held against what was drawn and spoken in them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from tests.media_files import Video, grid_ms, write_media

from meetctl.adapters.media_av import AvFrameSource
from meetctl.domain.packet_changes import estimate_changes
from meetctl.domain.turns import requests_after_speech
from meetctl.services.changes import SAMPLE_US, ChangeDetector
from meetctl.services.look import Look, look_at_pictures

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from meetctl.domain.recording import Recording, SpeechSpan

SOURCE = AvFrameSource()
WITHIN_US = 500_000
ESTIMATED_S = {
    "quarterly-review": [
        6.4, 9.2, 14.867, 18.4, 26.6, 28.367, 40.3, 47.833, 51.333, 53.733, 54.1, 56.133, 65.3,
    ],
    "code-walkthrough": [
        4.833, 12.933, 22.2, 31.2, 31.933, 40.8, 41.967, 53.833, 62.133, 62.533, 62.933, 71.367, 82.567,
    ],
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A sample bundle, what is known of it, and what was found in it."""

    name: str
    recording: Recording
    settled_us: tuple[int, ...]
    """When the picture took on a new look and kept it."""
    scrolled_us: tuple[int, ...]
    """When it began to move."""
    speech: tuple[tuple[str, int, int], ...]
    decoded_us: tuple[int, ...]
    spoken: tuple[SpeechSpan, ...]


def report_nothing(step: str, done: float, total: float, unit: str) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module", params=sorted(ESTIMATED_S))
def sample(request: pytest.FixtureRequest, recordings: Path) -> Sample:
    path = recordings / request.param
    truth = json.loads((path / "truth.json").read_text())
    recording = SOURCE.read(path, report_nothing)
    (track,) = recording.tracks
    detector = ChangeDetector()
    look = Look(track=track, number=0, detector=detector)
    look_at_pictures(SOURCE.pictures(recording, 0, report_nothing), look, None)
    assert look.undecoded == 0
    changes = [(round(1_000_000 * change["t"]), change["kind"]) for change in truth["changes"]]
    return Sample(
        name=request.param,
        recording=recording,
        settled_us=tuple(t_us for t_us, kind in changes if kind != "scroll"),
        scrolled_us=tuple(t_us for t_us, kind in changes if kind == "scroll"),
        speech=tuple(
            (span["who"], round(1_000_000 * span["start"]), round(1_000_000 * span["end"]))
            for span in truth["speech"]
        ),
        decoded_us=tuple(detector.finish(track, track.t_us[-1] + track.frame_us)),
        spoken=tuple(SOURCE.speech(recording, report_nothing)),
    )


def pair_up(found_us: Sequence[int], true_us: Sequence[int]) -> list[tuple[int, int]]:
    """Pair each true time with the nearest found one that is near enough and not taken yet."""
    pairs: list[tuple[int, int]] = []
    free = set(found_us)
    for true in true_us:
        nearest = min(free, key=lambda found: abs(found - true), default=None)
        if nearest is not None and abs(nearest - true) <= WITHIN_US:
            free.discard(nearest)
            pairs.append((true, nearest))
    return pairs


def test_decoding_finds_every_change_that_stays(sample: Sample) -> None:
    found = pair_up(sample.decoded_us, sample.settled_us)
    assert len(found) == len(sample.settled_us)


def test_decoding_dates_a_change_to_less_than_a_sample_and_a_fade_to_half_a_second(sample: Sample) -> None:
    delays_us = sorted(found - true for true, found in pair_up(sample.decoded_us, sample.settled_us))
    assert delays_us[len(delays_us) // 2] == 0
    assert delays_us[0] >= -SAMPLE_US
    assert delays_us[-1] <= SAMPLE_US


def test_decoding_finds_little_else_than_the_movements_themselves(sample: Sample) -> None:
    matched = {found for _, found in pair_up(sample.decoded_us, sample.settled_us)}
    others = [t_us for t_us in sample.decoded_us if t_us not in matched]
    moving = [
        (begin, min(t_us for t_us in sample.settled_us if t_us > begin)) for begin in sample.scrolled_us
    ]
    unexplained = [t for t in others if not any(a <= t <= b + 1_000_000 for a, b in moving)]
    assert unexplained == []
    assert len(sample.settled_us) / len(sample.decoded_us) >= 0.73


def test_packets_estimate_is_the_same_each_time(sample: Sample) -> None:
    (track,) = sample.recording.tracks
    estimate = estimate_changes(track.t_us, track.size_bytes, track.keyframe)
    assert [round(t_us / 1_000_000, 3) for t_us in estimate] == ESTIMATED_S[sample.name]


def test_packets_estimate_finds_most_changes(sample: Sample) -> None:
    (track,) = sample.recording.tracks
    estimate = estimate_changes(track.t_us, track.size_bytes, track.keyframe)
    found = pair_up(estimate, [*sample.settled_us, *sample.scrolled_us])
    assert len(found) / len(estimate) >= 0.9
    assert len(pair_up(estimate, sample.settled_us)) / len(sample.settled_us) >= 0.75


def test_each_utterance_is_found_once_with_its_begin_and_end(sample: Sample) -> None:
    assert len(sample.spoken) == len(sample.speech)
    for (_, start_us, end_us), span in zip(sample.speech, sample.spoken, strict=True):
        assert abs(span.start_us - start_us) <= 200_000
        assert abs(span.end_us - end_us) <= WITHIN_US


def test_each_question_is_followed_by_a_request_at_its_end(sample: Sample) -> None:
    requests = requests_after_speech(sample.spoken)
    questions = [end_us for who, _, end_us in sample.speech if who != "meetctl-agent"]
    assert len(pair_up(requests, questions)) == len(questions)
    assert all(a < b for a, b in pairwise(requests))


def test_steady_tone_is_no_speech(tmp_path: Path) -> None:
    path = write_media(tmp_path / "tone.mkv", Video(times_ms=grid_ms(60)), tone=(0, 2000))
    recording = SOURCE.read(path, report_nothing)
    assert recording.has_audio
    assert SOURCE.speech(recording, report_nothing) == []


def test_speech_after_a_hole_in_the_sound_keeps_its_time(recordings: Path, tmp_path: Path) -> None:
    import av

    bundle = recordings / "quarterly-review"
    path = tmp_path / "hole.mkv"
    with av.open(str(bundle / "meeting.mkv")) as old, av.open(str(path), "w") as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        audio = old.streams.audio[0].index
        for packet in old.demux():
            if packet.dts is None or packet.pts is None:
                continue
            if packet.stream_index == audio and 8 < packet.pts * packet.time_base < 27:
                continue
            packet.stream = streams[packet.stream_index]
            new.mux(packet)
    truth = json.loads((bundle / "truth.json").read_text())
    spoken = SOURCE.speech(SOURCE.read(path, report_nothing), report_nothing)
    ends = [round(1_000_000 * s["end"]) for s in truth["speech"] if not 8 < s["end"] < 27]
    assert len(pair_up([span.end_us for span in spoken], ends)) == len(ends)
