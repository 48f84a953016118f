"""The audit as one JSON document (schema meetctl.replay/1, CONTRACTS.md)."""

from __future__ import annotations

from itertools import chain

from meetctl.domain.audit import Audit, Cost, PolicyAudit, RecordingAudit
from meetctl.domain.billing import MEANINGS
from meetctl.reports.money import exact_usd, rate_usd

SCHEMA = "meetctl.replay/1"


def make_document(audit: Audit, *, timestamps: bool) -> dict[str, object]:
    """Return the document; `timestamps` adds each policy's kept times in seconds."""
    document: dict[str, object] = {
        "schema": SCHEMA,
        "recordings": [_recording(recording, timestamps=timestamps) for recording in audit.recordings],
        "price_book": {"version": audit.price_book, "priced": round(audit.priced_share, 4)},
    }
    if audit.total:
        rates = {max(track.fps for track in one.recording.tracks) for one in audit.recordings}
        source_fps = rates.pop() if len(rates) == 1 else None
        document["total"] = {
            "duration_s": sum(r.recording.duration_us for r in audit.recordings) / 1_000_000,
            "policies": [
                _policy(policy, audit.total[0], source_fps, timestamps=False) for policy in audit.total
            ],
        }
    return document


def _recording(audit: RecordingAudit, *, timestamps: bool) -> dict[str, object]:
    recording, track = audit.recording, audit.recording.tracks[0]
    document: dict[str, object] = {
        "path": str(recording.path),
        "kind": recording.kind,
        "duration_s": recording.duration_us / 1_000_000,
        "frames": sum(len(track.t_us) for track in recording.tracks),
        "fps": max(track.fps for track in recording.tracks),
        "width": track.runs[0].width,
        "height": track.runs[0].height,
        "codec": track.codec,
        "damaged": recording.damaged,
        "warnings": list(audit.warnings),
        "recorded_at": recording.recorded_at.isoformat(),
        "recorded_at_source": recording.recorded_at_source,
        "priced_at": audit.priced_at.isoformat(),
        "turns": {"source": audit.turns, "requests": len(audit.requests_us)},
        "policies": [
            _policy(
                policy, audit.baseline, max(track.fps for track in recording.tracks), timestamps=timestamps
            )
            for policy in audit.policies
        ],
    }
    if len(recording.tracks) > 1:
        document["tracks"] = [
            {
                "name": track.name,
                "frames": len(track.t_us),
                "fps": track.fps,
                "width": track.runs[0].width,
                "height": track.runs[0].height,
                "codec": track.codec,
                "policies": [
                    _policy(policy, policies[0], track.fps, timestamps=timestamps) for policy in policies
                ],
            }
            for track, policies in zip(recording.tracks, audit.tracks, strict=True)
        ]
    return document


def _policy(
    audit: PolicyAudit, baseline: PolicyAudit, source_fps: float | None, *, timestamps: bool
) -> dict[str, object]:
    policy, coverage = audit.policy, audit.coverage
    document: dict[str, object] = {
        "name": policy.name,
        "fps": source_fps if policy.fps is None else float(policy.fps),
        "kept": audit.kept,
        "window": policy.window,
        "detail": policy.detail,
        "model": policy.model,
        "side": policy.side,
        "gate": None if policy.gate is None else float(policy.gate),
        "tokens_per_frame": audit.tokens_per_frame,
        "rule": audit.rule,
        "cost": {meaning: _cost(audit.costs[meaning]) for meaning in MEANINGS},
        "saving": {
            "baseline": baseline.policy.name,
            **{str(meaning): _rounded(audit.saving[meaning]) for meaning in MEANINGS},
        },
        "coverage": {
            "method": coverage.method,
            "changes": coverage.changes,
            "seen": coverage.seen,
            "ratio": _rounded(coverage.ratio),
            "delay_p50_s": coverage.delay_s(50),
            "delay_p95_s": coverage.delay_s(95),
        },
        "cheapest": audit.is_cheapest,
    }
    if timestamps:
        document["kept_s"] = [t_us / 1_000_000 for t_us in sorted(chain(*audit.kept_us))]
    return document


def _cost(cost: Cost) -> dict[str, object]:
    per_min = cost.usd_per_min
    return {
        "sent": cost.sent,
        "tokens": cost.tokens,
        "usd": None if cost.usd is None else exact_usd(cost.usd),
        "usd_per_min": None if per_min is None else rate_usd(per_min),
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
