"""Which frames of a recording each policy keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from meetctl.domain.policy import Policy, name_rate
from meetctl.domain.recording import Recording, Track, take_recorded
from meetctl.domain.sampler import Sampler

SWEEP_RATES = tuple(Fraction(rate) for rate in ("0.1", "0.2", "0.5", "1", "2", "5"))
"""The rates a sweep tries: from a slide every ten seconds to a moving picture."""

SWEEP_GATE = Fraction(1)
"""The gate a sweep tries beside none: one percent of the picture, about a line of text."""

SOURCE_RATE = "source rate"
"""What the baseline is called where its rate does not name it."""

_SAME_RATE = Fraction(1, 1000)
"""Rates whose ratio is this near to 1 are the same: 29.97 measured over a minute is 29.96 to 29.98."""


def choose_policies(
    recording: Recording, base: Policy, asked: Sequence[Policy], *, gates: bool, sweep: bool
) -> tuple[Policy, ...]:
    """Return the source rate as the baseline, then what was asked for, or a sweep's grid.

    Asking for the source rate is asking for every frame: with timestamps in whole
    microseconds, 1/fps is as a rule a fraction longer than the distance between two frames, and the
    sampler would skip every other one. A single frame has no rate; its baseline is called "every frame".
    """
    source_fps = Fraction(max(track.fps for track in recording.tracks)).limit_denominator(1000)
    baseline = replace(base, name=name_rate(source_fps or None), fps=None)
    policies = _sweep_grid(base, asked, gates=gates) if sweep else asked
    at_source = [replace(p, fps=None) if _is_source_rate(p.fps, source_fps) else p for p in policies]
    others = [policy for policy in at_source if replace(policy, name=baseline.name) != baseline]
    if any(policy.name == baseline.name for policy in others):
        baseline = replace(baseline, name=SOURCE_RATE)  # such as "30 fps: fps=30 detail=low"
    return (baseline, *others)


def _is_source_rate(fps: Fraction | None, source_fps: Fraction) -> bool:
    """Tell whether a rate is the source's; a single frame has no rate that could be asked for."""
    return fps is not None and bool(source_fps) and abs(fps - source_fps) <= source_fps * _SAME_RATE


def _sweep_grid(base: Policy, asked: Sequence[Policy], *, gates: bool) -> list[Policy]:
    """Vary what coverage can judge: rate and gate. Whether small text is still legible, it cannot."""
    grid = list(asked) or [replace(base, name=name_rate(fps), fps=fps) for fps in SWEEP_RATES]
    gated = [
        replace(policy, name=f"{policy.name}, gate {float(SWEEP_GATE):g}", gate=SWEEP_GATE)
        for policy in grid
        if gates and policy.gate is None
    ]
    return grid + gated


def sample_track(track: Track, policy: Policy) -> Sequence[int]:
    """Return the indexes of the frames that the policy's rate keeps, before any gate.

    A gate looks at pictures, so with one only frames that are in the recording are offered.
    """
    if policy.gate is None or track.recorded is None:
        return Sampler(policy.fps).select(track.t_us)
    recorded = track.recorded
    return [recorded[place] for place in Sampler(policy.fps).select(take_recorded(track).t_us)]


def times_of(track: Track, indexes: Sequence[int]) -> Sequence[int]:
    """Return frames' times; for all frames, the track's own column and no copy of it."""
    if len(indexes) == len(track.t_us):
        return track.t_us
    return [track.t_us[index] for index in indexes]
