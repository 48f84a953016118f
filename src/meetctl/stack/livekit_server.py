"""A LiveKit server on this machine alone: loopback, free ports, a key of its own."""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from meetctl.core.local_stack import LiveKitAccess
from meetctl.errors import OutputError, ServiceError
from meetctl.stack.process import listens, read_tail
from meetctl.stack.state_file import write_secret
from meetctl.stack.supervisor import Part, Probe, Supervisor

NAME = "livekit-server"
CONFIG_FILE = "livekit.yaml"

_HOST = "127.0.0.1"
_ATTEMPTS = 5
_PROBE_LIMIT_S = 2.0
_KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "TZ", "LANG")
"""The server takes settings from LIVEKIT_CONFIG, UDP_PORT and many more, so it gets none of the user's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ports that a server listens on."""

    http: int
    udp: int


def choose_ports() -> Ports:
    """Return ports that are free now; another program may take them before the server does."""
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        for one in (tcp, udp):
            one.bind((_HOST, 0))
        return Ports(http=tcp.getsockname()[1], udp=udp.getsockname()[1])


async def start_livekit_server(
    supervisor: Supervisor,
    binary: Path,
    directory: Path,
    environment: Mapping[str, str],
    *,
    choose: Callable[[], Ports] = choose_ports,
) -> LiveKitAccess:
    """Start a server with a new key, its configuration and log in `directory`; return how to reach it.

    A port that somebody else takes between being chosen and being bound is not the end: others are tried.

    Raises:
        ServiceError: The server did not start.
        OutputError: The directory cannot be written.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        ports = choose()
        access = make_access(ports)
        config = write_config(directory, ports, access)
        part = Part(
            name=NAME,
            command=(str(binary), "--config", str(config)),
            environment=server_environment(environment),
            log=directory / f"{NAME}.log",
            ready=_probe(ports, access),
            # The first one makes it wait until the last participant has left.
            stop_signals=2,
        )
        try:
            await supervisor.start(part)
        except ServiceError:
            if attempt == _ATTEMPTS or not _port_was_taken(part.log):
                raise
        else:
            return access
    raise AssertionError("the last attempt returns or raises")


def make_access(ports: Ports) -> LiveKitAccess:
    """Return the address that a server on these ports has, and a new key for it."""
    return LiveKitAccess(
        url=f"ws://{_HOST}:{ports.http}",
        api_key=f"local-{secrets.token_hex(4)}",
        # LiveKit asks for 32 characters or more.
        api_secret=secrets.token_urlsafe(48),
    )


def server_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the server may know of the user's environment."""
    return {name: environment[name] for name in _KEPT_VARIABLES if name in environment}


def write_config(directory: Path, ports: Ports, access: LiveKitAccess) -> Path:
    """Write the server's configuration, which only its owner can read, and return where.

    Media goes over UDP on loopback only. The server cannot bind its TCP port for media to one address
    (https://github.com/livekit/mediatransportutil/blob/main/pkg/rtcconfig/webrtc_config.go), so it has none.

    Raises:
        OutputError: It cannot be written.
    """
    config = {
        "port": ports.http,
        "bind_addresses": [_HOST],
        "keys": {access.api_key: access.api_secret},
        "rtc": {
            "node_ip": _HOST,
            "use_external_ip": False,
            "enable_loopback_candidate": True,
            "ips": {"includes": [f"{_HOST}/32"]},
            "udp_port": ports.udp,
            "tcp_port": 0,
        },
        "logging": {"level": "info", "json": False},
    }
    path = directory / CONFIG_FILE
    try:
        # JSON is YAML too.
        write_secret(path, json.dumps(config, indent=2) + "\n")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
    return path


def is_serving(pid: int, port: int) -> bool:
    """Tell whether this very process serves LiveKit's API on the port, and says that it is well."""
    if not listens(pid, port):
        return False
    connection = http.client.HTTPConnection(_HOST, port, timeout=_PROBE_LIMIT_S)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _probe(ports: Ports, access: LiveKitAccess) -> Probe:
    async def probe(pid: int) -> str | None:
        return access.url if await asyncio.to_thread(is_serving, pid, ports.http) else None

    return probe


def _port_was_taken(log: Path) -> bool:
    return any("address already in use" in line for line in read_tail(log))
