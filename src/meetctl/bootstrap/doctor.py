"""What the doctor examines this machine and a server with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.domain.diagnosis import LocalPrograms
    from meetctl.ports import Machine, MediaProbe, RemoteClock


def media_probe(access: LiveKitAccess) -> MediaProbe:
    """Return what finds out which ways media can go to a LiveKit server. It is used by one event loop."""
    import logging

    from meetctl.adapters.media_probe import LiveKitMediaProbe

    # What the WebRTC library says of its connections is for its developers; failures come as errors.
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    return LiveKitMediaProbe(access)


def server_clock(access: LiveKitAccess) -> RemoteClock:
    """Return the clock of a LiveKit server. It is used by one event loop."""
    from meetctl.adapters.server_clock import HttpServerClock

    return HttpServerClock(access.url)


def this_machine() -> Machine:
    """Return what this machine has."""
    from meetctl.adapters.this_machine import ThisMachine

    return ThisMachine()


def local_programs(environment: Mapping[str, str]) -> LocalPrograms:
    """Return which programs of this machine the local stack would use; asks each for its version.

    Raises:
        UsageError: The first livekit-server that there is, is none.
    """
    from importlib.util import find_spec

    from meetctl.core.places import cache_directory
    from meetctl.domain.diagnosis import LocalPrograms
    from meetctl.errors import UsageError
    from meetctl.stack.go_toolchain import find_go
    from meetctl.stack.livekit_build import find_livekit_server

    server = find_livekit_server(None, environment, cache_directory())
    try:
        go = find_go(environment).version if server is None else None
    except UsageError:
        go = None
    return LocalPrograms(
        livekit_server=server.version if server else None,
        go=f"{go[0]}.{go[1]}" if go else None,
        has_speech=all(find_spec(name) for name in ("espeakng_loader", "pocketsphinx")),
    )
