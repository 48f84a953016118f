"""Bundles for tests of the commands that handle them: small, real files, of any age and state."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fakes.clock import ManualClock

from meetctl.adapters.event_log import EventLog
from meetctl.domain.events import JournalOwner

if TYPE_CHECKING:
    from collections.abc import Sequence

STARTED = datetime(2026, 11, 16, 9, tzinfo=UTC)
USE = {
    "turn": 1, "request": "request-001", "images": ["frame-000000"], "image_tokens": 1105,
    "input_tokens": 1300, "cached_input_tokens": 0, "output_tokens": 20, "basis": "reported",
    "outcome": "done",
    "provider": "openai", "model": "gpt-4.1", "usd": "0.00276",
    "usd_by_unit": {"input_tokens": "0.0026", "output_tokens": "0.00016"}, "image_usd": "0.00221",
}  # fmt: skip
TALK: Sequence[tuple[str, dict[str, Any]]] = [
    ("participant.joined", {"participant": "agent-1", "name": "Assistant", "kind": "agent"}),
    ("participant.joined", {"participant": "maya@acme.test", "name": "Maya Chen", "kind": "standard"}),
    ("video.frames", {"track": "TR", "t_us": [0, 33_000, 66_000], "kept": 1, "width": 640, "height": 360}),
    ("frame.kept", {"frame": "frame-000000", "track": "TR", "t_us": 0, "width": 640, "height": 360}),
    ("turn.started", {"turn": 1, "participant": "maya@acme.test", "name": "Maya Chen"}),
    (
        "transcript",
        {"turn": 1, "role": "user", "participant": "maya@acme.test", "name": "Maya Chen",
         "text": "What is our secret plan?", "final": True},
    ),
    ("llm.request", USE),
    ("tts.usage", {"turn": 1, "characters": 40, "audio_s": 2.5, "first_byte_ms": 40, "cancelled": False,
                   "basis": "estimated", "provider": "cartesia", "model": "sonic-3", "usd": "0.002",
                   "usd_by_unit": {"characters": "0.002"}}),
    ("transcript", {"turn": 1, "role": "assistant", "text": "A secret one.", "final": True}),
    ("turn.ended", {"turn": 1, "outcome": "done", "requests": 1, "latency": {"llm_s": 0.25, "total_s": 0.9}}),
]  # fmt: skip


def write_session(
    sessions: Path,
    session_id: str = "20261116T090000Z-standup-aaaaaa",
    *,
    started: datetime = STARTED,
    talk: Sequence[tuple[str, dict[str, Any]]] = TALK,
    has_ended: bool = True,
    room: str = "standup",
    tenant_id: str | None = "acme",
    media: bytes = b"\x1a\x45\xdf\xa3 not really a film",
    waits: bool = False,
) -> Path:
    """Write a bundle whose journal's events are a second apart, through the real journal."""
    bundle = sessions / session_id
    bundle.mkdir(parents=True)
    journal = open_journal(bundle, session_id, started=started, room=room, tenant_id=tenant_id)
    journal.append(
        "session.started", {"agent": "meetctl", "version": "0.1.0", "policy": {"fps": "1"}, "record": "full"}
    )
    for kind, fields in talk:
        journal.append(kind, fields)
    if has_ended:
        journal.append("session.ended", {"reason": "everyone left", "duration_s": 12.0, "lost_events": 0})
    journal.close()
    document = {
        "schema": "meetctl.session/1", "session_id": session_id, "tenant_id": tenant_id, "room": room,
        "started_at": f"{started:%Y-%m-%dT%H:%M:%S.%fZ}", "price_book": {"version": "2026-11-22"},
        "versions": {"meetctl": "0.1.0"},
        "participants": [{"identity": "maya@acme.test", "name": "Maya Chen", "kind": "standard"}],
    }  # fmt: skip
    (bundle / "session.json").write_text(json.dumps(document))
    if media:
        (bundle / "meeting.mkv").write_bytes(media)
    if waits:
        (bundle / "delivered.json").write_text(
            json.dumps({"schema": "meetctl.delivered/1", "complete": False})
        )
    return bundle


def open_journal(
    bundle: Path,
    session_id: str,
    *,
    started: datetime = STARTED,
    room: str = "standup",
    tenant_id: str | None = "acme",
) -> EventLog:
    """Open a bundle's journal, whose events are a second apart, as a running session has it."""
    clock = ManualClock()
    clock.advance((started - clock.now()) // timedelta(microseconds=1))
    owner = JournalOwner(session_id=session_id, tenant_id=tenant_id, room=room)
    seconds = iter(range(1_000_000))

    def tick() -> int:
        clock.advance(1_000_000)
        return next(seconds) * 1_000_000

    return EventLog(bundle / "events.jsonl", owner, clock=clock, media_us=tick)
