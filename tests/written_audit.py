"""An audit with written-out figures: two recordings, one with two tracks, a policy without a price."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from meetctl.domain.audit import Audit, Cost, PolicyAudit, RecordingAudit
from meetctl.domain.billing import Meaning
from meetctl.domain.coverage import NOT_LOOKED_FOR, Coverage
from meetctl.domain.policy import Policy
from meetctl.domain.recording import Recording, SizeRun, Track
from meetctl.services.summary import make_audit

SECOND_US = 1_000_000
SOURCE = Policy(name="2 fps", fps=None)
SLOW = Policy(name="0.5 fps", fps=Fraction(1, 2))
ODD = Policy(
    name="a|b, <i>*odd*</i>",
    fps=Fraction(1, 3),
    window=3,
    detail="low",
    model="nobody-prices-this",
    side=1024,
    gate=Fraction(5, 2),
)


def make_track(name: str, runs: tuple[SizeRun, ...] = (SizeRun(first=0, width=1280, height=720),)) -> Track:
    """Six frames in three seconds."""
    return Track(
        name=name,
        media=Path("review, part 1.mkv"),
        stream=0,
        codec="h264",
        t_us=array("q", [0, 500_000, 1_000_000, 1_500_000, 2_000_000, 2_500_000]),
        size_bytes=array("l", [9000, 100, 100, 8000, 100, 200]),
        keyframe=bytearray([1, 0, 0, 1, 0, 0]),
        runs=runs,
    )


def make_costs(
    every_frame: tuple[int, int, str | None],
    per_turn: tuple[int, int, str | None],
    history: tuple[int, int, str | None],
    duration_us: int,
) -> dict[Meaning, Cost]:
    meanings: dict[Meaning, tuple[int, int, str | None]] = {
        "every_frame": every_frame,
        "per_turn": per_turn,
        "history": history,
    }
    return {
        meaning: Cost(
            sent=sent, tokens=tokens, usd=None if usd is None else Decimal(usd), duration_us=duration_us
        )
        for meaning, (sent, tokens, usd) in meanings.items()
    }


def _source(kept_us: tuple[tuple[int, ...], ...], coverage: Coverage, duration_us: int) -> PolicyAudit:
    frames = sum(len(times) for times in kept_us)
    return PolicyAudit(
        policy=SOURCE,
        is_baseline=True,
        kept=frames,
        kept_us=kept_us,
        tokens_per_frame=1105,
        rule="openai-tile/2024-05-13",
        costs=make_costs(
            (frames, frames * 1105, f"{frames * 1105 * 2}E-6"),
            (10, 11050, "0.0221"),
            (15, 16575, "0.03315"),
            duration_us,
        ),
        saving={"every_frame": 0.0, "per_turn": 0.0, "history": 0.0},
        coverage=coverage,
    )


def _slow(kept_us: tuple[tuple[int, ...], ...], coverage: Coverage, duration_us: int) -> PolicyAudit:
    return PolicyAudit(
        policy=SLOW,
        is_baseline=False,
        kept=2,
        kept_us=kept_us,
        tokens_per_frame=None,
        rule="openai-tile/2024-05-13",
        costs=make_costs((2, 2210, "0.00442"), (3, 3315, "0.00663"), (4, 4420, "0.03729375"), duration_us),
        saving={"every_frame": 2 / 3, "per_turn": 0.7, "history": -0.125},
        coverage=coverage,
    )


def _odd(kept_us: tuple[tuple[int, ...], ...], coverage: Coverage, duration_us: int) -> PolicyAudit:
    return PolicyAudit(
        policy=ODD,
        is_baseline=False,
        kept=1,
        kept_us=kept_us,
        tokens_per_frame=85,
        rule="flat/2026-01-01",
        costs=make_costs((1, 85, None), (1, 85, None), (1000, 85000, None), duration_us),
        saving={"every_frame": None, "per_turn": None, "history": None},
        coverage=coverage,
    )


def one_track() -> RecordingAudit:
    """A plain file whose picture grows, with changes estimated from packets."""
    runs = (SizeRun(first=0, width=640, height=360), SizeRun(first=4, width=1280, height=720))
    track = make_track("video 0", runs)
    duration_us = 3 * SECOND_US
    seen = Coverage(method="packets", changes=2, seen=2, delays_us=(0, 0))
    late = Coverage(method="packets", changes=2, seen=2, delays_us=(0, 500_000))
    missed = Coverage(method="packets", changes=2, seen=1, delays_us=(0,), missed_us=(1_500_000,))
    policies = (
        _source((tuple(track.t_us),), seen, duration_us),
        _slow(((0, 2 * SECOND_US),), late, duration_us),
        _odd(((0,),), missed, duration_us),
    )
    return RecordingAudit(
        recording=Recording(
            path=Path('films/review, "part 1".mkv'),
            media=(Path("review, part 1.mkv"),),
            kind="file",
            tracks=(track,),
            duration_us=duration_us,
            recorded_at=datetime(2026, 11, 16, 9, 0, tzinfo=timezone(timedelta(hours=2))),
            recorded_at_source="container",
            has_audio=False,
        ),
        priced_at=datetime(2026, 11, 16, 7, 0, tzinfo=UTC),
        turns="rate",
        requests_us=(SECOND_US, 2 * SECOND_US),
        policies=policies,
        tracks=(policies,),
        changes_us=((0, 1_500_000),),
        warnings=("films/review: the end is missing", "=another"),
    )


def two_tracks() -> RecordingAudit:
    """A bundle with two tracks, where nobody looked for changes."""
    tracks = (make_track("screen"), make_track("camera"))
    duration_us = 3 * SECOND_US
    policies = (
        _source(tuple(tuple(track.t_us) for track in tracks), NOT_LOOKED_FOR, duration_us),
        _slow(((0,), (0,)), NOT_LOOKED_FOR, duration_us),
        _odd(((0,), ()), NOT_LOOKED_FOR, duration_us),
    )
    return RecordingAudit(
        recording=Recording(
            path=Path("bundles/daily"),
            media=(Path("bundles/daily/meeting.mkv"),),
            kind="bundle",
            tracks=tracks,
            duration_us=duration_us,
            recorded_at=datetime(2026, 11, 17, 9, 0, tzinfo=UTC),
            recorded_at_source="session.json",
            has_audio=True,
            request_times_us=(),
            damaged=True,
        ),
        priced_at=datetime(2026, 11, 17, 9, 0, tzinfo=UTC),
        turns="events",
        requests_us=(),
        policies=policies,
        tracks=(policies, policies),
        changes_us=(None, None),
        warnings=(),
    )


def written_audit() -> Audit:
    """Both recordings and their total, as a sweep marks them."""
    return make_audit(
        (one_track(), two_tracks()), price_book="2026-11-22", meaning="per_turn", target=0.95, sweep=True
    )
