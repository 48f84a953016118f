"""A real LiveKit server for tests, found before tests get a home of their own."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from meetctl.core.places import cache_directory
from meetctl.stack.livekit_build import find_livekit_server as find_server
from meetctl.stack.livekit_server import (
    CONFIG_FILE,
    choose_ports,
    is_serving,
    make_access,
    server_environment,
    write_config,
)
from meetctl.stack.process import read_tail, tether_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meetctl.core.local_stack import LiveKitAccess

_ATTEMPTS = 5
_PROBES = 600
_PROBE_EVERY_S = 0.1


def find_livekit_server() -> Path | None:
    """Return the server that `meetctl up` would run, without building one."""
    found = find_server(None, os.environ, cache_directory())
    return found.path if found else None


LIVEKIT_SERVER = find_livekit_server()
"""Looked up when tests are collected: by the time they run, HOME and the cache are elsewhere."""
IN_CI = os.environ.get("CI") == "true"


def require_livekit_server() -> Path:
    """Return the server; without one skip the test, but fail it in CI, which builds one first."""
    if LIVEKIT_SERVER is None:
        reason = "missing tool: no livekit-server; `meetctl up --prepare` builds it"
        if IN_CI:
            pytest.fail(reason)
        pytest.skip(reason)
    return LIVEKIT_SERVER


@contextmanager
def run_livekit_server(directory: Path) -> Iterator[LiveKitAccess]:
    """Run a server of its own on free ports, with its configuration and log in `directory`."""
    binary = require_livekit_server()
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "livekit-server.log"
    for _ in range(_ATTEMPTS):
        ports = choose_ports()
        access = make_access(ports)
        config = write_config(directory, ports, access)
        process = _start(binary, config, log)
        try:
            if _wait_until_serving(process, ports.http):
                yield access
                return
        finally:
            process.kill()
            process.wait()
    pytest.fail("livekit-server did not start:\n" + "\n".join(read_tail(log)))


@contextmanager
def run_livekit_server_again(directory: Path, access: LiveKitAccess) -> Iterator[None]:
    """Run a server that has ended once more, where it was, as `run_livekit_server` left its configuration."""
    process = _start(require_livekit_server(), directory / CONFIG_FILE, directory / "livekit-server.log")
    try:
        assert _wait_until_serving(process, urlsplit(access.url).port or 0)
        yield
    finally:
        process.kill()
        process.wait()


def _start(binary: Path, config: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(
            tether_command([str(binary), "--config", str(config)]),
            env=server_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def _wait_until_serving(process: subprocess.Popen[bytes], port: int) -> bool:
    """Return False when the server has ended, as it does where another program was given its port."""
    for _ in range(_PROBES):
        if process.poll() is not None:
            return False
        if is_serving(process.pid, port):
            return True
        time.sleep(_PROBE_EVERY_S)
    return False
