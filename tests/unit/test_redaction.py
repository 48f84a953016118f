"""Secrets are taken out of text wherever they stand, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import marked_secrets as marked
from tests.agent_settings import SECRETS, make_settings

from meetctl.core.config import BackendAccess, ProviderAccess
from meetctl.core.redaction import Redactor, find_secrets, redact_tokens


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"connecting to ws://h/rtc?access_token={marked.JWT}&v=1", "access_token=[token]&v=1"),
        (f"token {marked.JWT}", "token [token]"),
        ("Authorization: Bearer abc.def-ghi_12", "Bearer [secret]"),
        ("authorization: bearer abcdefgh12", "bearer [secret]"),
        (f"Incorrect API key provided: {marked.API_KEY}.", "provided: [secret]."),
        ("https://h/v1?api_key=hunter2hunter&x=1", "api_key=[secret]&x=1"),
        ("password=hunter2", "password=[secret]"),
        (f"refused {marked.API_SECRET}!", "refused [secret]!"),
    ],
)
def test_secrets_are_taken_out_of_text(text: str, shown: str) -> None:
    redacted = Redactor([marked.API_SECRET]).redact(text)
    assert shown in redacted
    assert marked.search(redacted) == []


def test_the_longer_of_two_secrets_is_taken_out_whole() -> None:
    assert Redactor(["correct-horse", "correct-horse-battery"]).redact("correct-horse-battery") == "[secret]"


@pytest.mark.parametrize("placeholder", ["", "offline", "devkey", "secret"])
def test_placeholders_are_no_secrets(placeholder: str) -> None:
    text = f"the provider is {placeholder} now"
    assert Redactor([placeholder]).redact(text) == text


@pytest.mark.parametrize(
    "text", ["sk is a language", "risk-averse-strategy", "a token was refused", "the bearer of news"]
)
def test_words_that_only_look_like_secrets_stay(text: str) -> None:
    assert Redactor().redact(text) == text


@given(st.text())
def test_text_without_a_token_stays_as_it_is(text: str) -> None:
    if "eyJ" not in text:
        assert redact_tokens(text) == text


def test_every_secret_of_the_settings_is_found() -> None:
    fallback = ProviderAccess(name="rime", model="coda", api_key="rime-key")
    settings = replace(
        make_settings(),
        backend=BackendAccess(url="http://b", api_key="backend-key"),
        premium_tts=fallback,
        llm_fallbacks=(replace(fallback, api_key="other-key"),),
    )
    assert set(find_secrets(settings)) == {*SECRETS, "backend-key", "rime-key", "other-key"}
