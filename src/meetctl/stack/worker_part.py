"""The agent's worker as a part of a stack: a process of meetctl itself."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from meetctl.core.config import KEY_VARIABLES, OFFLINE_VARIABLE
from meetctl.core.local_stack import LiveKitAccess
from meetctl.core.places import state_directory
from meetctl.stack.supervisor import Part

NAME = "agent-worker"
_PRODUCTION_VARIABLES = (
    "API_BASE_URL",
    "AGENT_API_KEY",
    "MEETCTL_HOST",
    "MEETCTL_PORT",
    "MEETCTL_PROMETHEUS_PORT",
    "MEETCTL_LIVEKIT_PROJECT",
    "MEETCTL_PROFILE",
)
"""What a user may have set for another agent: whom it reports to, where it serves, which server it is for."""
_TELEMETRY_PREFIX = "OTEL_"
STOP_LIMIT_S = 20.0
"""A meeting that still runs may take some seconds to complete its recording."""
START_LIMIT_S = 180.0
"""A worker loads its libraries and models before it registers: seconds, and many on a busy machine."""


def worker_part(
    livekit: LiveKitAccess,
    offline_url: str,
    options: Sequence[str],
    *,
    directory: Path,
    environment: Mapping[str, str],
    with_keys: bool = False,
) -> Part:
    """Return a worker for this server and these offline providers, with its log in `directory`.

    `with_keys` lets it use the providers whose keys are in the environment. The platform's backend that the
    environment may name is not its own: nothing of what happens here is reported there. Nor are the user's
    configuration files.
    """
    dropped = [*_PRODUCTION_VARIABLES, *(() if with_keys else (*KEY_VARIABLES.values(), "OPENAI_BASE_URL"))]
    own = {
        name: value
        for name, value in environment.items()
        if name not in dropped and not name.startswith(_TELEMETRY_PREFIX)
    }
    own |= {
        "MEETCTL_CONFIG": os.devnull,
        "MEETCTL_ENV": "development",
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
        OFFLINE_VARIABLE: offline_url,
    }

    async def probe(pid: int) -> str | None:
        return _read_health(state_directory() / "workers" / f"{pid}.json")

    return Part(
        name=NAME,
        command=(sys.executable, "-P", "-m", "meetctl", "agent", "start", "--drain-s", "0", *options),
        environment=own,
        log=directory / f"{NAME}.log",
        ready=probe,
        start_limit_s=START_LIMIT_S,
        stop_limit_s=STOP_LIMIT_S,
    )


def _read_health(path: Path) -> str | None:
    """Return the address of a registered worker's health; None until it is registered."""
    try:
        port: object = json.loads(path.read_bytes())["http_port"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return f"http://127.0.0.1:{port}"
