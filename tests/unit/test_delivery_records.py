"""What the backend is told of a journal's events, and what of them stays here."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from meetctl.domain.delivery import find_owner, session_event, stream_of, usage_record
from meetctl.domain.events import Event

REQUEST = {
    "turn": 1,
    "request": "request-001",
    "images": ["frame-000001"],
    "input_tokens": 900,
    "cached_input_tokens": 512,
    "output_tokens": 20,
    "basis": "reported",
    "outcome": "done",
    "provider": "openai",
    "model": "gpt-4.1",
    "usd": "0.001192",
    "usd_by_unit": {
        "input_tokens": "0.000776",
        "cached_input_tokens": "0.000256",
        "output_tokens": "0.00016",
    },
}


def event_of(kind: str, fields: dict[str, Any], *, tenant_id: str | None = None, ts: str = "") -> Event:
    return Event(
        seq=7, ts=ts, t=1.0, type=kind, session_id="s1", tenant_id=tenant_id, room="demo", fields=fields
    )


@pytest.mark.parametrize(
    ("kind", "fields", "stream"),
    [
        ("llm.request", REQUEST, "usage"),
        ("llm.request", REQUEST | {"outcome": "cancelled"}, "usage"),
        ("llm.request", REQUEST | {"outcome": "failed"}, None),
        ("stt.usage", {"audio_s": 1.5}, "usage"),
        ("stt.usage", {"audio_s": 0}, None),
        ("tts.usage", {"characters": 12}, "usage"),
        ("session.started", {}, "session"),
        ("session.ended", {}, "session"),
        ("participant.joined", {}, "session"),
        ("participant.left", {}, "session"),
        ("transcript", {"text": "secret"}, None),
        ("backend.call", {}, None),
        ("something.new", {}, None),
    ],
)
def test_only_billed_usage_and_who_was_when_there_are_delivered(
    kind: str, fields: dict[str, Any], stream: str | None
) -> None:
    assert stream_of(event_of(kind, fields)) == stream


def test_a_request_is_told_by_unit_and_costs_what_the_journal_says() -> None:
    record = usage_record(event_of("llm.request", REQUEST, ts="2026-11-16T09:00:00.000000Z"))
    assert record.key == "s1:7"
    assert (record.session_id, record.room, record.at) == ("s1", "demo", "2026-11-16T09:00:00.000000Z")
    assert (record.kind, record.provider, record.model) == ("llm.request", "openai", "gpt-4.1")
    assert record.quantities == {
        "input_tokens": Decimal(388),
        "cached_input_tokens": Decimal(512),
        "output_tokens": Decimal(20),
    }
    assert record.usd == Decimal("0.001192")
    assert record.basis == "reported"


def test_what_has_no_price_costs_nobody_knows_what() -> None:
    fields = {"audio_s": 30, "provider": "deepgram", "model": "new", "usd": None}
    assert usage_record(event_of("stt.usage", fields)).usd is None


def test_offline_usage_costs_nothing() -> None:
    fields = {"audio_s": 30, "provider": "offline", "model": "nova-3", "usd": None}
    assert usage_record(event_of("stt.usage", fields)).usd == 0


def test_names_and_instructions_are_not_told() -> None:
    joined = {"participant": "u-17", "name": "Maya", "kind": "standard"}
    assert session_event(event_of("participant.joined", joined)).fields == {
        "participant": "u-17",
        "kind": "standard",
    }
    started = {"agent": "meetctl", "version": "1.0", "policy": {"fps": "1"}, "instructions": "secret"}
    assert session_event(event_of("session.started", started)).fields == {
        "agent": "meetctl",
        "version": "1.0",
    }


def test_an_owner_without_a_time_has_none() -> None:
    for ts in ("", "yesterday", "2026-11-16T09:00:00"):
        owner = find_owner([event_of("log", {}, ts=ts)])
        assert owner is not None
        assert owner.began_at is None
    assert find_owner([]) is None
