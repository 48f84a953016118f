"""Audits with written-out numbers, as a report gets them."""

from __future__ import annotations

import io
from array import array
from bisect import bisect_left
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from meetctl.domain.attachment import attach_ranges
from meetctl.domain.audit import Audit, Cost, PolicyAudit, RecordingAudit, Thumbnail, add_costs, savings
from meetctl.domain.billing import MEANINGS, count_usage
from meetctl.domain.coverage import NOT_LOOKED_FOR, Coverage, join_coverage, measure_coverage
from meetctl.domain.policy import Policy, name_rate
from meetctl.domain.recording import Recording, SizeRun, Track

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meetctl.domain.billing import Meaning
    from meetctl.domain.coverage import Method

SECOND_US = 1_000_000
TOKENS = 1105
USD_PER_TOKEN = Decimal("0.000002")

CHANGES_US = tuple(
    round(t_s * SECOND_US)
    for t_s in (4.3, 9.1, 12.6, 13.2, 19.4, 22.1, 31.2, 31.8, 40.3, 41.1, 52.2, 60.4, 70.7)
)
REQUESTS_US = tuple(t_s * SECOND_US for t_s in (8, 17, 26, 35, 44, 58, 71))


def make_recording(
    name: str = "review.mkv", *, seconds: int = 75, tracks: Sequence[str] = ("video 0",)
) -> Recording:
    return Recording(
        path=Path("somewhere") / name,
        media=(Path(name),),
        kind="file",
        tracks=tuple(make_track(track, seconds) for track in tracks),
        duration_us=seconds * SECOND_US,
        recorded_at=datetime(2026, 11, 16, 9, tzinfo=UTC),
        recorded_at_source="container",
        has_audio=True,
    )


def make_track(name: str, seconds: int) -> Track:
    times = array("q", (round(i * SECOND_US / 30) for i in range(30 * seconds)))
    return Track(
        name=name,
        media=Path("review.mkv"),
        stream=0,
        codec="h264",
        t_us=times,
        size_bytes=array("q", [900]) * len(times),
        keyframe=bytearray(len(times)),
        runs=(SizeRun(first=0, width=1280, height=720),),
    )


def make_policies(*rates: str) -> tuple[Policy, ...]:
    """The source rate, then one policy a rate."""
    return (
        Policy(name="30 fps", fps=None),
        *[Policy(name=name_rate(Fraction(rate)), fps=Fraction(rate)) for rate in rates],
    )


def make_policy_audit(
    policy: Policy,
    track: Track,
    duration_us: int,
    *,
    changes_us: Sequence[int] | None = CHANGES_US,
    method: Method = "decode",
    usd_per_token: Decimal | None = USD_PER_TOKEN,
    requests_us: Sequence[int] = REQUESTS_US,
) -> PolicyAudit:
    """One track's audit, without its savings."""
    kept_us = _keep(track.t_us, policy.fps)
    usage = count_usage(len(kept_us), TOKENS, attach_ranges([kept_us], requests_us, policy.window)[0])
    costs: dict[Meaning, Cost] = {
        meaning: Cost(
            sent=usage[meaning].sent,
            tokens=usage[meaning].tokens,
            usd=None if usd_per_token is None else usage[meaning].tokens * usd_per_token,
            duration_us=duration_us,
        )
        for meaning in MEANINGS
    }
    return PolicyAudit(
        policy=policy,
        is_baseline=policy.fps is None,
        kept=len(kept_us),
        kept_us=(kept_us,),
        tokens_per_frame=TOKENS,
        rule="openai-tile/2026-02-26",
        costs=costs,
        saving=dict.fromkeys(MEANINGS),
        coverage=NOT_LOOKED_FOR if method == "off" else measure_coverage(changes_us, kept_us, method),
    )


def make_recording_audit(
    recording: Recording,
    policies: Sequence[Policy],
    *,
    changes_us: tuple[int, ...] | None = CHANGES_US,
    method: Method = "decode",
    prices: Mapping[str, Decimal | None] | None = None,
    requests_us: tuple[int, ...] = REQUESTS_US,
    warnings: tuple[str, ...] = (),
    pictures: bool = False,
) -> RecordingAudit:
    """Every track alike; `prices` by model, gpt-4.1's where none are given."""
    changes_us = None if method == "off" else changes_us
    tracks = []
    for track in recording.tracks:
        audits = [
            make_policy_audit(
                policy,
                track,
                recording.duration_us,
                changes_us=changes_us,
                method=method,
                usd_per_token=(prices or {}).get(policy.model, USD_PER_TOKEN),
                requests_us=requests_us,
            )
            for policy in policies
        ]
        tracks.append(tuple(replace(a, saving=savings(a.costs, audits[0].costs)) for a in audits))
    kept = tracks[0][min(1, len(policies) - 1)].kept_us[0][:20]
    return RecordingAudit(
        recording=recording,
        priced_at=datetime(2026, 11, 16, 9, tzinfo=UTC),
        turns="vad",
        requests_us=requests_us,
        policies=add_audits(tracks, recording.duration_us),
        tracks=tuple(tracks),
        changes_us=tuple(changes_us for _ in recording.tracks),
        warnings=warnings,
        kept_thumbnails=tuple(make_thumbnail(t_us) for t_us in kept) if pictures else (),
        change_thumbnails=tuple(make_thumbnail(t_us + 300_000) for t_us in changes_us or ())
        if pictures
        else (),
    )


def add_audits(parts: Sequence[Sequence[PolicyAudit]], duration_us: int) -> tuple[PolicyAudit, ...]:
    """The sum of tracks or recordings, policy by policy."""
    summed = []
    for audits in zip(*parts, strict=True):
        costs = {meaning: add_costs([a.costs[meaning] for a in audits], duration_us) for meaning in MEANINGS}
        coverage: Coverage = join_coverage([a.coverage for a in audits])
        kept_us = tuple(times for a in audits for times in a.kept_us)
        kept = sum(a.kept for a in audits)
        summed.append(replace(audits[0], kept=kept, kept_us=kept_us, costs=costs, coverage=coverage))
    return tuple(replace(a, saving=savings(a.costs, summed[0].costs)) for a in summed)


def make_audit(
    *recordings: RecordingAudit,
    meaning: Meaning = "every_frame",
    swept: bool = False,
) -> Audit:
    duration_us = sum(one.recording.duration_us for one in recordings)
    return Audit(
        recordings=recordings,
        total=add_audits([one.policies for one in recordings], duration_us) if len(recordings) > 1 else (),
        price_book="2026-11-22",
        meaning=meaning,
        swept=swept,
        target=0.95,
    )


def make_thumbnail(t_us: int) -> Thumbnail:
    """A picture whose colour tells its time."""
    picture = Image.new("RGB", (320, 180), (40 + t_us // SECOND_US * 7 % 200, 90, 160))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=50)
    return Thumbnail(track=0, t_us=t_us, jpeg=buffer.getvalue())


def _keep(times_us: Sequence[int], fps: Fraction | None) -> Sequence[int]:
    """Every frame, or the first from each multiple of the interval on."""
    if fps is None:
        return times_us
    if not fps:
        return []
    step_us = round(SECOND_US / fps)
    return [times_us[bisect_left(times_us, t_us)] for t_us in range(0, times_us[-1], step_us)]
