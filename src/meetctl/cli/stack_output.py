"""What `meetctl up` and `meetctl status` print; the secret only where it was asked for."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from meetctl.cli.diagnostics import note
from meetctl.cli.output import print_json, print_lines
from meetctl.core.config import KEY_VARIABLES
from meetctl.core.local_stack import part_document
from meetctl.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meetctl.core.local_stack import StackPart, StackState
    from meetctl.ports import Clock
    from meetctl.stack.livekit_build import LiveKitBinary

PROVIDERS = {"openai": "OpenAI", "deepgram": "Deepgram", "cartesia": "Cartesia", "rime": "Rime"}
"""What people call each provider."""


class StartDisplay:
    """Tells each part on stderr as it comes up, with the time since the start."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started_s = clock.monotonic()
        self._told: set[tuple[str, str]] = set()

    def show(self, state: StackState) -> None:
        """Tell what is new since the last call; nothing once the stack has been up."""
        elapsed_s = self._clock.monotonic() - self._started_s
        for part in state.parts:
            if part.state == "running" and (part.name, part.state) not in self._told:
                self._told.add((part.name, part.state))
                note(f"  {part.name} is up after {elapsed_s:.1f} s")


def print_prepared(server: LiveKitBinary, *, json: bool) -> None:
    """Print where the LiveKit server is."""
    if json:
        print_json({"schema": "meetctl.up/1", "livekit_server": str(server.path), "version": server.version})
    else:
        print_lines([str(server.path)])


def print_stack(state: StackState | None, keys: Mapping[str, str], *, json: bool) -> None:
    """Print what runs, and which providers will be real by the `keys` that are set; never a secret."""
    if json:
        print_json(stack_document(state, keys))
    else:
        print_lines(stack_lines(state, keys))


def print_environment(state: StackState | None) -> None:
    """Print the shell lines that let other programs into the LiveKit server, its secret included.

    Raises:
        ServiceError: It does not run.
    """
    if state is None or state.livekit is None:
        raise ServiceError("the local stack is not running", hint="`meetctl up` starts it")
    values = {
        "LIVEKIT_URL": state.livekit.url,
        "LIVEKIT_API_KEY": state.livekit.api_key,
        "LIVEKIT_API_SECRET": state.livekit.api_secret,
    }
    print_lines(f"export {name}={shlex.quote(value)}" for name, value in values.items())


def stack_document(state: StackState | None, keys: Mapping[str, str]) -> dict[str, object]:
    """Return the document of `meetctl status --json`."""
    livekit = state.livekit if state else None
    return {
        "schema": "meetctl.status/1",
        "state": state.state if state else "stopped",
        "started_at": state.started_at.isoformat() if state else None,
        "livekit": {"url": livekit.url, "api_key": livekit.api_key} if livekit else None,
        "offline": {"url": state.offline_url} if state and state.offline_url else None,
        "parts": [part_document(part) for part in state.parts] if state else [],
        "providers": [
            {"name": PROVIDERS[id_], "use": _provider_use(state, keys, key), "key": key}
            for id_, key in KEY_VARIABLES.items()
        ],
    }


def stack_lines(state: StackState | None, keys: Mapping[str, str]) -> Iterator[str]:
    """Say the same to people."""
    if state is None:
        yield "The local stack is not running."
    else:
        how = "up" if state.state == "running" else "coming up"
        yield f"The local stack is {how}, on this machine alone" + (
            ", but a part has failed:" if state.failed_parts else ":"
        )
        yield from (_part_line(part) for part in state.parts)
    yield "Providers:"
    for id_, key in KEY_VARIABLES.items():
        words = {"real": f"real ({key} is set)", "offline": "offline, $0", "none": f"none: {key} is not set"}
        yield f"  {PROVIDERS[id_]:<18} {words[_provider_use(state, keys, key)]}"
    if state and state.state == "running" and not state.failed_parts:
        yield "Use it:"
        yield "  meetctl agent start              the agent finds this stack by itself"
        yield '  eval "$(meetctl status --env)"   for other programs: sets LIVEKIT_URL and its key'
        yield "  meetctl down                     ends it"


def _provider_use(state: StackState | None, keys: Mapping[str, str], key: str) -> str:
    """Return real, offline, or none: neither a key nor offline providers in the stack that runs."""
    if keys.get(key):
        return "real"
    without_offline = state is not None and state.state == "running" and state.offline_url is None
    return "none" if without_offline else "offline"


def _part_line(part: StackPart) -> str:
    where = part.detail or part.url or ""
    return f"  {part.name:<18} {part.state:<8} {where}".rstrip()
