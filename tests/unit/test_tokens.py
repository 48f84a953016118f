"""What tokens are made of: presets, claims, and what a secret and an address are worth."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.fakes.clock import START, ManualClock
from tests.fakes.token_signer import InMemoryTokenSigner

from meetctl.domain.control import is_observer
from meetctl.domain.token_claims import read_claims
from meetctl.domain.token_explanation import explain_token
from meetctl.domain.token_purpose import guess_purpose
from meetctl.domain.token_text import find_token
from meetctl.domain.tokens import (
    PURPOSES,
    AgentToSend,
    TokenOrder,
    TokenPurpose,
    find_page_obstacle,
    find_weakness,
    make_claims,
    meeting_link,
    preset_grants,
    preset_kind,
)
from meetctl.services.tokens import make_identity, mint_token

NOW_S = int(START.timestamp())


def order(purpose: TokenPurpose) -> TokenOrder:
    return TokenOrder(
        grants=preset_grants(purpose, "standup"),
        kind=preset_kind(purpose),
        identity=make_identity(purpose),
    )


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_preset_has_all_that_its_purpose_needs_and_nothing_dangerous(purpose: TokenPurpose) -> None:
    minted = mint_token(order(purpose), InMemoryTokenSigner(), ManualClock())
    claims = read_claims(find_token(minted.text))
    explained = explain_token(claims, at_s=NOW_S, purpose=purpose, signature="fits")
    assert (explained.lacks, explained.dangers, explained.problems) == ((), (), ())
    assert guess_purpose(claims) == purpose


def test_claims_hold_everything_that_was_ordered() -> None:
    full = TokenOrder(
        grants=preset_grants("participant", "standup"),
        unknown_grants={"canFly": True},
        identity="maya",
        name="Maya",
        metadata="{}",
        attributes={"team": "blue"},
        agent=AgentToSend(name="meetctl", metadata='{"tenant": "acme"}'),
        inference=True,
        valid_for=timedelta(minutes=5),
    )
    assert make_claims(full, api_key="APIfake", now_s=1_000) == {
        "iss": "APIfake",
        "sub": "maya",
        "iat": 1_000,
        "nbf": 1_000,
        "exp": 1_300,
        "name": "Maya",
        "metadata": "{}",
        "attributes": {"team": "blue"},
        "video": {
            "room": "standup",
            "roomJoin": True,
            "canPublish": True,
            "canSubscribe": True,
            "canPublishData": True,
            "canFly": True,
        },
        "inference": {"perform": True},
        "roomConfig": {"agents": [{"agentName": "meetctl", "metadata": '{"tenant": "acme"}'}]},
    }


def test_a_minted_token_does_not_show_itself() -> None:
    minted = mint_token(order("participant"), InMemoryTokenSigner(), ManualClock())
    assert minted.text not in repr(minted)


def test_observers_get_identities_of_observers() -> None:
    first, second = make_identity("observer"), make_identity("observer")
    assert is_observer(first)
    assert first != second


@pytest.mark.parametrize(
    ("secret", "weakness"),
    [
        ("secret", "is one that everybody knows"),
        ("k" * 31, "has 31 bytes, fewer than 32"),
        ("é" * 16, None),
        ("k" * 32, None),
    ],
)
def test_weak_secrets(secret: str, weakness: str | None) -> None:
    assert find_weakness(secret) == weakness


def test_the_link_holds_what_the_page_needs() -> None:
    link = meeting_link("wss://a.example/?x=1&y", "h.p.s")
    assert (
        link == "https://meet.livekit.io/custom?liveKitUrl=wss%3A%2F%2Fa.example%2F%3Fx%3D1%26y&token=h.p.s"
    )
    assert find_token(
        meeting_link("wss://a.example", InMemoryTokenSigner().sign({"sub": "maya"}))
    ).claims == {"sub": "maya"}


@pytest.mark.parametrize(
    ("url", "obstacle"),
    [
        ("wss://meet.example", None),
        ("ws://127.0.0.1:7880", "it works in a browser on this machine alone"),
        (
            "ws://10.0.0.7:7880",
            "the page is loaded over https, from which browsers do not connect to ws://",
        ),
    ],
)
def test_where_the_page_cannot_connect(url: str, obstacle: str | None) -> None:
    assert find_page_obstacle(url) == obstacle
