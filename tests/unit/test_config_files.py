"""Configuration files: keys, forms, profiles, `${VARIABLE}`, and which of all places is the strongest."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.core.config import read_values
from meetctl.core.config_files import ConfigFiles, find_files, interpolate, read_files
from meetctl.core.values import Found, Values
from meetctl.core.variables import VARIABLES, Form
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = "meetctl.toml"


def read(
    here: str = "", user: str = "", *, environment: Mapping[str, str] | None = None, profile: str = ""
) -> ConfigFiles:
    """Write the two files, as far as they are given, and read them."""
    for text, path in ((here, Path(HERE)), (user, Path("user/config.toml"))):
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if text:
            path.write_text(text, encoding="utf-8")
            path.chmod(0o600)
    values = {**(environment or {}), "MEETCTL_PROFILE": profile}
    return read_files(find_files(values, Path.cwd(), Path.cwd() / "user"), values)


def find(name: str, files: ConfigFiles) -> Found | None:
    return Values(files.layers()).find(name)


def value_of(name: str, files: ConfigFiles) -> str:
    found = find(name, files)
    assert found is not None
    return found.value


def test_without_files_nothing_is_found() -> None:
    files = read()
    assert [file.is_there for file in files.files] == [False, False]
    assert [file.role for file in files.files] == ["working directory", "user"]
    assert (files.layers(), files.find_problems()) == ([], [])


def test_a_key_stands_for_its_variable_and_the_source_names_key_and_file() -> None:
    files = read('[livekit]\nurl = "wss://meet.example"\n[agent]\nfps = 0.5\n')
    assert find("LIVEKIT_URL", files) == Found(
        value="wss://meet.example", source="livekit.url in meetctl.toml", kind="file"
    )
    assert value_of("MEETCTL_FPS", files) == "0.5"


def test_the_users_own_file_says_where_it_is() -> None:
    home = Path.home() / ".config" / "meetctl"
    home.mkdir(parents=True)
    (home / "config.toml").write_text('environment = "production"')
    found = find("MEETCTL_ENV", read_files(find_files({}, Path.cwd(), home), {}))
    assert found is not None
    assert found.source == "environment in ~/.config/meetctl/config.toml"


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("agent.max_meetings = 3", "MEETCTL_MAX_MEETINGS", "3"),
        ("agent.max_meetings = '3'", "MEETCTL_MAX_MEETINGS", "3"),
        ("agent.record = 'sampled'", "MEETCTL_RECORD", "sampled"),
        ("agent.announce = false", "MEETCTL_ANNOUNCE", "false"),
        ("agent.announce = 'no'", "MEETCTL_ANNOUNCE", "no"),
        ("agent.fallback_models = ['a', 'b']", "MEETCTL_FALLBACK_MODEL", "a b"),
        ("agent.fallback_models = 'a b'", "MEETCTL_FALLBACK_MODEL", "a b"),
        ("backend.procedures = {'a.b' = 'x'}", "MEETCTL_BACKEND_PROCEDURES", '{"a.b": "x"}'),
        ("backend.procedures.'a.b' = 'x'", "MEETCTL_BACKEND_PROCEDURES", '{"a.b": "x"}'),
    ],
)
def test_every_form_is_read_as_the_environment_would_have_it(text: str, name: str, value: str) -> None:
    assert value_of(name, read(text)) == value


def test_paths_are_relative_to_their_file() -> None:
    files = read(user="sessions.directory = 'kept'\nprices.files = ['a.toml', '~/b.toml', '/c.toml']")
    assert value_of("MEETCTL_SESSIONS", files) == str(Path.cwd() / "user" / "kept")
    assert value_of("MEETCTL_PRICES", files).split(os.pathsep) == [
        str(Path.cwd() / "user" / "a.toml"),
        str(Path.home() / "b.toml"),
        "/c.toml",
    ]


def test_a_word_that_stands_for_no_path_stays_one() -> None:
    assert value_of("MEETCTL_LOG_DIRECTORY", read("log.directory = 'off'")) == "off"
    assert value_of("MEETCTL_LOG_DIRECTORY", read("log.directory = 'on'")) == str(Path.cwd() / "on")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("livekit.ulr = 'x'", "meetctl.toml has an unknown key livekit.ulr; did you mean livekit.url?"),
        ("[livekt]\nurl = 'x'", "meetctl.toml has an unknown key livekt.url; did you mean livekit.url?"),
        ("colour = 'red'", "meetctl.toml has an unknown key colour"),
        ("[nothing]", "meetctl.toml has an unknown key nothing"),
        (
            "[profiles.a.agent]\nfsp = 1",
            "meetctl.toml has an unknown key profiles.a.agent.fsp; did you mean agent.fps?",
        ),
        ("livekit.url = 7880", "livekit.url in meetctl.toml is a number, where a text belongs"),
        ("agent.fps = true", "agent.fps in meetctl.toml is true or false, where a number belongs"),
        ("agent.fps = {at = 1}", "agent.fps in meetctl.toml is a table, where a number belongs"),
        ("agent.announce = 1", "agent.announce in meetctl.toml is a number, where true or false belongs"),
        ("prices.files = [1]", "prices.files in meetctl.toml is a list, where a list of paths belongs"),
        (
            "agent.model = 2026-01-01",
            "agent.model in meetctl.toml is a date or a time, where a text belongs",
        ),
        ("livekit = 'x'", "livekit in meetctl.toml is a text, where a table belongs"),
        ("profiles = 1", "profiles in meetctl.toml is a number, where a table belongs"),
        ("profiles.a = 1", "profiles.a in meetctl.toml is a number, where a table belongs"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_key(text: str, problem: str) -> None:
    files = read(text)
    assert files.find_problems() == [problem]
    with pytest.raises(UsageError) as error:
        files.check()
    assert error.value.message == problem
    assert files.layers() == []


def test_everything_that_is_wrong_is_told_at_once() -> None:
    problems = read("a = 1\nlivekit.url = 1", "b = 2").find_problems()
    assert [problem.split()[0] for problem in problems] == [
        "meetctl.toml",
        "livekit.url",
        *problems[2].split()[:1],
    ]
    assert len(problems) == 3


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[livekit", "is no TOML: "),
        (b"\xff", "is not UTF-8 text"),
        (b"a=" + b"[" * 100_000, "nested too deeply"),
        (b".".join([b"a"] * 10_000) + b"=1", "has an unknown key a.a.a.a.a.a.a.a.a.a"),
    ],
    ids=["syntax", "bytes", "deep lists", "deep keys"],
)
def test_a_file_that_is_no_configuration_is_one_line(content: bytes, problem: str) -> None:
    Path(HERE).write_bytes(content)
    files = read_files(find_files({}, Path.cwd(), Path.cwd() / "user"), {})
    (told,) = files.find_problems()
    assert told.startswith("meetctl.toml ")
    assert problem in told
    assert "\n" not in told


def test_a_directory_is_no_file() -> None:
    Path(HERE).mkdir()
    (problem,) = read_files(find_files({}, Path.cwd(), Path.cwd()), {}).find_problems()
    assert problem == "meetctl.toml cannot be read: Is a directory"


def test_a_named_file_is_the_only_one_and_has_to_be_there() -> None:
    read("agent.fps = 1", "agent.window = 1")
    Path("other.toml").write_text("agent.side = 640")
    environment = {"MEETCTL_CONFIG": "other.toml"}
    files = read_files(find_files(environment, Path.cwd(), Path.cwd() / "user"), environment)
    assert [name for name in VARIABLES if find(name, files)] == ["MEETCTL_SIDE"]
    assert not files.allows_lk
    environment = {"MEETCTL_CONFIG": "none.toml"}
    files = read_files(find_files(environment, Path.cwd(), Path.cwd()), environment)
    assert files.find_problems() == ["none.toml (named by MEETCTL_CONFIG) does not exist"]


PROFILES = """
[livekit]
url = "wss://own.example"
api_key = "own"
[profiles.staging.livekit]
url = "wss://staging.example"
[profiles.production]
environment = "production"
"""


def test_a_profile_goes_before_its_own_file_and_leaves_what_it_does_not_name() -> None:
    files = read(PROFILES, profile="staging")
    assert find("LIVEKIT_URL", files) == Found(
        value="wss://staging.example", source="profiles.staging.livekit.url in meetctl.toml", kind="file"
    )
    assert value_of("LIVEKIT_API_KEY", files) == "own"
    assert value_of("LIVEKIT_URL", read(PROFILES)) == "wss://own.example"


def test_a_stronger_file_goes_before_a_weaker_files_profile() -> None:
    files = read("livekit.url = 'wss://here.example'", PROFILES, profile="staging")
    assert value_of("LIVEKIT_URL", files) == "wss://here.example"


@pytest.mark.parametrize(
    ("profile", "problem"),
    [
        ("stagin", "profile 'stagin' is in no file; did you mean staging?"),
        ("x", "profile 'x' is in no file; there are production, staging"),
    ],
)
def test_an_unknown_profile_names_the_known_ones(profile: str, problem: str) -> None:
    assert read(PROFILES, profile=profile).find_problems() == [problem]
    assert read(profile=profile).find_problems() == [f"profile {profile!r} is in no file"]


def test_what_the_environment_sets_before_a_profile_is_known() -> None:
    environment = {"LIVEKIT_URL": "wss://environment.example", "MEETCTL_ENV": " "}
    assert read(PROFILES, profile="staging").overridden_names(environment) == ["LIVEKIT_URL"]
    assert read(PROFILES, profile="production").overridden_names(environment) == []
    assert read(PROFILES).overridden_names(environment) == []


def test_the_environment_is_put_in_only_where_it_is_asked_for() -> None:
    text = "livekit.url = 'wss://${HOST}:${PORT:-7880}'\nopenai.api_key = '${KEY}'"
    files = read(text, environment={"HOST": "meet.example"})
    assert value_of("LIVEKIT_URL", files) == "wss://meet.example:7880"
    with pytest.raises(UsageError) as error:
        find("OPENAI_API_KEY", files)
    assert error.value.message == "openai.api_key in meetctl.toml asks for ${KEY}, which is not set"
    assert error.value.hint == "set KEY, or write ${KEY:-default}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "1"),
        ("${EMPTY:-2}", "2"),
        ("${NONE:-}", ""),
        ("x${A}${A}y", "x11y"),
        ("$${A}", "${A}"),
        ("$A $ {A} 5$", "$A $ {A} 5$"),
        ("${NONE:-a b:c}", "a b:c"),
    ],
)
def test_interpolation(text: str, value: str) -> None:
    assert interpolate(text, {"A": "1", "EMPTY": ""}) == value


@pytest.mark.parametrize("text", ["${NONE}", "${EMPTY}", "${", "${1}", "${A", "${A-B}", "${A:B}"])
def test_interpolation_that_cannot_be_done(text: str) -> None:
    with pytest.raises(UsageError):
        interpolate(text, {"A": "1", "EMPTY": ""})


@given(st.text(alphabet="${}:-A", max_size=12), st.text(max_size=3))
def test_interpolation_never_fails_otherwise_and_is_done_once(text: str, value: str) -> None:
    with suppress(UsageError):
        assert interpolate(text, {"A": value}) is not None
    with suppress(UsageError):
        # What was put in is not looked at again.
        assert interpolate("${A}", {"A": text or "x"}) == (text or "x")


def test_a_list_whose_items_hold_its_separator_is_refused() -> None:
    files = read("agent.fallback_models = ['a b', 'c']\nprices.files = ['x:y']")
    for name in ("MEETCTL_FALLBACK_MODEL", "MEETCTL_PRICES"):
        with pytest.raises(UsageError, match=r"in meetctl\.toml holds"):
            find(name, files)


def test_secrets_that_others_may_read_are_known() -> None:
    text = "openai.api_key = 'sk-1'\ndeepgram.api_key = '${KEY}'\nlivekit.api_key = 'id'"
    assert read(text).files[0].exposed_keys == ()
    Path(HERE).chmod(0o640)
    (file, _) = read_files(find_files({}, Path.cwd(), Path.cwd() / "user"), {}).files
    assert file.exposed_keys == ("openai.api_key",)


def test_nothing_of_a_file_shows_its_values() -> None:
    assert "sk-secret" not in repr(read("openai.api_key = 'sk-secret'", environment={"A": "sk-secret"}))


PLACES = ("--url", "environment", "here profile", "here", "user profile", "user")


@given(st.sampled_from(sorted(VARIABLES)), st.sets(st.sampled_from(PLACES)), st.sampled_from(["", " ", None]))
def test_the_strongest_place_that_has_a_value_gives_it(
    name: str, places: set[str], empty: str | None
) -> None:
    """Whatever the variable; places without a value say nothing, or something empty."""

    def line(place: str, *, profile: bool = False) -> str:
        value = place if place in places else empty
        key = ("profiles.p." if profile else "") + VARIABLES[name].key
        return f"{key} = '{value}'\n" if value is not None else ""

    is_path = VARIABLES[name].form in (Form.PATH, Form.PATHS)
    other = "profiles.p.agent.host = 'h'\n" if name != "MEETCTL_HOST" else "profiles.p.agent.model = 'm'\n"
    environment = {name: "environment" if "environment" in places else empty or ""}
    values = read_values(
        environment,
        url="--url" if "--url" in places else None,
        files=read(
            other + line("here") + line("here profile", profile=True),
            line("user") + line("user profile", profile=True),
            profile="p",
        ).layers(),
    )
    candidates = [
        place for place in PLACES if place in places and (place != "--url" or name == "LIVEKIT_URL")
    ]
    found = values.find(name)
    shown = found and (Path(found.value).name if is_path else found.value)
    assert shown == (candidates[0] if candidates else None)
