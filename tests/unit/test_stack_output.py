from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from meetctl.cli.stack_output import print_environment, stack_document, stack_lines
from meetctl.core.local_stack import LiveKitAccess, ProcessIdentity, StackPart, StackState
from meetctl.errors import ServiceError

SECRET = "it's secret, " + "s" * 40
LIVEKIT = LiveKitAccess(url="ws://127.0.0.1:1", api_key="key", api_secret=SECRET)
SERVER = StackPart(
    name="livekit-server",
    state="running",
    identity=ProcessIdentity(pid=1, created=1.0),
    log=Path("livekit-server.log"),
    url=LIVEKIT.url,
)
STATE = StackState(
    id="0123",
    state="running",
    started_at=datetime(2026, 11, 22, 9, tzinfo=UTC),
    supervisor=ProcessIdentity(pid=1, created=1.0),
    livekit=LIVEKIT,
    offline_url="http://127.0.0.1:2",
    parts=(SERVER,),
)


def test_secret_is_in_no_output_that_did_not_ask_for_it() -> None:
    assert SECRET not in json.dumps(stack_document(STATE, {}))
    assert SECRET not in "\n".join(stack_lines(STATE, {}))


def test_environment_is_quoted_for_the_shell(capsys: pytest.CaptureFixture[str]) -> None:
    print_environment(STATE)
    assert capsys.readouterr().out.splitlines() == [
        "export LIVEKIT_URL=ws://127.0.0.1:1",
        "export LIVEKIT_API_KEY=key",
        "export LIVEKIT_API_SECRET='" + SECRET.replace("'", "'\"'\"'") + "'",
    ]


@pytest.mark.parametrize("state", [None, replace(STATE, state="starting", livekit=None)])
def test_environment_needs_a_server(state: StackState | None) -> None:
    with pytest.raises(ServiceError, match="not running"):
        print_environment(state)


def test_provider_is_real_with_a_key_and_offline_without() -> None:
    lines = list(stack_lines(STATE, {"OPENAI_API_KEY": "k", "RIME_API_KEY": ""}))
    assert "  OpenAI             real (OPENAI_API_KEY is set)" in lines
    assert "  Rime               offline, $0" in lines
    assert '"use": "real"' in json.dumps(stack_document(STATE, {"DEEPGRAM_API_KEY": "k"})["providers"])


def test_provider_without_key_is_none_in_a_stack_without_offline_providers() -> None:
    lines = list(stack_lines(replace(STATE, offline_url=None), {}))
    assert "  OpenAI             none: OPENAI_API_KEY is not set" in lines


def test_failed_part_is_named_and_nobody_is_told_to_use_the_stack() -> None:
    failed = replace(SERVER, state="failed", detail="was killed by SIGKILL")
    lines = list(stack_lines(replace(STATE, parts=(failed,)), {}))
    assert lines[0].endswith("but a part has failed:")
    assert "  livekit-server     failed   was killed by SIGKILL" in lines
    assert "Use it:" not in lines


def test_nothing_runs() -> None:
    assert next(iter(stack_lines(None, {}))) == "The local stack is not running."
    document = stack_document(None, {})
    assert (document["state"], document["livekit"], document["parts"]) == ("stopped", None, [])
