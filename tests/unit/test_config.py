"""The agent's settings: what is found where, what is missing, and that no secret is shown."""

from __future__ import annotations

import pickle
from contextlib import suppress
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent_settings import SECRETS, make_settings

from meetctl.core.config import (
    KEY_VARIABLES,
    OFFLINE_VARIABLE,
    Recording,
    find_livekit,
    find_provider,
    parse_recording,
)
from meetctl.core.local_stack import LiveKitAccess, ProcessIdentity, StackState
from meetctl.errors import UsageError

LOCAL = LiveKitAccess(url="ws://127.0.0.1:7880", api_key="local", api_secret="local-secret")
REMOTE = {
    "LIVEKIT_URL": "wss://meet.example",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "remote-secret",
}
OFFLINE_URL = "http://127.0.0.1:9999"


def make_stack(livekit: LiveKitAccess | None = LOCAL, offline_url: str | None = OFFLINE_URL) -> StackState:
    return StackState(
        id="stack-1",
        state="running",
        started_at=datetime(2026, 11, 16, tzinfo=UTC),
        supervisor=ProcessIdentity(pid=1, created=0.0),
        livekit=livekit,
        offline_url=offline_url,
    )


def test_the_local_stacks_server_is_taken_where_no_other_is_named() -> None:
    assert find_livekit({}, make_stack()) == LOCAL


@pytest.mark.parametrize("environment", [{"LIVEKIT_URL": LOCAL.url}, {"LIVEKIT_URL": ""}])
def test_the_local_stacks_server_needs_no_key(environment: dict[str, str]) -> None:
    assert find_livekit(environment, make_stack()) == LOCAL
    assert find_livekit({}, make_stack(), url=LOCAL.url) == LOCAL


def test_the_environment_goes_before_the_local_stack() -> None:
    access = find_livekit(REMOTE, make_stack())
    assert (access.url, access.api_key, access.api_secret) == ("wss://meet.example", "key", "remote-secret")


def test_the_option_goes_before_the_environment() -> None:
    assert find_livekit(REMOTE, make_stack(), url=LOCAL.url) == LOCAL
    assert find_livekit(REMOTE, None, url="wss://other.example").url == "wss://other.example"


@pytest.mark.parametrize("stack", [None, make_stack(livekit=None)])
def test_without_any_server_the_variable_is_named(stack: StackState | None) -> None:
    with pytest.raises(UsageError, match="LIVEKIT_URL is not set") as error:
        find_livekit({}, stack)
    assert "meetctl up" in (error.value.hint or "")


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (["LIVEKIT_API_KEY"], "LIVEKIT_API_KEY not set"),
        (["LIVEKIT_API_SECRET"], "LIVEKIT_API_SECRET not set"),
        (["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"], "LIVEKIT_API_KEY and LIVEKIT_API_SECRET not set"),
    ],
)
@pytest.mark.parametrize("is_empty", [True, False])
def test_what_a_server_lacks_is_named_with_the_server(
    missing: list[str], message: str, is_empty: bool
) -> None:
    environment = {name: value for name, value in REMOTE.items() if name not in missing}
    if is_empty:
        environment |= dict.fromkeys(missing, "")
    with pytest.raises(
        UsageError, match=rf"^{message}, for the LiveKit server wss://meet\.example$"
    ) as error:
        find_livekit(environment, make_stack())
    assert "remote-secret" not in str(error.value)


@pytest.mark.parametrize("url", ["meet.example", "ftp://meet.example", "127.0.0.1:7880"])
def test_an_address_without_a_scheme_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match=url):
        find_livekit(REMOTE, None, url=url)


@pytest.mark.parametrize("name", list(KEY_VARIABLES))
def test_a_provider_with_a_key_is_the_real_one(name: str) -> None:
    access = find_provider(name, "some-model", {KEY_VARIABLES[name]: "the-key"}, make_stack())
    assert (access.api_key, access.base_url, access.is_offline) == ("the-key", None, False)
    assert (access.billed_as, access.priced_model) == (name, "some-model")


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("openai", "http://127.0.0.1:9999/v1"),
        ("deepgram", "http://127.0.0.1:9999/v1/listen"),
        ("cartesia", "http://127.0.0.1:9999"),
        ("rime", "http://127.0.0.1:9999/v1/rime-tts"),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_without_a_key_the_offline_provider_answers(name: str, url: str, slash: str) -> None:
    for environment, stack in (
        ({}, make_stack()),
        ({OFFLINE_VARIABLE: OFFLINE_URL + slash}, None),
        ({OFFLINE_VARIABLE: OFFLINE_URL, KEY_VARIABLES[name]: ""}, make_stack(offline_url="http://other")),
    ):
        access = find_provider(name, "some-model", environment, stack)
        assert access.base_url == url
        assert access.api_key
        assert (access.billed_as, access.priced_model) == ("offline", "offline/some-model")


@pytest.mark.parametrize("name", list(KEY_VARIABLES))
@pytest.mark.parametrize("stack", [None, make_stack(offline_url=None)])
def test_a_provider_without_a_key_names_its_variable(name: str, stack: StackState | None) -> None:
    with pytest.raises(UsageError, match=f"^{KEY_VARIABLES[name]} is not set") as error:
        find_provider(name, "some-model", {"LIVEKIT_URL": "x"}, stack)
    assert KEY_VARIABLES[name] in (error.value.hint or "")


def test_only_openai_has_an_address_of_its_own() -> None:
    environment = {
        "OPENAI_API_KEY": "k",
        "DEEPGRAM_API_KEY": "k",
        "OPENAI_BASE_URL": "https://proxy.example/v1",
    }
    assert find_provider("openai", "m", environment, None).base_url == "https://proxy.example/v1"
    assert find_provider("deepgram", "m", environment, None).base_url is None
    assert find_provider("openai", "m", {**environment, "OPENAI_BASE_URL": ""}, None).base_url is None


@pytest.mark.parametrize("mode", ["off", "sampled", "full"])
def test_modes_of_recording(mode: str) -> None:
    recording = parse_recording(f" {mode} ")
    assert recording.mode == recording.text == mode
    assert recording.is_on == (mode != "off")


@pytest.mark.parametrize(
    ("text", "fps"), [("5", Fraction(5)), ("0.5", Fraction(1, 2)), ("30000/1001", Fraction(30000, 1001))]
)
def test_rates_of_recording(text: str, fps: Fraction) -> None:
    recording = parse_recording(text)
    assert recording == Recording(mode="rate", fps=fps)
    assert parse_recording(recording.text) == recording


@pytest.mark.parametrize("text", ["", "Full", "0", "-1", "1/0", "1e3", "nan", "inf", "5 fps", "5,0"])
def test_anything_else_is_no_recording(text: str) -> None:
    with pytest.raises(UsageError, match="none of off, sampled, full or a number") as error:
        parse_recording(text)
    assert repr(text) in str(error.value)
    assert error.value.hint


@given(st.text(max_size=12))
def test_no_text_is_another_error(text: str) -> None:
    with suppress(UsageError):
        assert parse_recording(text).mode


def test_settings_show_no_secret() -> None:
    settings = make_settings()
    shown = f"{settings} {settings!r} {settings.livekit} {settings.llm}"
    assert "gpt-4.1" in shown
    assert not any(secret in shown for secret in SECRETS)


def test_settings_reach_another_process_whole() -> None:
    settings = make_settings()
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert pickle.loads(pickle.dumps(settings)).livekit.api_secret == SECRETS[0]
