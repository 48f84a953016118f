"""`meetctl tui --serve`: the dashboard in a browser."""

from __future__ import annotations

import shlex
import sys
from ipaddress import ip_address
from typing import TYPE_CHECKING

from meetctl.bootstrap.dashboard import serve_dashboard
from meetctl.cli.configuration import find_sources
from meetctl.cli.diagnostics import note, warn
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PASSWORD = "MEETCTL_TUI_PASSWORD"


def name_options(
    *, sessions: Path, url: str | None, rooms: Sequence[str], theme: str | None
) -> tuple[str, ...]:
    """Return the options with which `meetctl tui` shows the same meetings in the same colours."""
    named = [("--sessions", str(sessions)), *(("--room", room) for room in rooms)]
    if url is not None:
        named.append(("--url", url))
    if theme is not None:
        named.append(("--theme", theme))
    return tuple(word for pair in named for word in pair)


def serve_looking(options: Sequence[str], *, host: str, port: int, allows_remote: bool) -> None:
    """Serve a dashboard with these options that can only look, until Ctrl-C.

    Raises:
        UsageError: The address is none, or is reachable from elsewhere without leave and a password.
        ServiceError: The address cannot be had.
    """
    address = _find_address(host)
    password = find_sources().values.get(PASSWORD) or None
    if not ip_address(address).is_loopback:
        _check_remote(host, allows_remote=allows_remote, password=password)
        warn("it is served without TLS: the password can be read on the way; put a proxy with TLS before it")
    command = shlex.join([sys.executable, "-m", "meetctl", "tui", "--read-only", *options])
    serve_dashboard(
        command,
        host=address,
        port=port,
        password=password,
        ready=lambda url: note(f"the dashboard is at {url}, to look only; Ctrl-C ends it"),
    )


def _find_address(host: str) -> str:
    """Return a numeric address, so that exactly this one is listened on."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        return str(ip_address(host.strip("[]")))
    except ValueError:
        raise UsageError(f"--host: {host!r} is no address", hint="such as 127.0.0.1 or ::1") from None


def _check_remote(host: str, *, allows_remote: bool, password: str | None) -> None:
    if not allows_remote:
        raise UsageError(
            f"--host {host} lets other machines see what people say and show",
            hint=f"if you want that, set {PASSWORD} and add --allow-remote",
        )
    if not password:
        raise UsageError(f"--allow-remote needs a password, and {PASSWORD} is not set")
