"""The audit of a recording, over a source and a price book in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.fakes.frame_source import COLUMNS, ROWS, Film, InMemoryFrameSource
from tests.fakes.price_book import InMemoryPriceBook

from meetctl.domain.image_sizing import FixedTokens, Tiles
from meetctl.domain.policy import Policy
from meetctl.domain.pricing import Price
from meetctl.domain.recording import Recording, SizeRun, SpeechSpan, Track
from meetctl.domain.vision_tokens import ImageRule
from meetctl.errors import MediaError, OutputError, UnknownModelError, UsageError
from meetctl.services.replay import AuditRequest, audit_recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from meetctl.domain.audit import PolicyAudit, RecordingAudit

SECOND_US = 1_000_000
PATH = Path("somewhere/review.mkv")
BASE = Policy(name="base", fps=Fraction(1))
ONE = Policy(name="1 fps", fps=Fraction(1))
TOKENS = 1105
"""A frame of 1280x720 at high detail."""
CHANGES_US = (3 * SECOND_US, 6 * SECOND_US, 6_500_000, 9 * SECOND_US)


def make_book() -> InMemoryPriceBook:
    def price(usd: str, start: date | None) -> Price:
        return Price(
            provider="openai",
            model="gpt-4.1",
            unit="input_tokens",
            usd=Decimal(usd),
            per=1_000_000,
            effective_from=start,
            source="test",
            origin="test",
        )

    rule = ImageRule(
        id="openai-tile/test",
        kind="tile",
        provider="openai",
        models=("gpt-4.1", "nobody-prices-this"),
        auto="high",
        details=(("low", FixedTokens(tokens=85)), ("high", Tiles(base=85, tile=170))),
        source="test",
        origin="test",
    )
    return InMemoryPriceBook([price("4", None), price("2", date(2026, 6, 1))], [rule], "2026-11-22")


def make_track(name: str = "video", fps: int = 10, seconds: int = 12, codec: str = "h264") -> Track:
    times_us = array("q", (round(SECOND_US * n / fps) for n in range(fps * seconds)))
    return Track(
        name=name,
        media=PATH,
        stream=0,
        codec=codec,
        t_us=times_us,
        size_bytes=array("l", (9000 if t_us in CHANGES_US else 100 for t_us in times_us)),
        keyframe=bytearray([1] + [0] * (len(times_us) - 1)),
        runs=(SizeRun(first=0, width=1280, height=720),),
    )


def make_recording(*tracks: Track, requests_us: Sequence[int] | None = None) -> Recording:
    return Recording(
        path=PATH,
        media=(PATH,),
        kind="file",
        tracks=tracks or (make_track(),),
        duration_us=12 * SECOND_US,
        recorded_at=datetime(2026, 11, 16, 9, tzinfo=UTC),
        recorded_at_source="container",
        has_audio=True,
        request_times_us=None if requests_us is None else tuple(requests_us),
    )


def draw_slides(recording: Recording) -> Film:
    """Another slide at each of the changes, on every track."""

    def draw(track: int, index: int) -> npt.NDArray[np.uint8]:
        number = bisect_right(CHANGES_US, recording.tracks[track].t_us[index])
        picture = np.full((ROWS, COLUMNS), 220, np.uint8)
        picture[5 + 5 * number : 9 + 5 * number, 10:60] = 30
        return picture

    return Film(recording=recording, draw=draw)


@dataclass(slots=True)
class ListSink:
    """Frames and labels in lists."""

    frames: list[tuple[int, int, int]] = field(default_factory=list)
    labels: list[tuple[int, Sequence[tuple[int, int, str]]]] = field(default_factory=list)

    def save(self, recording: str, track: int, index: int, t_us: int, jpeg: bytes) -> None:
        assert recording == PATH.name
        assert jpeg.startswith(b"\xff\xd8")
        self.frames.append((track, index, t_us))

    def label(self, recording: str, request_us: int, labels: Sequence[tuple[int, int, str]]) -> None:
        assert recording == PATH.name
        self.labels.append((request_us, labels))


class FullSink:
    """A disk without space."""

    def save(self, recording: str, track: int, index: int, t_us: int, jpeg: bytes) -> None:
        raise OutputError(f"no space for {recording} {track} {index} {t_us} {len(jpeg)}")

    def label(self, recording: str, request_us: int, labels: Sequence[tuple[int, int, str]]) -> None:
        raise AssertionError((recording, request_us, labels))


def report_nothing(step: str, done: float, total: float, unit: str) -> None:
    """Progress that nobody watches."""


def audit(
    film: Film | Recording, *policies: Policy, sink: ListSink | FullSink | None = None, **changes: object
) -> RecordingAudit:
    request = AuditRequest(base=BASE, policies=policies or (ONE,))
    return audit_recording(
        PATH,
        replace(request, **changes),  # type: ignore[arg-type]
        source=make_source(film),
        book=make_book(),
        progress=report_nothing,
        sink=sink,
    )


def make_source(film: Film | Recording) -> InMemoryFrameSource:
    film = film if isinstance(film, Film) else draw_slides(film)
    return InMemoryFrameSource({film.recording.path: film})


def usd_of(policy: PolicyAudit) -> dict[str, str]:
    return {meaning: f"{cost.usd:.5f}" for meaning, cost in policy.costs.items()}


def test_three_meanings_of_cost_are_told_apart() -> None:
    recording = make_recording(requests_us=[2_500_000, 7_200_000, 11_900_000])
    result = audit(recording, coverage="off")
    baseline, one = result.policies
    assert (baseline.is_baseline, baseline.policy.name, baseline.kept) == (True, "10 fps", 120)
    assert (one.kept, one.tokens_per_frame, one.rule) == (12, TOKENS, "openai-tile/test")
    # Kept at 0 to 11 s: the first request takes the three there are, the others the last five.
    assert {m: c.sent for m, c in one.costs.items()} == {
        "every_frame": 12,
        "per_turn": 3 + 5 + 5,
        "history": 3 + (3 + 5) + (3 + 5 + 5),
    }
    assert {m: c.tokens for m, c in one.costs.items()} == {m: c.sent * TOKENS for m, c in one.costs.items()}
    assert usd_of(one)["every_frame"] == f"{12 * TOKENS * 2 / 1_000_000:.5f}"
    assert one.saving["every_frame"] == pytest.approx(0.9)
    assert one.coverage.changes is None


def test_price_is_that_of_the_recording_s_time_or_of_the_time_asked_for() -> None:
    now, then = audit(make_recording()), audit(make_recording(), at=datetime(2026, 1, 1, tzinfo=UTC))
    usd_now, usd_then = (result.policies[1].costs["every_frame"].usd for result in (now, then))
    assert usd_now
    assert usd_then == 2 * usd_now
    assert (now.priced_at.year, now.priced_at.month) == (2026, 11)
    assert then.priced_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_usage_without_a_price_is_not_free() -> None:
    unpriced = replace(ONE, name="unpriced", model="nobody-prices-this")
    costs = audit(make_recording(requests_us=[9]), unpriced).policies[1].costs
    assert [(cost.usd, cost.tokens > 0) for cost in costs.values()] == [(None, True)] * 3


def test_unknown_model_is_said_before_anything_is_decoded() -> None:
    source = make_source(make_recording())
    request = AuditRequest(base=BASE, policies=(replace(ONE, name="x", model="gpt-99"),))
    with pytest.raises(UnknownModelError, match="gpt-99"):
        audit_recording(PATH, request, source=source, book=make_book(), progress=report_nothing)
    assert source.decoded == []


def test_recording_that_cannot_be_read_is_an_error() -> None:
    request = AuditRequest(base=BASE, policies=(ONE,))
    with pytest.raises(MediaError, match="does not exist"):
        audit_recording(
            PATH, request, source=InMemoryFrameSource({}), book=make_book(), progress=report_nothing
        )


def test_frames_are_priced_at_their_own_size() -> None:
    runs = (SizeRun(first=0, width=1280, height=720), SizeRun(first=60, width=512, height=512))
    one = audit(make_recording(replace(make_track(), runs=runs)), coverage="off").policies[1]
    assert one.tokens_per_frame is None
    assert one.costs["every_frame"].tokens == 6 * TOKENS + 6 * (85 + 170)


def test_decoding_tells_which_changes_the_kept_frames_show() -> None:
    result = audit(make_recording())
    assert result.changes_us == (CHANGES_US,)
    baseline, one = (policy.coverage for policy in result.policies)
    assert (baseline.method, baseline.seen, baseline.changes, baseline.delay_s(95)) == ("decode", 4, 4, 0.0)
    assert (one.seen, one.changes, one.missed_us) == (4, 4, ())
    assert one.delays_us == (0, 0, 0, 500_000)
    slow = audit(make_recording(), Policy(name="slow", fps=Fraction(1, 4))).policies[1].coverage
    assert (slow.seen, slow.missed_us) == (2, (6_000_000, 9_000_000))


def test_packets_estimate_needs_no_picture() -> None:
    source = make_source(make_recording())
    request = AuditRequest(base=BASE, policies=(ONE,), coverage="packets")
    result = audit_recording(PATH, request, source=source, book=make_book(), progress=report_nothing)
    assert source.decoded == []
    assert result.changes_us == (CHANGES_US,)
    assert result.policies[1].coverage.method == "packets"


def test_packets_of_a_codec_that_do_not_tell_give_no_coverage_and_say_so() -> None:
    result = audit(make_recording(make_track(codec="vp8")), coverage="packets")
    assert result.changes_us == (None,)
    assert result.policies[1].coverage.ratio is None
    (warning,) = result.warnings
    assert "vp8" in warning
    assert "--coverage decode" in warning


@pytest.mark.parametrize("method", ["off", "packets"])
def test_gate_keeps_only_what_changed_whatever_the_coverage(method: str) -> None:
    gated = Policy(name="gated", fps=Fraction(2), gate=Fraction(1))
    result = audit(make_recording(), gated, coverage=method)
    assert [list(times_us) for times_us in result.policies[1].kept_us] == [[0, *CHANGES_US]]
    assert result.policies[1].costs["every_frame"].sent == 5


def test_gates_and_changes_are_found_in_one_pass() -> None:
    source = make_source(make_recording())
    gates = tuple(Policy(name=f"gate {g}", fps=Fraction(2), gate=Fraction(g)) for g in (1, 2, 90))
    request = AuditRequest(base=BASE, policies=gates, thumbnails=True)
    result = audit_recording(
        PATH, request, source=source, book=make_book(), progress=report_nothing, sink=ListSink()
    )
    assert source.decoded == [("review.mkv", 0)]
    assert [policy.kept for policy in result.policies] == [120, 5, 5, 1]
    assert [thumbnail.t_us for thumbnail in result.change_thumbnails]
    assert result.kept_thumbnails[0].t_us == 0


def test_every_track_is_audited_and_the_sum_is_their_sum() -> None:
    tracks = (make_track("screen"), make_track("camera", fps=5))
    result = audit(make_recording(*tracks, requests_us=[5 * SECOND_US]))
    assert [[p.kept for p in track] for track in result.tracks] == [[120, 12], [60, 12]]
    baseline, one = result.policies
    assert (baseline.kept, one.kept) == (180, 24)
    for meaning, cost in one.costs.items():
        parts = [track[1].costs[meaning] for track in result.tracks]
        assert cost.sent == sum(part.sent for part in parts)
        assert cost.usd == sum(part.usd or 0 for part in parts)
        assert cost.duration_us == 12 * SECOND_US
    assert one.coverage.changes == 8
    assert one.saving["every_frame"] == pytest.approx(1 - 24 / 180)


def test_sweep_tries_a_grid_with_gates_only_where_pictures_are_looked_at() -> None:
    swept = audit(make_recording(), sweep=True, policies=())
    assert len(swept.policies) == 13
    assert sum(policy.policy.gate is not None for policy in swept.policies) == 6
    assert len(audit(make_recording(), sweep=True, policies=(), coverage="packets").policies) == 7


def test_turns_come_from_the_journal_where_there_is_one() -> None:
    result = audit(make_recording(requests_us=[1, 2]), coverage="off")
    assert (result.turns, result.requests_us) == ("events", (1, 2))
    rate = audit(make_recording(requests_us=[1]), coverage="off", turns="rate", turns_per_min=Fraction(10))
    assert (rate.turns, rate.requests_us) == ("rate", (6 * SECOND_US, 12 * SECOND_US))


def test_turns_without_a_journal_come_at_a_rate() -> None:
    result = audit(make_recording(), coverage="off", turns_per_min=Fraction(15))
    assert (result.turns, result.requests_us) == ("rate", (4_000_000, 8_000_000, 12_000_000))


def test_turns_by_speech_are_asked_at_the_end_of_each_utterance() -> None:
    spans = (
        SpeechSpan(start_us=500_000, end_us=2_000_000),
        SpeechSpan(start_us=4_000_000, end_us=7_000_000),
    )
    film = replace(draw_slides(make_recording(requests_us=[1])), speech=spans)
    result = audit(film, coverage="off", turns="vad")
    assert (result.turns, result.requests_us) == ("vad", (2_000_000, 7_000_000))


def test_speech_without_audio_is_a_wrong_request() -> None:
    silent = replace(make_recording(), has_audio=False)
    with pytest.raises(UsageError, match="no audio track") as caught:
        audit(silent, turns="vad")
    assert caught.value.hint


def test_events_without_a_journal_are_a_wrong_request() -> None:
    with pytest.raises(UsageError, match=r"no events\.jsonl") as caught:
        audit(make_recording(), turns="events")
    assert caught.value.hint


def test_nobody_asked_costs_nothing_in_the_meanings_that_need_a_request() -> None:
    one = audit(make_recording(requests_us=[]), coverage="off").policies[1]
    assert [one.costs[m].sent for m in ("every_frame", "per_turn", "history")] == [12, 0, 0]


def test_frames_are_exported_with_the_labels_of_each_request() -> None:
    sink = ListSink()
    policy = Policy(name="half", fps=Fraction(1, 2), window=2)
    audit(make_recording(requests_us=[500_000, 6_200_000]), policy, sink=sink, coverage="off")
    assert sink.frames == [(0, 20 * n, 2_000_000 * n) for n in range(6)]
    first, second = sink.labels
    assert (first[0], [(track, index) for track, index, _ in first[1]]) == (500_000, [(0, 0)])
    assert (second[0], [(track, index) for track, index, _ in second[1]]) == (6_200_000, [(0, 40), (0, 60)])
    assert "first visible frame" in second[1][0][2]
    assert "most recent frame" in second[1][1][2]


def test_export_of_a_gated_policy_holds_only_what_the_gate_passed() -> None:
    sink = ListSink()
    gated = Policy(name="gated", fps=Fraction(2), gate=Fraction(1))
    audit(make_recording(requests_us=[12 * SECOND_US]), gated, sink=sink, coverage="off")
    assert [t_us for _, _, t_us in sink.frames] == [0, *CHANGES_US]
    assert [index for _, index, _ in sink.labels[0][1]] == [0, 30, 60, 65, 90]


def test_every_track_s_frames_are_exported() -> None:
    sink = ListSink()
    audit(make_recording(make_track("screen"), make_track("camera", fps=5)), sink=sink, coverage="off")
    assert [sum(track == number for track, _, _ in sink.frames) for number in (0, 1)] == [12, 12]


def test_export_that_cannot_be_written_is_an_error() -> None:
    with pytest.raises(OutputError, match="no space"):
        audit(make_recording(), sink=FullSink(), coverage="off")


def test_frames_that_cannot_be_decoded_are_said_once_of_all_tracks() -> None:
    film = draw_slides(make_recording(make_track("screen"), make_track("camera", fps=5)))
    broken = replace(film, undecodable={0: frozenset(range(50, 80)), 1: frozenset({7, 9})})
    result = audit(broken)
    assert result.recording.damaged
    assert result.recording.warnings == result.warnings
    assert result.warnings == (f"{PATH} is damaged: 32 of 180 frames could not be decoded",)
    assert [policy.kept for policy in result.policies] == [180, 24]
    assert not audit(broken, coverage="off").recording.damaged


def test_a_start_between_keyframes_is_no_damage() -> None:
    film = replace(draw_slides(make_recording()), undecodable={0: frozenset(range(6))})
    assert audit(film).warnings == ()


def test_damage_that_has_been_said_is_not_said_again() -> None:
    said = replace(make_recording(), damaged=True, warnings=(f"{PATH} is cut off: read up to 12.0 s",))
    film = replace(draw_slides(said), undecodable={0: frozenset(range(50, 60))})
    assert audit(film).warnings == said.warnings


def test_unfinished_recording_with_undecodable_frames_is_damaged() -> None:
    note = f"{PATH} is not finished: read up to 12.0 s"
    film = draw_slides(replace(make_recording(), warnings=(note,)))
    result = audit(replace(film, undecodable={0: frozenset(range(50, 60))}))
    assert result.recording.damaged
    assert len(result.warnings) == 2


def test_recording_of_one_frame_is_audited() -> None:
    track = make_track(fps=1, seconds=1)
    single = replace(make_recording(track), duration_us=0)
    baseline, one = audit(single).policies
    assert (baseline.policy.name, baseline.kept, one.kept) == ("every frame", 1, 1)
    assert one.costs["every_frame"].usd_per_min is None
    assert one.coverage.changes == 0


def test_time_that_is_only_the_file_s_is_no_warning() -> None:
    recording = replace(make_recording(), recorded_at_source="file time")
    assert audit(recording).warnings == ()


def test_policy_that_has_the_source_rate_s_name_keeps_its_own_frames() -> None:
    slow = Policy(name="10 fps", fps=Fraction(1))
    baseline, asked = audit(make_recording(), slow, coverage="off").policies
    assert (baseline.kept, asked.policy.name, asked.kept) == (120, "10 fps", 12)
