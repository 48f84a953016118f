"""What an arriving agent's first events tell."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest
from tests.fakes.events import make_event

from meetctl.domain.arrival import Arrival, ProviderFault, note_event


def after(*events: tuple[str, dict[str, Any]]) -> Arrival:
    return reduce(note_event, (make_event(kind, **fields) for kind, fields in events), Arrival())


def test_nothing_is_known_at_first() -> None:
    assert after(("participant.joined", {"participant": "maya"})) == Arrival()


def test_an_agent_that_arrives_well() -> None:
    arrival = after(
        ("session.started", {}),
        ("track.started", {"kind": "audio", "participant": "maya", "source": "microphone"}),
        ("session.ready", {"greeting": True}),
        ("agent.state", {"old": "initializing", "new": "listening"}),
        (
            "track.started",
            {"kind": "video", "participant": "maya", "source": "screen_share", "width": 640, "height": 360},
        ),
        ("track.started", {"kind": "video", "participant": "noor", "source": "camera"}),
        ("agent.state", {"old": "listening", "new": "speaking"}),
    )
    assert arrival == Arrival(
        session_id="s1", is_ready=True, greets=True, has_spoken=True, sees="screen share of maya, 640x360"
    )


def test_an_agent_that_answers_in_writing_has_spoken_too() -> None:
    assert after(("transcript", {"role": "assistant", "text": "Hello"})).has_spoken
    assert not after(("transcript", {"role": "user", "text": "Hello"})).has_spoken


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (
            {"component": "plugins.cartesia", "error": "APIStatusError", "status": 401, "recoverable": False},
            ProviderFault(part="voice", provider="cartesia", error="APIStatusError, status 401"),
        ),
        (
            {"component": "plugins.deepgram", "error": "APIError", "status": None, "recoverable": False},
            ProviderFault(part="ears", provider="deepgram", error="APIError"),
        ),
    ],
)
def test_a_provider_that_fails_for_good_is_a_fault(fields: dict[str, Any], fault: ProviderFault) -> None:
    assert after(("error", {**fields, "recoverable": True})).faults == ()
    arrival = after(("error", fields), ("error", fields))
    assert arrival.faults == (fault,)
    assert arrival.find_fault(fault.part) == fault
    assert arrival.find_fault("model") is None


def test_a_provider_with_a_stand_in_is_no_fault() -> None:
    fields = {"use": "tts", "provider": "rime", "model": "coda"}
    assert after(("provider.degraded", {**fields, "instead": {"provider": "cartesia"}})).faults == ()
    (fault,) = after(("provider.degraded", {**fields, "instead": None})).faults
    assert (fault.part, fault.provider) == ("voice", "rime coda")


def test_orders_that_could_not_be_used_are_warnings() -> None:
    arrival = after(
        ("log", {"level": "warning", "message": "detail 'medium' is not known"}),
        ("log", {"level": "info", "message": "all is well"}),
    )
    assert arrival.warnings == ("detail 'medium' is not known",)


def test_the_end_has_its_reason() -> None:
    assert after(("session.ended", {"reason": "nobody came"})).ended == "nobody came"
    assert after(("session.ended", {})).ended == "it does not say why"
