"""`meetctl token` as a user runs it, without a server: neither command asks one."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import MeetctlRunner

SERVER = {
    "LIVEKIT_URL": "wss://livekit.example",
    "LIVEKIT_API_KEY": "APItest",
    "LIVEKIT_API_SECRET": "s3cret-" * 6,
}


def claims_of(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return claims


def test_the_token_alone_goes_to_stdout(meetctl: MeetctlRunner) -> None:
    done = meetctl("token", "mint", "--room", "standup", "--identity", "maya", env=SERVER)
    assert done.returncode == 0
    assert claims_of(done.stdout)["video"] == {
        "room": "standup",
        "roomJoin": True,
        "canPublish": True,
        "canSubscribe": True,
        "canPublishData": True,
    }
    assert done.stdout.count("\n") == 1
    assert done.stderr.startswith("identity 'maya', room 'standup', valid for 6 h, until ")
    assert done.stdout.strip() not in done.stderr


def test_all_that_options_say_is_in_the_token(meetctl: MeetctlRunner) -> None:
    done = meetctl(
        *("token", "mint", "--join", "--admin", "--create", "--list", "--egress", "--ingress", "--inference"),
        *("--register-agent", "--room", "standup", "-i", "maya", "-n", "Maya", "--metadata", "{}"),
        *("--allow-source", "camera,microphone", "--allow-source", "screen_share", "--no-subscribe"),
        *("--no-data", "--hidden", "--allow-update-metadata", "--attribute", "team=blue=1"),
        *("--agent", "meetctl", "--agent-metadata", '{"tenant":"acme"}', "--deployment", "test"),
        *("--valid-for", "1h30m", "--grant", '{"canPublish": true, "roomAdmin": false, "recorder": true}'),
        "--json",
        env=SERVER,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    claims = claims_of(document["token"])
    assert claims["exp"] - claims["nbf"] == 5400
    assert {name: document[name] for name in ("schema", "url", "identity", "name", "room")} == {
        "schema": "meetctl.token/1",
        "url": "wss://livekit.example",
        "identity": "maya",
        "name": "Maya",
        "room": "standup",
    }
    assert document["link"].endswith(document["token"])
    assert document["grants"] == {
        "metadata": "{}",
        "attributes": {"team": "blue=1"},
        "video": {
            "room": "standup",
            "roomJoin": True,
            "roomCreate": True,
            "roomList": True,
            "roomRecord": True,
            "ingressAdmin": True,
            "canPublish": True,
            "canSubscribe": False,
            "canPublishData": False,
            "canPublishSources": ["camera", "microphone", "screen_share"],
            "canUpdateOwnMetadata": True,
            "hidden": True,
            "recorder": True,
            "agent": True,
        },
        "inference": {"perform": True},
        "roomConfig": {
            "agents": [
                {"agentName": "meetctl", "metadata": '{"tenant":"acme"}', "deployment": "test"},
            ]
        },
    }
    assert {name: claims[name] for name in document["grants"]} == document["grants"]


def test_identities_are_made_up_and_differ(meetctl: MeetctlRunner) -> None:
    made = [meetctl("token", "mint", "--for", "observer", "--room", "a", env=SERVER) for _ in range(2)]
    identities = [claims_of(done.stdout)["sub"] for done in made]
    assert identities[0] != identities[1]
    assert all(identity.startswith("observer-") and len(identity) >= 25 for identity in identities)


def test_the_link_goes_to_stdout_instead_of_the_token(meetctl: MeetctlRunner) -> None:
    local = {**SERVER, "LIVEKIT_URL": "ws://127.0.0.1:7880"}
    done = meetctl("token", "mint", "--room", "standup", "--open", env=local)
    assert done.stdout.startswith(
        "https://meet.livekit.io/custom?liveKitUrl=ws%3A%2F%2F127.0.0.1%3A7880&token=ey"
    )
    assert "on this machine alone" in done.stderr
    explained = meetctl("token", "explain", done.stdout.strip(), env=SERVER)
    assert "join room 'standup'" in explained.stdout


@pytest.mark.parametrize(
    ("secret", "warned"), [("secret", "everybody knows"), ("k" * 20, "20 bytes"), ("k" * 32, None)]
)
def test_a_weak_secret_is_warned_of_and_never_shown(
    meetctl: MeetctlRunner, secret: str, warned: str | None
) -> None:
    env = {**SERVER, "LIVEKIT_API_SECRET": secret}
    done = meetctl("token", "mint", "--room", "standup", env=env)
    explained = meetctl("token", "explain", done.stdout.strip(), env=env)
    for run in (done, explained):
        assert run.returncode == 0
        assert ("warning: LIVEKIT_API_SECRET" in run.stderr) is (warned is not None)
        assert warned is None or warned in run.stderr
    assert len(secret) < 10 or secret not in done.stderr + explained.stderr + explained.stdout


def test_overlong_validity_is_warned_of(meetctl: MeetctlRunner) -> None:
    long = meetctl("token", "mint", "--room", "a", "--valid-for", "25h", env=SERVER)
    assert "valid for 25 hours" in long.stderr
    assert "warning" not in meetctl("token", "mint", "--room", "a", "--valid-for", "24h", env=SERVER).stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--room is missing"),
        (["--admin"], "--room is missing"),
        (["--room", "a", "--allow-source", "sofa"], "'sofa' is no source"),
        (["--room", "a", "--allow-source", "camera", "--no-publish"], "contradict each other"),
        (["--for", "observer", "--room", "a", "--allow-source", "camera"], "--for observer"),
        (["--room", "a", "--attribute", "team"], "'team' is not KEY=VALUE"),
        (["--room", "a", "--valid-for", "soon"], "'soon' is no span of time"),
        (["--room", "a", "--valid-for", "0s"], "valid for no second"),
        (["--grant", "[]"], "--grant is no JSON object"),
        (["--grant", '{"roomJoin": "yes", "room": "a"}'], "video.roomJoin is 'yes'"),
        (["--list", "--agent", "meetctl"], "--agent needs --join"),
        (
            ["--room", "a", "--agent", "meetctl", "--agent-metadata", "{"],
            "--agent-metadata is no JSON object",
        ),
        (["--room", "a", "--agent-metadata", "{}"], "need --agent"),
        (["--list", "--open"], "--open needs the right to join"),
        (["--for", "guest"], "'guest'"),
    ],
)
def test_wrong_input_is_one_clear_line(meetctl: MeetctlRunner, options: list[str], said: str) -> None:
    done = meetctl("token", "mint", *options, env=SERVER)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_key_nothing_is_minted(meetctl: MeetctlRunner) -> None:
    done = meetctl("token", "mint", "--room", "a")
    assert (done.returncode, done.stdout) == (2, "")
    assert "LIVEKIT_API_SECRET" in done.stderr


@pytest.mark.parametrize("given", ["argument", "dash", "stdin"])
def test_a_token_is_explained_from_wherever_it_comes(meetctl: MeetctlRunner, given: str) -> None:
    text = meetctl("token", "mint", "--room", "standup", env=SERVER).stdout.strip()
    arguments = {"argument": [text], "dash": ["-"], "stdin": []}[given]
    done = meetctl("token", "explain", *arguments, input="" if given == "argument" else text, env=SERVER)
    assert done.returncode == 0
    assert "fits the configured key 'APItest'" in done.stdout
    assert text not in done.stdout + done.stderr
    assert SERVER["LIVEKIT_API_SECRET"] not in done.stdout + done.stderr


def test_the_document_of_an_explanation(meetctl: MeetctlRunner) -> None:
    text = meetctl("token", "mint", "--for", "agent", "--room", "standup", "-i", "bot", env=SERVER).stdout
    done = meetctl("token", "explain", "--json", "--check", input=text, env=SERVER)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert text.strip() not in done.stdout
    assert document["schema"] == "meetctl.token.explanation/1"
    assert 0 < document["expires_in_s"] <= 6 * 3600
    assert {
        name: document[name] for name in ("purpose", "purpose_guessed", "identity", "kind", "signature")
    } == {
        "purpose": "agent",
        "purpose_guessed": True,
        "identity": "bot",
        "kind": "agent",
        "signature": "fits",
    }
    assert (document["lacks"], document["dangers"], document["problems"]) == ([], [], [])


@pytest.mark.parametrize(
    ("env", "options", "said"),
    [
        ({}, [], "no key is configured"),
        ({**SERVER, "LIVEKIT_API_SECRET": "o" * 40}, [], "does not fit"),
        ({**SERVER, "LIVEKIT_API_KEY": "APIother"}, [], "another key"),
        (SERVER, ["--for", "observer"], "lacks being hidden"),
    ],
)
def test_check_fails_where_a_token_will_not_do(
    meetctl: MeetctlRunner, env: dict[str, str], options: list[str], said: str
) -> None:
    text = meetctl("token", "mint", "--room", "standup", env=SERVER).stdout
    assert meetctl("token", "explain", *options, input=text, env=env).returncode == 0
    checked = meetctl("token", "explain", "--check", *options, input=text, env=env)
    assert checked.returncode == 4
    assert said in checked.stderr


@pytest.mark.parametrize("garbage", ["", "hello", "a.b.c", "https://livekit.example.com/x?token=1.2.3"])
def test_garbage_is_one_clear_line(meetctl: MeetctlRunner, garbage: str) -> None:
    done = meetctl("token", "explain", input=garbage, env=SERVER)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("meetctl: there is no token in what was given\n")
