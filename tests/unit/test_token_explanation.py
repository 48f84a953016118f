"""What tokens are said to be good for; any text at all is explained or refused in one line."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.fakes.clock import START, ManualClock
from tests.fakes.token_signer import InMemoryTokenSigner

from meetctl.domain.token_claims import read_claims
from meetctl.domain.token_explanation import SignatureVerdict, TokenExplanation, explain_token
from meetctl.domain.token_text import LONGEST_TEXT, find_token
from meetctl.domain.tokens import TokenPurpose
from meetctl.errors import UsageError
from meetctl.reports.token_explanation import explanation_document, explanation_lines
from meetctl.services import tokens

NOW_S = int(START.timestamp())
HOUR_S = 3600
JOIN = {"roomJoin": True, "room": "standup"}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "iss",
        "sub",
        "name",
        "kind",
        "metadata",
        "attributes",
        "iat",
        "nbf",
        "exp",
        "video",
        "roomConfig",
        "sip",
    ]
)
GRANTS = st.dictionaries(
    st.sampled_from(["room", "roomJoin", "roomAdmin", "hidden", "canPublish", "canPublishSources", "agent"]),
    ANYTHING,
)


def encode(header: object, claims: object, signature: str = "c2ln") -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in (header, claims))
    return ".".join([*(part.decode().rstrip("=") for part in parts), signature])


def token(*, alg: str = "HS256", **claims: Any) -> str:
    usual = {"iss": "APIfake", "sub": "maya", "nbf": NOW_S, "exp": NOW_S + HOUR_S, "video": JOIN}
    return encode({"alg": alg}, {**usual, **claims})


def explain(
    text: str, purpose: TokenPurpose | None = None, signature: SignatureVerdict = "fits"
) -> TokenExplanation:
    return explain_token(read_claims(find_token(text)), at_s=NOW_S, purpose=purpose, signature=signature)


def lines(explanation: TokenExplanation) -> str:
    return "\n".join(explanation_lines(explanation, "APIfake"))


@pytest.mark.parametrize(
    "wrapped",
    [
        "{}",
        "  {}\n",
        "Authorization: Bearer {}",
        "https://meet.livekit.io/custom?liveKitUrl=wss%3A%2F%2Fa.b.c&token={}",
        "wss://a.b.example/rtc?access_token={}&auto_subscribe=1",
        '{{"access_token": "{}"}}',
        "Project URL: wss://a.b.c\nAccess token: {}",
    ],
)
def test_a_token_is_found_in_what_people_have(wrapped: str) -> None:
    text = token()
    assert find_token(wrapped.format(text)).text == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no token"),
        ("a.b.c", "there is no token"),
        ("meet.livekit.io", "there is no token"),
        (encode({"alg": "HS256"}, [1]), "middle part is no JSON object"),
        (encode({"alg": "HS256"}, {"exp": float("nan")}), "middle part is no JSON object"),
        ("e30.eyJhYiI6MWU5OTl9.x", "middle part is no JSON object"),
        (token().replace(".", ".!", 1), "there is no token"),
        ("x" * (LONGEST_TEXT + 1), "too many"),
    ],
)
def test_what_holds_no_token_is_one_clear_line(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        find_token(text)
    assert "\n" not in raised.value.message


def explain_or_refuse(text: str) -> str | None:
    """Explain a text as the command does, and return the token in it; None where it is refused."""
    try:
        found = find_token(text)
    except UsageError:
        return None
    explained = tokens.explain(found, purpose=None, signer=InMemoryTokenSigner(), clock=ManualClock())
    shown = lines(explained)
    assert found.text not in shown
    assert "\x1b" not in shown
    assert found.text not in json.dumps(explanation_document(explained))
    return found.text


@given(st.text())
@example(encode({"alg": "none"}, {}, ""))
@example(encode({}, {"exp": -1e300, "nbf": 10**400}))
@example(f"e30.{'W' * 100_000}.x")
@example(encode({"alg": ["HS256"]}, {"video": {"room": "\x1b[31m\n"}, "sub": "\ud800"}))
def test_any_text_is_explained_or_refused(text: str) -> None:
    found = explain_or_refuse(text)
    assert found is None or (found in unquote(text) and found.count(".") == 2)


@given(st.dictionaries(st.text(), ANYTHING), st.dictionaries(NAMES, ANYTHING), GRANTS)
def test_any_claims_are_explained(
    header: dict[str, Any], claims: dict[str, Any], video: dict[str, Any]
) -> None:
    for text in (encode(header, claims), encode(header, {**claims, "video": video})):
        assert explain_or_refuse(text) == text


@given(
    st.none() | st.integers(NOW_S - 10**7, NOW_S + 10**7),
    st.none() | st.integers(NOW_S - 10**7, NOW_S + 10**7),
)
def test_a_token_is_valid_between_its_times_alone(begins: int | None, ends: int | None) -> None:
    explained = explain(token(nbf=begins, exp=ends))
    is_good = (begins is None or begins <= NOW_S) and (ends is None or ends > NOW_S)
    assert (explained.validity in ("valid", "valid for ever")) is is_good
    assert (explained.problems == ()) is is_good


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": NOW_S + 300}, "for 5 min, until 2026-11-16 09:05:00 UTC"),
        ({"exp": NOW_S - 3 * HOUR_S}, "expired 3 h ago, at 2026-11-16 06:00:00 UTC"),
        ({"nbf": NOW_S + 60}, "not yet: from 2026-11-16 09:01:00 UTC, in 1 min"),
        ({"exp": None}, "for ever"),
        ({"exp": NOW_S}, "expired 0 s ago"),
        ({"exp": 1e300}, "until 9999-12-31 23:59:59 UTC"),
    ],
)
def test_expiry_in_words(claims: dict[str, Any], said: str) -> None:
    assert said in lines(explain(token(**claims)))


@pytest.mark.parametrize(
    ("claims", "danger"),
    [
        ({"exp": None}, "never expires"),
        ({"exp": NOW_S + 25 * HOUR_S}, "valid for 25 hours"),
        ({"video": {**JOIN, "roomAdmin": True}}, "put them out"),
        ({"video": {**JOIN, "roomList": True}}, "over the whole server"),
        ({"video": {"roomJoin": True}}, "any room"),
        ({"video": {**JOIN, "hidden": True}}, "nobody sees"),
        ({"kind": "egress"}, "LiveKit's own egress"),
        ({"roomConfig": {"egress": {"room": {}}}}, "records the room"),
        ({"aud": "meetctl.control"}, "control message"),
    ],
)
def test_dangers(claims: dict[str, Any], danger: str) -> None:
    assert any(danger in one for one in explain(token(**claims)).dangers)
    assert explain(token()).dangers == ()


@pytest.mark.parametrize(
    ("purpose", "claims", "missing"),
    [
        ("participant", {"video": {"room": "standup"}}, "right to join"),
        ("participant", {"sub": ""}, "an identity"),
        ("participant", {"video": {**JOIN, "canPublish": False}}, "right to speak"),
        ("participant", {"video": {**JOIN, "canSubscribe": False}}, "see and hear"),
        ("participant", {"video": {**JOIN, "canPublishData": False}}, "send messages"),
        ("participant", {"video": {**JOIN, "canPublishSources": ["camera"]}}, "microphone"),
        ("participant", {"video": {**JOIN, "canPublishSources": ["sofa"]}}, "'sofa' is none"),
        ("participant", {"kind": "agent"}, "kind of a person"),
        ("participant", {"video": {**JOIN, "hidden": True}}, "being seen"),
        ("agent", {}, "the kind 'agent'"),
        ("agent", {"kind": "agent"}, "register as a worker"),
        ("agent", {"video": {**JOIN, "agent": True}}, "its own attributes"),
        ("observer", {}, "being hidden"),
        ("observer", {"video": {**JOIN, "hidden": True}}, "unable to send"),
        ("observer", {"video": {**JOIN, "hidden": True, "canPublish": False}}, "identity of an observer"),
        (None, {"video": {"roomAdmin": True}}, "a room to administer"),
    ],
)
def test_what_is_lacking(purpose: TokenPurpose | None, claims: dict[str, Any], missing: str) -> None:
    explained = explain(token(**claims), purpose)
    assert any(missing in one for one in explained.lacks)
    assert any(missing in one for one in explained.problems)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (token(alg="none"), "signed by none"),
        (encode({}, {}), "signed by nothing"),
        (token(alg="RS256"), "signed by RS256"),
        (token(exp="tomorrow"), "exp is no number"),
        (token(exp=True), "exp is no number"),
        (token(sub=7), "sub is no text"),
        (token(attributes={"a": 1}), "attributes is no object of texts"),
        (token(video=[]), "video is no object"),
        (token(video={**JOIN, "canPublish": "yes"}), "canPublish is 'yes'"),
        (token(video={**JOIN, "canPublishSources": "camera"}), "no list of texts"),
    ],
)
def test_what_a_server_refuses(text: str, fault: str) -> None:
    explained = explain(text)
    assert any(fault in one for one in explained.claims.faults)
    assert explained.problems[: len(explained.claims.faults)] == explained.claims.faults


def test_names_of_grants_are_read_in_any_case_as_the_server_does() -> None:
    assert explain(token(video={"ROOMJOIN": True, "room": "standup"})).allows[0] == "join room 'standup'"


@pytest.mark.parametrize(
    ("signed_by", "issuer", "verdict"),
    [
        ("ours", "APIfake", "fits"),
        ("another", "APIfake", "does not fit"),
        ("ours", "APIother", "another key"),
        (None, "APIfake", "not checked"),
    ],
)
def test_verdict_on_the_signature(signed_by: str | None, issuer: str, verdict: SignatureVerdict) -> None:
    ours = InMemoryTokenSigner()
    signer = InMemoryTokenSigner() if signed_by == "another" else ours
    text = signer.sign({"iss": issuer, "sub": "maya", "exp": NOW_S + 60, "video": JOIN})
    explained = tokens.explain(
        find_token(text), purpose=None, signer=ours if signed_by else None, clock=ManualClock()
    )
    assert explained.signature == verdict
    assert (explained.problems == ()) is (verdict == "fits")


def test_what_a_token_carries_is_shown_and_long_metadata_is_cut() -> None:
    room_config = {"agents": [{"agentName": "meetctl", "metadata": '{"tenant":"acme"}'}], "tags": {}}
    shown = lines(
        explain(token(metadata="m" * 500, attributes={"team": "blue"}, roomConfig=room_config, custom=1))
    )
    assert "m" * 200 + "…" in shown
    assert "m" * 201 not in shown
    assert "attribute team = blue" in shown
    assert "bring the agent 'meetctl'" in shown
    assert 'metadata for agent meetctl: {"tenant":"acme"}' in shown
    assert "other claims: custom, roomConfig.tags" in shown
