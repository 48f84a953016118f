"""`meetctl doctor` by the real command, with a real LiveKit server and a real tRPC backend."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.backend_peer import run_backend_peer
from tests.local_stack import run_livekit_server

from meetctl import bootstrap
from meetctl.cli.doctor_plan import CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.backend_peer import Peer
    from tests.conftest import MeetctlRunner

    from meetctl.core.local_stack import LiveKitAccess

FINDINGS = [name for check in CHECKS for name in (("udp", "tcp") if check == "media" else (check,))]
NOWHERE = "http://127.0.0.1:9"
SECRET = "sk-a-secret-of-the-test"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitAccess]:
    with run_livekit_server(tmp_path_factory.mktemp("livekit")) as access:
        yield access


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with run_backend_peer() as running:
        yield running


def environment_for(server: LiveKitAccess, **others: str) -> dict[str, str]:
    return {
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": server.api_key,
        "LIVEKIT_API_SECRET": server.api_secret,
        "MEETCTL_OFFLINE_URL": NOWHERE,
        **others,
    }


def examine(
    meetctl: MeetctlRunner, *only: str, env: dict[str, str], exit_code: int
) -> dict[str, dict[str, Any]]:
    """Return the findings of these checks, or of all, by their names."""
    options = [word for name in only for word in ("--only", name)]
    done = meetctl("doctor", "--json", *options, env=env)
    assert done.returncode == exit_code, done.stderr
    assert "Traceback" not in done.stderr
    assert "livekit::" not in done.stderr
    assert not any(value in done.stdout + done.stderr for name, value in env.items() if "SECRET" in name)
    document = json.loads(done.stdout)
    assert document["schema"] == "meetctl.doctor/1"
    assert document["good"] == (exit_code == 0)
    findings = {one["check"]: one for one in document["checks"]}
    assert list(findings) == [name for name in FINDINGS if not only or name in expand(only)]
    for one in findings.values():
        assert set(one) == {"check", "status", "message", "hint", "blame", "seconds"}
        assert one["status"] in ("pass", "warn", "fail", "skipped")
        assert (one["blame"] is not None) == (one["status"] == "fail")
    return findings


def expand(only: tuple[str, ...]) -> set[str]:
    return {name for check in only for name in (("udp", "tcp") if check == "media" else (check,))}


def statuses(findings: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: one["status"] for name, one in findings.items()}


def rooms_of(server: LiveKitAccess) -> int:
    async def count() -> int:
        admin = bootstrap.room_admin(server)
        rooms = await admin.list_rooms()
        await admin.aclose()
        return len(rooms)

    return asyncio.run(count())


def test_without_a_worker_all_but_the_dispatch_is_good(meetctl: MeetctlRunner, server: LiveKitAccess) -> None:
    findings = examine(meetctl, env=environment_for(server), exit_code=3)
    found = statuses(findings)
    found.pop("programs")
    assert found == {
        **dict.fromkeys(("configuration", "keys", "livekit", "clock", "udp", "prices", "codecs"), "pass"),
        "worker": "warn",
        "dispatch": "fail",
        "tcp": "skipped",
        "backend": "skipped",
        "disk": findings["disk"]["status"],
    }
    assert findings["udp"]["message"].startswith("media goes over UDP to 127.0.0.1:")
    assert "meetctl agent start" in findings["dispatch"]["hint"]
    assert rooms_of(server) == 0


def test_a_wrong_key_is_the_servers_finding_and_the_rest_is_skipped(
    meetctl: MeetctlRunner, server: LiveKitAccess
) -> None:
    env = environment_for(server, LIVEKIT_API_SECRET="another-secret-of-32-characters-or-more")
    findings = examine(meetctl, env=env, exit_code=3)
    assert "refused the key" in findings["livekit"]["message"]
    assert [name for name, one in findings.items() if one["message"] == "needs livekit"] == [
        "clock",
        "dispatch",
        "udp",
        "tcp",
    ]


@pytest.mark.parametrize("url", ["ws://127.0.0.1:9", "ws://livekit.invalid"])
def test_a_wrong_address_fails_with_3(meetctl: MeetctlRunner, server: LiveKitAccess, url: str) -> None:
    findings = examine(meetctl, "livekit", "clock", env=environment_for(server, LIVEKIT_URL=url), exit_code=3)
    assert "cannot be reached" in findings["livekit"]["message"]
    assert findings["clock"]["status"] == "skipped"


def test_where_nothing_is_configured_it_fails_with_2(meetctl: MeetctlRunner) -> None:
    only = ("configuration", "keys", "livekit", "dispatch", "backend", "prices")
    findings = examine(meetctl, *only, env={}, exit_code=2)
    assert statuses(findings) == {"configuration": "fail", **dict.fromkeys(only[1:], "skipped")}
    assert "LIVEKIT_URL (the LiveKit server's address) is not set" in findings["configuration"]["message"]
    assert "meetctl up" in findings["configuration"]["hint"]


def test_files_are_examined_like_everything_else(meetctl: MeetctlRunner, server: LiveKitAccess) -> None:
    Path("meetctl.toml").write_text("agent.model = 'no-such-model'\ncolour = 1")
    findings = examine(meetctl, "configuration", "prices", env=environment_for(server), exit_code=2)
    assert "unknown key colour" in findings["configuration"]["message"]
    Path("meetctl.toml").write_text("agent.model = 'no-such-model'\nprices.files = 'mine.toml'")
    Path("mine.toml").write_text("")
    findings = examine(meetctl, "configuration", "prices", env=environment_for(server), exit_code=2)
    assert findings["configuration"]["status"] == "pass"
    assert "no-such-model" in findings["prices"]["message"]
    Path("mine.toml").unlink()
    findings = examine(meetctl, "prices", env=environment_for(server), exit_code=2)
    assert "mine.toml" in findings["prices"]["message"]


def test_real_keys_are_looked_at_but_neither_shown_nor_tried(
    meetctl: MeetctlRunner, server: LiveKitAccess
) -> None:
    env = environment_for(server, OPENAI_API_KEY=SECRET, OPENAI_BASE_URL=NOWHERE, CARTESIA_API_KEY=SECRET)
    findings = examine(meetctl, "keys", "prices", env=env, exit_code=0)
    assert findings["keys"]["message"] == (
        "set, not tried: OPENAI_API_KEY and CARTESIA_API_KEY; offline, $0: deepgram and rime"
    )
    assert SECRET not in json.dumps(findings)
    assert "gpt-4.1, offline/nova-3 and sonic-3" in findings["prices"]["message"]


def test_a_place_where_no_session_can_be_kept_fails_with_1(
    meetctl: MeetctlRunner, server: LiveKitAccess
) -> None:
    Path("file").touch()
    env = environment_for(server, MEETCTL_SESSIONS="file/sessions")
    findings = examine(meetctl, "disk", env=env, exit_code=1)
    assert "sessions cannot be kept in" in findings["disk"]["message"]


def test_the_backend_answers(meetctl: MeetctlRunner, server: LiveKitAccess, peer: Peer) -> None:
    env = environment_for(server, API_BASE_URL=peer.url, AGENT_API_KEY=peer.key)
    findings = examine(meetctl, "backend", env=env, exit_code=0)
    assert findings["backend"]["message"] == f"{peer.url} speaks tRPC and takes the key"


def test_the_backend_refuses_the_key(meetctl: MeetctlRunner, server: LiveKitAccess, peer: Peer) -> None:
    env = environment_for(server, API_BASE_URL=peer.url, AGENT_API_KEY="another-key")
    findings = examine(meetctl, "backend", env=env, exit_code=3)
    assert "AGENT_API_KEY" in findings["backend"]["hint"]
    assert "another-key" not in json.dumps(findings)


@pytest.mark.parametrize("kind", ["nothing", "a server that speaks no tRPC"])
def test_what_is_no_backend_fails(meetctl: MeetctlRunner, server: LiveKitAccess, kind: str) -> None:
    url = NOWHERE if kind == "nothing" else server.url.replace("ws://", "http://")
    env = environment_for(server, API_BASE_URL=url, AGENT_API_KEY="key")
    findings = examine(meetctl, "backend", env=env, exit_code=3)
    assert url in findings["backend"]["message"]


def test_people_see_a_line_for_each_check_and_a_sum(meetctl: MeetctlRunner, server: LiveKitAccess) -> None:
    done = meetctl("doctor", "--only", "livekit", "--only", "codecs", env=environment_for(server))
    assert (done.returncode, done.stderr) == (0, "")
    first, second, total = done.stdout.splitlines()
    assert first.split()[:2] == ["pass", "livekit"]
    assert second.split()[:2] == ["pass", "codecs"]
    assert total == "2 passed"
    done = meetctl("doctor", "--only", "livekit", env=environment_for(server, LIVEKIT_URL="ws://127.0.0.1:9"))
    assert done.returncode == 3
    assert done.stderr == "meetctl: failed: livekit\n"
    assert "hint: check LIVEKIT_URL" in done.stdout


def test_an_unknown_check_names_a_close_one(meetctl: MeetctlRunner) -> None:
    done = meetctl("doctor", "--only", "livkit")
    assert done.returncode == 2
    assert "--only 'livkit' is no check; did you mean livekit?" in done.stderr


def test_ctrl_c_leaves_no_room(server: LiveKitAccess) -> None:
    """It waits for a worker, of which there is none."""
    process = subprocess.Popen(
        [sys.executable, "-m", "meetctl", "doctor", "--only", "dispatch"],
        env={**os.environ, **environment_for(server)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while rooms_of(server) == 0:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert rooms_of(server) == 0
