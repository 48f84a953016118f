"""The whole stack, as `meetctl up` brings it up without options: the server and the offline providers."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.local_stack import require_livekit_server

from meetctl.core.local_stack import read_stack, stack_directory
from meetctl.stack.process import find_marked

if TYPE_CHECKING:
    from tests.conftest import MeetctlRunner


def models_at(url: str) -> int:
    """Ask the offline OpenAI for its models; return the HTTP status."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request("GET", "/v1/models", headers={"Authorization": "Bearer any"})
        return connection.getresponse().status
    finally:
        connection.close()


def test_server_and_offline_providers_come_up_together_and_end_together(meetctl: MeetctlRunner) -> None:
    server = {"MEETCTL_LIVEKIT_SERVER": str(require_livekit_server())}
    try:
        up = meetctl("up", "--json", env=server)
        assert up.returncode == 0, up.stderr
        document = json.loads(up.stdout)
        assert {part["name"]: part["state"] for part in document["parts"]} == {
            "livekit-server": "running",
            "offline-providers": "running",
        }
        assert {provider["use"] for provider in document["providers"]} == {"offline"}
        assert models_at(document["offline"]["url"]) == 200
        state = read_stack(stack_directory())
        assert state
        assert state.offline_url == document["offline"]["url"]
    finally:
        down = meetctl("down")
    assert down.returncode == 0
    assert not [part for part in state.parts if part.identity.is_running()]
    assert find_marked(state.id) == []
