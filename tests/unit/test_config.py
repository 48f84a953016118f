"""The agent's settings: what is found where, what is missing, and that no secret is shown."""

from __future__ import annotations

import pickle
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent_settings import SECRETS, make_settings

from meetctl.adapters.backend_trpc import procedures
from meetctl.core.config import (
    ENVIRONMENTS,
    KEY_VARIABLES,
    OFFLINE_VARIABLE,
    BackendAccess,
    Environment,
    ProviderAccess,
    Recording,
    Sources,
    check_configuration,
    find_backend,
    find_budgets,
    find_livekit,
    find_provider,
    find_required,
    find_voices,
    parse_recording,
    read_values,
)
from meetctl.core.local_stack import LiveKitAccess, ProcessIdentity, StackState
from meetctl.core.variables import PROCEDURES, VARIABLES
from meetctl.domain.budget import BudgetLimits, Budgets, parse_steps
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCAL = LiveKitAccess(url="ws://127.0.0.1:7880", api_key="local", api_secret="local-secret")
REMOTE = {
    "LIVEKIT_URL": "wss://meet.example",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "remote-secret",
}
OFFLINE_URL = "http://127.0.0.1:9999"
BACKEND = {"API_BASE_URL": "https://api.example", "AGENT_API_KEY": "agent-key"}
PRODUCTION = {
    **REMOTE,
    **BACKEND,
    "OPENAI_API_KEY": "openai-key",
    "DEEPGRAM_API_KEY": "deepgram-key",
    "CARTESIA_API_KEY": "cartesia-key",
}
LONG = 12
"""So many characters no message has in common with a value by chance."""
ROOT = Path(__file__).resolve().parents[2]


def make_stack(livekit: LiveKitAccess | None = LOCAL, offline_url: str | None = OFFLINE_URL) -> StackState:
    return StackState(
        id="stack-1",
        state="running",
        started_at=datetime(2026, 11, 16, tzinfo=UTC),
        supervisor=ProcessIdentity(pid=1, created=0.0),
        livekit=livekit,
        offline_url=offline_url,
    )


def make_sources(
    values: Mapping[str, str],
    stack: StackState | None = None,
    *,
    environment: Environment = "development",
    url: str | None = None,
) -> Sources:
    return Sources(values=read_values(values, url=url), environment=environment, stack=stack)


def test_the_local_stacks_server_is_taken_where_no_other_is_named() -> None:
    assert find_livekit(make_sources({}, make_stack())) == LOCAL


@pytest.mark.parametrize("environment", [{"LIVEKIT_URL": LOCAL.url}, {"LIVEKIT_URL": ""}])
def test_the_local_stacks_server_needs_no_key(environment: dict[str, str]) -> None:
    assert find_livekit(make_sources(environment, make_stack())) == LOCAL
    assert find_livekit(make_sources({}, make_stack(), url=LOCAL.url)) == LOCAL


def test_the_environment_goes_before_the_local_stack() -> None:
    access = find_livekit(make_sources(REMOTE, make_stack()))
    assert (access.url, access.api_key, access.api_secret) == ("wss://meet.example", "key", "remote-secret")


def test_the_option_goes_before_the_environment() -> None:
    assert find_livekit(make_sources(REMOTE, make_stack(), url=LOCAL.url)) == LOCAL
    assert find_livekit(make_sources(REMOTE, url="wss://other.example")).url == "wss://other.example"


def test_production_never_uses_the_local_stack() -> None:
    sources = make_sources({"LIVEKIT_URL": LOCAL.url}, make_stack(), environment="production")
    with pytest.raises(UsageError, match=r"^LIVEKIT_API_KEY .* are not set") as error:
        find_livekit(sources)
    assert "meetctl up" not in (error.value.hint or "")
    with pytest.raises(UsageError, match=r"^OPENAI_API_KEY .* is not set \(required in production\)$"):
        find_provider("openai", "m", sources)


@pytest.mark.parametrize("stack", [None, make_stack(livekit=None)])
def test_without_any_server_the_variables_are_named(stack: StackState | None) -> None:
    with pytest.raises(UsageError, match=r"LIVEKIT_URL .* are not set") as error:
        find_livekit(make_sources({}, stack))
    assert "meetctl up" in (error.value.hint or "")


@pytest.mark.parametrize(
    "missing", [["LIVEKIT_API_KEY"], ["LIVEKIT_API_SECRET"], ["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"]]
)
@pytest.mark.parametrize("is_empty", [True, False])
def test_what_a_server_lacks_is_named_with_its_purpose(missing: list[str], is_empty: bool) -> None:
    environment = {name: value for name, value in REMOTE.items() if name not in missing}
    if is_empty:
        environment |= dict.fromkeys(missing, " ")
    with pytest.raises(UsageError) as error:
        find_livekit(make_sources(environment, make_stack()))
    named = ", ".join(f"{name} ({VARIABLES[name].purpose})" for name in missing)
    assert error.value.message == f"{named} {'is' if len(missing) == 1 else 'are'} not set"
    assert "remote-secret" not in str(error.value)


@pytest.mark.parametrize("url", ["meet.example", "ftp://meet.example", "127.0.0.1:7880", "wss://"])
def test_a_wrong_address_is_refused_with_its_source(url: str) -> None:
    with pytest.raises(UsageError, match=rf"^LIVEKIT_URL .*, from --url\) is '{url}'"):
        find_livekit(make_sources(REMOTE, url=url))
    with pytest.raises(UsageError, match=rf"from the environment\) is '{url}'"):
        find_livekit(make_sources({**REMOTE, "LIVEKIT_URL": url}))


@pytest.mark.parametrize(
    "url", ["https://user:hunter2@host", "user:hunter2@host", "https://host/?key=hunter2", "host#hunter2"]
)
def test_an_address_that_may_hold_a_secret_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(UsageError, match="API_BASE_URL") as error:
        find_backend(make_sources({"API_BASE_URL": url, "AGENT_API_KEY": "k"}))
    assert "hunter2" not in error.value.message


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "clé"])
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(UsageError, match=r"^DEEPGRAM_API_KEY .*no key has") as error:
        find_provider("deepgram", "m", make_sources({"DEEPGRAM_API_KEY": key}))
    assert key not in error.value.message


def test_blanks_around_a_value_do_not_count() -> None:
    assert find_provider("openai", "m", make_sources({"OPENAI_API_KEY": " k\n"})).api_key == "k"


@pytest.mark.parametrize("name", list(KEY_VARIABLES))
def test_a_provider_with_a_key_is_the_real_one(name: str) -> None:
    sources = make_sources({KEY_VARIABLES[name]: "the-key"}, make_stack())
    access = find_provider(name, "some-model", sources)
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
        access = find_provider(name, "some-model", make_sources(environment, stack))
        assert access.base_url == url
        assert access.api_key
        assert (access.billed_as, access.priced_model) == ("offline", "offline/some-model")


@pytest.mark.parametrize("name", list(KEY_VARIABLES))
@pytest.mark.parametrize("stack", [None, make_stack(offline_url=None)])
def test_a_provider_without_a_key_names_its_variable(name: str, stack: StackState | None) -> None:
    with pytest.raises(UsageError, match=rf"^{KEY_VARIABLES[name]} \(.*\) is not set$") as error:
        find_provider(name, "some-model", make_sources({"LIVEKIT_URL": "x"}, stack))
    assert "meetctl up" in (error.value.hint or "")


def test_only_openai_has_an_address_of_its_own() -> None:
    environment = {
        "OPENAI_API_KEY": "k",
        "DEEPGRAM_API_KEY": "k",
        "OPENAI_BASE_URL": "https://proxy.example/v1",
    }
    sources = make_sources(environment)
    assert find_provider("openai", "m", sources).base_url == "https://proxy.example/v1"
    assert find_provider("deepgram", "m", sources).base_url is None
    without = make_sources({**environment, "OPENAI_BASE_URL": ""})
    assert find_provider("openai", "m", without).base_url is None


@pytest.mark.parametrize(
    "url",
    ["https://api.example", "https://api.example/", "https://api.example/trpc", "https://api.example/trpc/"],
)
def test_a_backends_address_is_kept_without_the_path_of_its_procedures(url: str) -> None:
    access = find_backend(make_sources({"API_BASE_URL": url, "AGENT_API_KEY": "agent-key"}))
    assert access == BackendAccess(url="https://api.example", api_key="agent-key")
    assert "agent-key" not in repr(access)


def test_how_a_backend_differs_is_read() -> None:
    environment = {
        **BACKEND,
        "MEETCTL_BACKEND_TRANSFORMER": "plain",
        "MEETCTL_BACKEND_PROCEDURES": '{"knowledge.search": "rag.find"}',
    }
    access = find_backend(make_sources(environment))
    assert access is not None
    assert (access.transformer, access.procedures) == ("plain", {"knowledge.search": "rag.find"})


def test_development_needs_no_backend() -> None:
    assert find_backend(make_sources({"AGENT_API_KEY": "agent-key"})) is None
    with pytest.raises(UsageError, match=r"^AGENT_API_KEY .* is not set$"):
        find_backend(make_sources({"API_BASE_URL": "https://api.example"}))
    with pytest.raises(UsageError, match=r"^API_BASE_URL .*, AGENT_API_KEY .* are not set"):
        find_backend(make_sources({}, environment="production"))


@pytest.mark.parametrize(
    "text",
    ["[]", "{", '{"knowledge.search": 1}', '{"knowledge.search": ""}', pytest.param("[" * 99_999, id="deep")],
)
def test_procedures_that_are_no_object_of_names_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^MEETCTL_BACKEND_PROCEDURES .* is no JSON object of names"):
        find_backend(make_sources({**BACKEND, "MEETCTL_BACKEND_PROCEDURES": text}))


def test_an_unknown_procedure_is_told_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"names 'knowledge\.serch'; the procedures are .*knowledge\.search"):
        find_backend(make_sources({**BACKEND, "MEETCTL_BACKEND_PROCEDURES": '{"knowledge.serch": "x"}'}))


def test_the_backends_client_knows_the_same_procedures() -> None:
    assert {procedure.name for procedure in procedures.PROCEDURES} == set(PROCEDURES)


BUDGET = "MEETCTL_BUDGET_"


def test_without_budgets_nothing_is_limited() -> None:
    assert find_budgets(make_sources({})) == Budgets()


def test_budgets_are_read_from_their_variables() -> None:
    environment = {
        f"{BUDGET}MEETING_USD": " 2.00 ",
        f"{BUDGET}TENANT_DAY_USD": "20",
        f"{BUDGET}TENANTS": '{"acme": {"meeting_usd": 0.1}}',
        f"{BUDGET}STEPS": "80% vision=off, 100% leave",
        f"{BUDGET}ANNOUNCE": "Voice",
    }
    assert find_budgets(make_sources(environment)) == Budgets(
        everyone=BudgetLimits(meeting_usd=Decimal(2), day_usd=Decimal(20)),
        tenants={"acme": BudgetLimits(meeting_usd=Decimal("0.1"))},
        steps=parse_steps("80% vision=off, 100% leave"),
        announcing="voice",
    )


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("MEETING_USD", "two", "'two' is no amount of US dollars"),
        ("TENANT_DAY_USD", "-1", "'-1' is no amount of US dollars"),
        ("TENANTS", "acme=3", "it is no JSON object of tenants"),
        ("STEPS", "70% blink", "'blink' is not known"),
        ("ANNOUNCE", "loud", "is 'loud', which is none of off, chat, voice"),
    ],
)
def test_a_wrong_budget_is_named_with_its_source(name: str, text: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        check_configuration(make_sources({f"{BUDGET}{name}": text}, make_stack()), "cartesia")
    assert error.value.message.startswith(f"{BUDGET}{name} (")
    assert "from the environment" in error.value.message
    assert words in error.value.message


def test_everything_that_production_lacks_is_told_at_once() -> None:
    sources = make_sources({OFFLINE_VARIABLE: OFFLINE_URL}, make_stack(), environment="production")
    with pytest.raises(UsageError) as error:
        check_configuration(sources, "rime")
    required = {name for name, variable in VARIABLES.items() if variable.required_in} | {"RIME_API_KEY"}
    assert {name for name in VARIABLES if f"{name} (" in error.value.message} == required


def test_what_is_missing_is_told_together_with_what_is_malformed() -> None:
    environment = {"API_BASE_URL": "api.example", "OPENAI_BASE_URL": "nowhere", "LIVEKIT_API_KEY": "a b"}
    with pytest.raises(UsageError) as error:
        check_configuration(make_sources(environment, make_stack()), "cartesia")
    missing, *malformed = error.value.message.split("; ")
    assert missing == f"AGENT_API_KEY ({VARIABLES['AGENT_API_KEY'].purpose}) is not set"
    assert [text.split(" ")[0] for text in malformed] == [
        "LIVEKIT_API_KEY",
        "OPENAI_BASE_URL",
        "API_BASE_URL",
    ]


def test_development_needs_nothing_besides_the_local_stack() -> None:
    sources = make_sources({}, make_stack())
    assert find_required(sources, "rime") == set()
    check_configuration(sources, "rime")


def test_production_needs_exactly_what_is_listed() -> None:
    assert find_required(make_sources({}, environment="production"), "cartesia") == set(PRODUCTION)
    check_configuration(make_sources(PRODUCTION, environment="production"), "cartesia")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_rime_is_the_premium_voice_where_its_key_is_set(environment: Environment) -> None:
    sources = make_sources({**PRODUCTION, "RIME_API_KEY": "rime-key"}, environment=environment)
    voices = find_voices("cartesia", "sonic-9", sources)
    assert (voices.usual.name, voices.usual.model) == ("cartesia", "sonic-9")
    assert voices.premium == ProviderAccess(name="rime", model="coda", api_key="rime-key")
    assert voices.fallbacks == ()


def test_without_rimes_key_there_is_no_premium_voice() -> None:
    sources = make_sources(PRODUCTION, make_stack(), environment="production")
    assert find_voices("cartesia", None, sources).premium is None
    assert find_voices("cartesia", None, make_sources({}, make_stack())).premium is None


def test_in_development_a_backend_can_allow_the_offline_premium_voice() -> None:
    premium = find_voices("cartesia", None, make_sources(BACKEND, make_stack())).premium
    assert premium is not None
    assert (premium.name, premium.is_offline) == ("rime", True)


def test_the_standard_voice_stands_behind_a_chosen_rime() -> None:
    voices = find_voices("rime", None, make_sources({"RIME_API_KEY": "k"}, make_stack()))
    assert voices.premium == voices.usual
    assert [(access.name, access.is_offline) for access in voices.fallbacks] == [("cartesia", True)]
    assert find_voices("rime", None, make_sources({"RIME_API_KEY": "k"})).fallbacks == ()


def test_with_a_backend_the_standard_voice_has_to_be_there() -> None:
    sources = make_sources({**BACKEND, "RIME_API_KEY": "k"})
    with pytest.raises(UsageError, match="CARTESIA_API_KEY"):
        find_voices("rime", None, sources)
    with pytest.raises(UsageError, match="CARTESIA_API_KEY"):
        check_configuration(sources, "rime")


def test_every_variable_says_what_it_is_for_and_secrets_are_marked() -> None:
    assert all(variable.purpose for variable in VARIABLES.values())
    secrets = {name for name in VARIABLES if name.endswith(("_KEY", "_SECRET", "_PASSWORD"))} - {
        "LIVEKIT_API_KEY"
    }
    assert {name for name, variable in VARIABLES.items() if variable.is_secret} == secrets


@given(st.sampled_from(list(VARIABLES)), st.text(max_size=40))
def test_what_any_value_of_a_variable_is_refused_for_names_it_and_tells_no_secret(
    name: str, text: str
) -> None:
    said = name
    try:
        check_configuration(make_sources({**PRODUCTION, name: text}), "cartesia")
    except UsageError as error:
        said = error.message
    assert name in said
    assert "\n" not in said
    assert not VARIABLES[name].is_secret or len(text) < LONG or text not in said


def test_the_documentation_names_every_variable() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert [name for name in VARIABLES if f"`{name}`" not in page] == []


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
