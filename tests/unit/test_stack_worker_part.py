"""The worker that a stack starts: it belongs to that stack, whatever the user's environment names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from meetctl.core.config import KEY_VARIABLES, OFFLINE_VARIABLE
from meetctl.core.local_stack import LiveKitAccess
from meetctl.stack.worker_part import worker_part

LIVEKIT = LiveKitAccess(url="ws://127.0.0.1:7880", api_key="devkey", api_secret="of-the-stack")
OFFLINE_URL = "http://127.0.0.1:4010"
OF_THE_USER = {
    "PATH": "/usr/bin",
    "MEETCTL_ENV": "production",
    "MEETCTL_CONFIG": "of-the-user.toml",
    "MEETCTL_PROFILE": "staging",
    "MEETCTL_LIVEKIT_PROJECT": "of-the-user",
    "LIVEKIT_URL": "wss://example.com",
    "LIVEKIT_API_KEY": "of-the-user",
    "LIVEKIT_API_SECRET": "of-the-user",
    "API_BASE_URL": "https://example.com",
    "AGENT_API_KEY": "of-the-user",
    "MEETCTL_PORT": "8081",
    "MEETCTL_PROMETHEUS_PORT": "9090",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "https://example.com:4318",
    "OPENAI_BASE_URL": "https://example.com/v1",
    OFFLINE_VARIABLE: "http://127.0.0.1:1",
    **dict.fromkeys(KEY_VARIABLES.values(), "of-the-user"),
}
OF_THE_STACK = {
    "PATH": "/usr/bin",
    "MEETCTL_ENV": "development",
    "MEETCTL_CONFIG": os.devnull,
    "LIVEKIT_URL": LIVEKIT.url,
    "LIVEKIT_API_KEY": LIVEKIT.api_key,
    "LIVEKIT_API_SECRET": LIVEKIT.api_secret,
    OFFLINE_VARIABLE: OFFLINE_URL,
}


def environment_of_worker(*, with_keys: bool = False) -> dict[str, str]:
    part = worker_part(
        LIVEKIT, OFFLINE_URL, (), directory=Path("logs"), environment=OF_THE_USER, with_keys=with_keys
    )
    return dict(part.environment)


def test_server_and_providers_are_the_stacks_and_no_key_of_the_user_goes_along() -> None:
    assert environment_of_worker() == OF_THE_STACK


def test_asked_for_it_takes_the_users_providers_but_never_server_or_backend() -> None:
    providers = ("OPENAI_BASE_URL", *KEY_VARIABLES.values())
    expected = OF_THE_STACK | {name: OF_THE_USER[name] for name in providers}
    assert environment_of_worker(with_keys=True) == expected


@pytest.mark.parametrize("options", [(), ("--record", "off")])
def test_it_ends_meetings_at_once_unless_it_is_told_otherwise(options: tuple[str, ...]) -> None:
    part = worker_part(LIVEKIT, OFFLINE_URL, options, directory=Path("logs"), environment={})
    assert part.command[-2 - len(options) :] == ("--drain-s", "0", *options)
    assert part.log == Path("logs/agent-worker.log")
