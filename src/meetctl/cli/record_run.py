"""Recording a room from the command line, and printing what came of it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meetctl import bootstrap
from meetctl.cli.configuration import find_server
from meetctl.cli.diagnostics import is_debugging, note, report
from meetctl.cli.ending import end_process
from meetctl.cli.record_display import RecordDisplay
from meetctl.core.config import parse_recording
from meetctl.core.places import sessions_directory
from meetctl.domain.policy import parse_rate
from meetctl.domain.time_spans import parse_span
from meetctl.errors import ExitCode, MeetctlError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.recorder.service import RecordingService
    from meetctl.recorder.settings import RecorderSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordChoices:
    """The values of the command's options."""

    room: str
    url: str | None
    record: str
    fps: str
    has_audio: bool
    sessions: Path | None
    tenant: str | None
    is_silent: bool
    waits: bool
    repeats: bool
    grace: str
    limit: str | None


def run_record_command(choices: RecordChoices, *, as_json: bool) -> None:
    """Record, print each recording as it ends, and end the process.

    Raises:
        UsageError: An option is wrong, or there is no server.
        OutputError: Sessions cannot be kept where they should be.
    """
    settings = make_settings(choices)
    clock = bootstrap.system_clock()
    with RecordDisplay(settings, clock, as_json=as_json) as display:
        service = bootstrap.recording_service(settings, display)
        _start_logging(settings)
        try:
            asyncio.run(_run_until_signalled(service, display))
            code = ExitCode.DONE
        except MeetctlError as error:
            display.stop()
            code = report(error)
    end_process(code)


def make_settings(choices: RecordChoices) -> RecorderSettings:
    """Read the options.

    Raises:
        UsageError: One is wrong, or there is no server.
    """
    from meetctl.recorder.settings import RecorderSettings

    recording = parse_recording(choices.record)
    if not recording.is_on:
        raise UsageError("--record off leaves nothing to record", hint="sampled records the least")
    fps = parse_rate(choices.fps)
    if not choices.room.strip():
        raise UsageError("the room has no name")
    limit_s = None if choices.limit is None else _read_span_s("--limit", choices.limit)
    if limit_s == 0:
        raise UsageError("--limit 0 leaves nothing to record")
    return RecorderSettings(
        livekit=find_server(choices.url),
        room=choices.room,
        fps=fps,
        recording=recording,
        sessions=(choices.sessions or sessions_directory()).absolute(),
        tenant_id=choices.tenant or None,
        has_audio=choices.has_audio,
        is_silent=choices.is_silent,
        grace_s=_read_span_s("--grace", choices.grace),
        limit_s=limit_s,
        waits=choices.waits,
        repeats=choices.repeats,
    )


def _read_span_s(option: str, text: str) -> float:
    try:
        return parse_span(text).total_seconds()
    except UsageError as error:
        raise UsageError(f"{option}: {error.message}", hint=error.hint) from None


async def _run_until_signalled(service: RecordingService, display: RecordDisplay) -> None:
    """Run the service; the first signal ends it well, the second at once.

    Raises:
        MeetctlError: What the service, or its last recording, failed with.
    """
    loop = asyncio.get_running_loop()
    signals = 0

    def signalled() -> None:
        nonlocal signals
        signals += 1
        if signals > 1:
            display.stop()
            os._exit(ExitCode.INTERRUPTED)
        note("finishing the recording; once more to abort it")
        service.stop()

    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, signalled)
    last = await service.run()
    if last is not None and last.error is not None:
        raise last.error


def _start_logging(settings: RecorderSettings) -> None:
    """Keep logs for --debug: what goes wrong in a recording is in its journal, and told from there."""
    if not is_debugging():
        logging.getLogger().addHandler(logging.NullHandler())
        return
    from meetctl.core.monitoring import start_logging

    start_logging("DEBUG", secrets=(settings.livekit.api_secret,))
