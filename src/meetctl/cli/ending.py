"""How the process ends, whatever threads of others still run in it."""

from __future__ import annotations

import atexit
import os
import sys
from typing import NoReturn


def end_process(code: int) -> NoReturn:
    """End the process with this exit code, after everything that is to be done at its end.

    WebRTC's threads call into Python as long as they run. Where Python is half gone by then, they abort the
    process, and a command that went well ends as a crash: so Python is not taken down before the process.
    """
    if not _runs_webrtc():
        sys.exit(code)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                # Its reader has gone; the exit code still says what happened.
                continue
    os._exit(code)


def _runs_webrtc() -> bool:
    """Tell whether LiveKit's WebRTC was started in this process; importing it starts nothing."""
    client = getattr(sys.modules.get("livekit.rtc._ffi_client"), "FfiClient", None)
    return getattr(client, "_instance", None) is not None
