"""What every token signer promises, held against the fake and the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import api
from tests.fakes.token_signer import InMemoryTokenSigner

from meetctl.adapters.livekit_tokens import LiveKitTokens
from meetctl.core.local_stack import LiveKitAccess
from meetctl.domain.token_text import find_token

if TYPE_CHECKING:
    from meetctl.ports import TokenSigner

SECRET = "s" * 40
CLAIMS = {"iss": "APIfake", "sub": "maya", "exp": 4_000_000_000, "video": {"roomJoin": True, "room": "é"}}


def real(secret: str = SECRET) -> LiveKitTokens:
    return LiveKitTokens(LiveKitAccess(url="ws://127.0.0.1:1", api_key="APIfake", api_secret=secret))


@pytest.fixture(params=["fake", "real"])
def signers(request: pytest.FixtureRequest) -> tuple[TokenSigner, TokenSigner]:
    """Two keys of the same kind."""
    if request.param == "fake":
        return InMemoryTokenSigner(), InMemoryTokenSigner()
    return real(), real("t" * 40)


def test_what_it_signs_can_be_decoded(signers: tuple[TokenSigner, TokenSigner]) -> None:
    token = find_token(signers[0].sign(CLAIMS))
    assert token.claims == CLAIMS
    assert token.header["alg"] == "HS256"


def test_it_knows_its_own_signature_and_no_other(signers: tuple[TokenSigner, TokenSigner]) -> None:
    mine, other = signers
    token = mine.sign(CLAIMS)
    assert mine.has_signed(token)
    assert not other.has_signed(token)
    assert not mine.has_signed(token[:-3])
    assert not mine.has_signed(".".join([*token.split(".")[:2], ""]))


def test_it_names_its_key(signers: tuple[TokenSigner, TokenSigner]) -> None:
    assert signers[0].api_key == "APIfake"


@given(st.text())
def test_any_text_can_be_asked_about(text: str) -> None:
    assert not real().has_signed(text)
    assert not InMemoryTokenSigner().has_signed(text)


def test_livekit_reads_what_it_signs() -> None:
    read = api.TokenVerifier("APIfake", SECRET).verify(real().sign(CLAIMS))
    assert read.identity == "maya"
    assert read.video is not None
    assert read.video.room == "é"


def test_a_token_that_livekit_made_is_known() -> None:
    token = api.AccessToken("APIfake", SECRET).with_identity("maya").to_jwt()
    assert real().has_signed(token)


def test_a_short_secret_is_no_matter_of_the_signer() -> None:
    assert real("short").has_signed(real("short").sign(CLAIMS))
