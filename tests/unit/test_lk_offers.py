"""Servers that come as a whole: lk's projects and the local stack, and what goes before what."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from meetctl.core.config import Environment, Sources, find_livekit, find_offer, read_values
from meetctl.core.lk_config import lk_path, read_lk
from meetctl.core.local_stack import LiveKitAccess, ProcessIdentity, StackState
from meetctl.core.values import PlainLayer
from meetctl.errors import UsageError

LOCAL = LiveKitAccess(url="ws://127.0.0.1:7880", api_key="local", api_secret="local-secret")
CLOUD = LiveKitAccess(url="wss://cloud.example", api_key="APIcloud", api_secret="cloud-secret")
OTHER = LiveKitAccess(url="wss://other.example", api_key="APIother", api_secret="other-secret")
STACK = StackState(
    id="stack-1",
    state="running",
    started_at=datetime(2026, 11, 16, tzinfo=UTC),
    supervisor=ProcessIdentity(pid=1, created=0.0),
    livekit=LOCAL,
)


def write_lk(content: str | None = None, *, default: str = "cloud") -> Path:
    """Write what `lk` writes."""
    document = {
        "default_project": default,
        "projects": [
            {
                "name": name,
                "project_id": "",
                "url": one.url,
                "api_key": one.api_key,
                "api_secret": one.api_secret,
            }
            for name, one in (("cloud", CLOUD), ("other", OTHER))
        ],
        "device_name": "machine",
    }
    path = lk_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document) if content is None else content, encoding="utf-8")
    path.chmod(0o600)
    return path


def sources(
    values: dict[str, str],
    *,
    stack: StackState | None = None,
    lk: Path | None = None,
    environment: Environment = "development",
    file: dict[str, str] | None = None,
) -> Sources:
    layers = [PlainLayer(kind="file", source="a file", values=file or {})]
    return Sources(values=read_values(values, files=layers), environment=environment, stack=stack, lk_file=lk)


def test_lks_default_project_is_taken_where_nothing_else_names_a_server() -> None:
    offer = find_offer(sources({}, lk=write_lk()))
    assert offer is not None
    assert (offer.access, offer.source, offer.kind) == (CLOUD, "lk's project cloud", "lk")
    assert find_livekit(sources({}, lk=write_lk(), environment="production")) == CLOUD


def test_a_running_local_stack_goes_before_lks_default_project() -> None:
    assert find_livekit(sources({}, lk=write_lk(), stack=STACK)) == LOCAL


def test_a_named_project_goes_before_the_local_stack() -> None:
    named = {"MEETCTL_LIVEKIT_PROJECT": "other"}
    assert find_livekit(sources(named, lk=write_lk(), stack=STACK)) == OTHER
    assert find_livekit(sources({}, file=named, lk=write_lk(), stack=STACK)) == OTHER


def test_a_full_server_in_a_stronger_layer_goes_before_a_named_project() -> None:
    mine = {"LIVEKIT_URL": "wss://mine.example", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s"}
    named = {"MEETCTL_LIVEKIT_PROJECT": "no-such-project"}
    assert find_livekit(sources(mine, file=named, lk=write_lk())).url == "wss://mine.example"


def test_a_named_project_goes_before_a_server_in_a_weaker_layer() -> None:
    mine = {"LIVEKIT_URL": "wss://mine.example", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s"}
    named = {"MEETCTL_LIVEKIT_PROJECT": "other"}
    assert find_livekit(sources(named, file=mine, lk=write_lk())) == OTHER


@pytest.mark.parametrize("url", [OTHER.url, OTHER.url + "/"])
def test_an_address_alone_finds_its_project_and_key(url: str) -> None:
    assert find_livekit(sources({"LIVEKIT_URL": url}, lk=write_lk())) == OTHER
    named = {"LIVEKIT_URL": url, "MEETCTL_LIVEKIT_PROJECT": "other"}
    assert find_livekit(sources(named, lk=write_lk())) == OTHER


@pytest.mark.parametrize(
    "values",
    [
        {"LIVEKIT_URL": "wss://mine.example"},
        {"LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s"},
        {"LIVEKIT_API_KEY": "k"},
        {"LIVEKIT_URL": CLOUD.url, "LIVEKIT_API_KEY": "k"},
        {"LIVEKIT_URL": "wss://mine.example", "MEETCTL_LIVEKIT_PROJECT": "other"},
    ],
)
def test_a_projects_key_is_never_mixed_with_other_values(values: dict[str, str]) -> None:
    assert find_offer(sources(values, lk=write_lk())) is None
    with pytest.raises(UsageError, match=r"^LIVEKIT_.* not set$"):
        find_livekit(sources(values, lk=write_lk()))


@pytest.mark.parametrize(
    ("named", "known"), [("othr", "did you mean other"), ("zzz", "there are cloud, other")]
)
def test_an_unknown_project_names_the_known_ones(named: str, known: str) -> None:
    with pytest.raises(UsageError, match=rf"^lk has no project '{named}'; {known}"):
        find_offer(sources({"MEETCTL_LIVEKIT_PROJECT": named}, lk=write_lk()))


@pytest.mark.parametrize("default", ["", "gone"])
def test_without_a_default_project_none_is_taken(default: str) -> None:
    assert find_offer(sources({}, lk=write_lk(default=default))) is None


def test_without_the_file_there_are_no_projects(tmp_path: Path) -> None:
    lk = read_lk(tmp_path / "none.yaml")
    assert (lk.is_there, lk.projects, lk.problem) == (False, {}, None)
    assert find_offer(sources({}, lk=tmp_path / "none.yaml")) is None
    assert find_offer(sources({})) is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("projects: [hunter2", "is no YAML"),
        ("- 1", "is no configuration of lk"),
        ("!!python/x y", "is no YAML"),
    ],
)
def test_a_broken_file_matters_only_where_it_is_needed(content: str, problem: str) -> None:
    lk = write_lk(content)
    with pytest.raises(UsageError, match=problem) as error:
        find_livekit(sources({}, lk=lk))
    assert "hunter2" not in str(error.value)
    mine = {"LIVEKIT_URL": "wss://mine.example", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s"}
    assert find_livekit(sources(mine, lk=lk)).api_key == "k"
    assert find_livekit(sources({}, lk=lk, stack=STACK)) == LOCAL


@pytest.mark.parametrize("content", ["", "projects:", "projects: 3", "projects: [1, {name: a}, {name: [b]}]"])
def test_what_is_no_project_is_left_out(content: str) -> None:
    assert read_lk(write_lk(content)).projects == {}


def test_a_file_that_others_may_read_is_known() -> None:
    path = write_lk()
    assert not read_lk(path).is_exposed
    path.chmod(0o644)
    assert read_lk(path).is_exposed
