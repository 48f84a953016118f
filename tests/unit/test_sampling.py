"""Which policies are tried on a recording, and which frames each keeps."""

from __future__ import annotations

from array import array
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from meetctl.domain.policy import Policy
from meetctl.domain.recording import Recording, SizeRun, Track, sizes_of
from meetctl.services.sampling import SWEEP_GATE, SWEEP_RATES, choose_policies, sample_track, times_of

if TYPE_CHECKING:
    from collections.abc import Sequence

SECOND_US = 1_000_000
BASE = Policy(name="base", fps=Fraction(1))


def make_track(
    times_us: Sequence[int], *, has_losses: bool = False, runs: tuple[SizeRun, ...] | None = None
) -> Track:
    return Track(
        name="video",
        media=Path("a.mkv"),
        stream=0,
        codec="h264",
        t_us=array("q", times_us),
        size_bytes=array("l", [100]) * len(times_us),
        keyframe=bytearray([1] * len(times_us)),
        runs=runs or (SizeRun(first=0, width=1280, height=720),),
        has_losses=has_losses,
    )


def at_rate(fps: Fraction | int, seconds: int = 60) -> list[int]:
    return [round(SECOND_US * n / Fraction(fps)) for n in range(int(seconds * fps))]


def make_recording(*tracks: Track) -> Recording:
    return Recording(
        path=Path("a.mkv"),
        media=(Path("a.mkv"),),
        kind="file",
        tracks=tracks,
        duration_us=60 * SECOND_US,
        recorded_at=datetime(2026, 11, 16, tzinfo=UTC),
        recorded_at_source="container",
        has_audio=False,
    )


def rate(fps: str, **changes: object) -> Policy:
    return Policy(name=f"{fps} fps", fps=Fraction(fps), **changes)  # type: ignore[arg-type]


def choose(
    recording: Recording, *asked: Policy, gates: bool = True, sweep: bool = False
) -> tuple[Policy, ...]:
    return choose_policies(recording, BASE, asked, gates=gates, sweep=sweep)


@pytest.mark.parametrize(
    ("fps", "name"),
    [(30, "30 fps"), (Fraction(30_000, 1001), "29.97 fps"), (Fraction(1, 2), "0.5 fps"), (15, "15 fps")],
)
def test_source_rate_is_the_baseline_and_keeps_every_frame(fps: Fraction | int, name: str) -> None:
    track = make_track(at_rate(fps))
    baseline, asked = choose(make_recording(track), rate("0.1"))
    assert (baseline.name, baseline.fps) == (name, None)
    assert asked == rate("0.1")
    assert list(sample_track(track, baseline)) == list(range(len(track.t_us)))


@pytest.mark.parametrize("fps", ["30", "29.99", "30.02"])
def test_asking_for_the_source_rate_is_asking_for_every_frame(fps: str) -> None:
    assert [p.fps for p in choose(make_recording(make_track(at_rate(30))), rate(fps))] == [None]


def test_every_frame_by_name_is_the_baseline() -> None:
    policy = Policy(name="every frame", fps=None)
    assert len(choose(make_recording(make_track(at_rate(30))), policy)) == 1


@pytest.mark.parametrize("asked", [rate("30", detail="low"), rate("29.99", gate=Fraction(2))])
def test_another_policy_at_the_source_rate_takes_every_frame_too(asked: Policy) -> None:
    assert choose(make_recording(make_track(at_rate(30))), asked)[1:] == (replace(asked, fps=None),)


def test_a_rate_clearly_below_the_source_is_sampled_as_it_is() -> None:
    asked = rate("29.9")
    assert choose(make_recording(make_track(at_rate(30))), asked)[1:] == (asked,)


def test_fastest_track_names_the_baseline() -> None:
    slow, fast = make_track(at_rate(5)), make_track(at_rate(24))
    assert choose(make_recording(slow, fast))[0].name == "24 fps"


def test_variable_rate_is_named_by_its_mean() -> None:
    times_us = [0, 10_000, 500_000, 3_000_000, 3_100_000, 9_000_000]
    assert choose(make_recording(make_track(times_us)))[0].name == "0.556 fps"


def test_single_frame_has_a_baseline_without_a_rate() -> None:
    track = make_track([0])
    baseline, none, one = choose(make_recording(track), rate("0"), rate("1"))
    assert (baseline.name, baseline.fps) == ("every frame", None)
    kept = [list(sample_track(track, policy)) for policy in (baseline, none, one)]
    assert kept == [[0], [], [0]]


def test_baseline_gives_way_to_a_policy_that_has_its_name() -> None:
    asked = Policy(name="30 fps", fps=Fraction(30), detail="low")
    names = [policy.name for policy in choose(make_recording(make_track(at_rate(30))), asked)]
    assert names == ["source rate", "30 fps"]


def test_a_frame_in_five_minutes_is_a_rate() -> None:
    track = make_track([300 * SECOND_US * n for n in range(4)])
    assert track.fps == 0.00333
    assert choose(make_recording(track))[0].name == "0.00333 fps"


def test_hole_that_damage_tore_does_not_change_the_rate() -> None:
    whole = at_rate(30)
    torn = whole[:600] + whole[700:]
    assert make_track(torn, has_losses=True).fps == 30.0
    assert choose(make_recording(make_track(torn, has_losses=True)))[0].name == "30 fps"
    assert make_track(torn).fps == pytest.approx(28.33, abs=0.01)
    scattered = [t_us for n, t_us in enumerate(whole) if n % 100 not in (3, 4, 5)]
    assert make_track(scattered, has_losses=True).fps == 30.0


def test_damaged_variable_rate_keeps_its_mean() -> None:
    times_us = [40_000 * n * n for n in range(20)]
    assert make_track(times_us, has_losses=True).fps == pytest.approx(make_track(times_us).fps, rel=0.1)
    assert make_track([0], has_losses=True).fps == 0.0


def test_sweep_tries_rates_with_and_without_a_gate() -> None:
    policies = choose(make_recording(make_track(at_rate(30))), sweep=True)
    assert [p.fps for p in policies] == [None, *SWEEP_RATES, *SWEEP_RATES]
    assert [p.gate for p in policies] == [None] * 7 + [SWEEP_GATE] * 6
    assert len({p.name for p in policies}) == 13


def test_sweep_without_decoding_has_no_gates() -> None:
    policies = choose(make_recording(make_track(at_rate(30))), gates=False, sweep=True)
    assert [p.gate for p in policies] == [None] * 7


def test_sweep_varies_what_was_asked_for() -> None:
    gated = rate("2", gate=Fraction(4))
    policies = choose(make_recording(make_track(at_rate(30))), rate("3", detail="low"), gated, sweep=True)
    assert [(p.fps, p.gate, p.detail) for p in policies[1:]] == [
        (Fraction(3), None, "low"),
        (Fraction(2), Fraction(4), "high"),
        (Fraction(3), SWEEP_GATE, "low"),
    ]


def test_times_of_all_frames_are_the_track_s_own_column() -> None:
    track = make_track(at_rate(30))
    assert times_of(track, range(len(track.t_us))) is track.t_us
    assert times_of(track, [0, 30]) == [0, SECOND_US]
    assert times_of(track, []) == []


def test_each_kept_frame_has_its_own_size() -> None:
    runs = (
        SizeRun(first=0, width=640, height=360),
        SizeRun(first=30, width=1280, height=720),
        SizeRun(first=31, width=320, height=180),
    )
    track = make_track(at_rate(30, 3), runs=runs)
    assert sizes_of(track, [0, 29, 30, 31, 89]) == [
        (640, 360),
        (640, 360),
        (1280, 720),
        (320, 180),
        (320, 180),
    ]
    assert sizes_of(track, [60]) == [(320, 180)]
