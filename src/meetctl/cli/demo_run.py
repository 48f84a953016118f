"""Holding the demo's meeting, showing how far it is, and printing what came of it."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from meetctl import bootstrap
from meetctl.cli.configuration import find_keys
from meetctl.cli.diagnostics import note, warn
from meetctl.cli.output import print_json, print_text, render
from meetctl.cli.progress import ProgressBoard
from meetctl.cli.replay_request import make_request
from meetctl.core.config import KEY_VARIABLES, parse_recording
from meetctl.core.places import cache_directory, sessions_directory
from meetctl.errors import ExitCode, MeetctlError, UsageError
from meetctl.reports.answer import answer_recording
from meetctl.reports.document import make_document
from meetctl.reports.table import print_audit
from meetctl.reports.verification import make_verification_document, print_verifications
from meetctl.services.summary import make_audit
from meetctl.services.verification import verify_bundle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meetctl.domain.audit import Audit
    from meetctl.domain.verification import Verification
    from meetctl.ports import Clock
    from meetctl.stack.demo import DemoMeeting
    from meetctl.stack.participant.performance import StepNews
    from meetctl.stack.participant.report import PersonReport

SCHEMA = "meetctl.demo/1"
GRACE_S = "2"
RATES = ("1", "0.5")
"""What the recording is audited at: the agent's own rate, and half of it."""


def run_demo_command(
    *,
    livekit_server: Path | None,
    screen: Path | None,
    sessions: Path | None,
    record: str,
    real: bool,
    json: bool,
) -> None:
    """Hold the meeting, audit and verify its recording, and print both.

    Raises:
        UsageError: An option is wrong.
        ServiceError: A part of it did not start or crashed.
    """
    if not parse_recording(record).is_on:
        raise UsageError("--record off leaves nothing to audit", hint="sampled records the least")
    keys = find_keys()
    _warn_of_keys([name for name in KEY_VARIABLES.values() if name in keys], real=real)
    clock = bootstrap.system_clock()
    display = DemoDisplay(clock)
    meeting = _hold_meeting(
        display,
        livekit_server=livekit_server,
        screen=screen,
        sessions=(sessions or sessions_directory()).absolute(),
        record=record,
        keys=keys if real else None,
    )
    display.stage("auditing the recording")
    audit, verification = _audit(meeting.bundle, clock)
    if json:
        print_json(make_demo_document(meeting, audit, verification))
    else:
        print_text(render(lambda console: print_audit(audit, console), for_stdout=True))
        print_text(render(lambda console: print_verifications([verification], console), for_stdout=True))
        print_text(f"\nbundle: {meeting.bundle}\n")
    for problem in meeting.report.problems:
        warn(f"{meeting.report.name}: {problem}")
    if not verification.holds:
        raise typer.Exit(ExitCode.CHECK_FAILED)
    if meeting.report.problems:
        raise typer.Exit(ExitCode.FAILED)


class DemoDisplay:
    """Tells on stderr how far the demo has come, each line with the time since its start."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started_s = clock.monotonic()

    def stage(self, text: str) -> None:
        """Tell that a stage begins."""
        note(f"{self._clock.monotonic() - self._started_s:5.1f} s  {text}")

    def step(self, news: StepNews) -> None:
        """Tell what the person does, and what the agent has answered."""
        from meetctl.stack.participant.performance import StepBegun

        if isinstance(news, StepBegun):
            self.stage(f"[{news.number}/{news.total}] Maya {news.step}")
        elif news.answer is not None:
            self.stage(f'      agent: "{news.answer.text}" ({_waited(news.answer.first_audio_s)})')


def _waited(first_audio_s: float) -> str:
    return f"first sound after {max(0.0, first_audio_s):.1f} s"


def _warn_of_keys(keys: Sequence[str], *, real: bool) -> None:
    """Say which keys are there and not used, or used and billed."""
    if keys and real:
        warn(f"--real: {', '.join(keys)} will be used, and what they are used for is billed")
    elif keys:
        note(f"{', '.join(keys)} set, but not used: the demo is offline and costs nothing (--real uses them)")


def _hold_meeting(
    display: DemoDisplay,
    *,
    livekit_server: Path | None,
    screen: Path | None,
    sessions: Path,
    record: str,
    keys: Mapping[str, str] | None,
) -> DemoMeeting:
    """Hold the meeting; `keys` are those of providers that are used for real, None for none."""
    from meetctl.cli.build_progress import BuildProgress
    from meetctl.stack.demo import DemoListener, DemoPlan, run_demo
    from meetctl.stack.livekit_build import prepare_livekit_server
    from meetctl.stack.participant.recording_pictures import RecordingPictures
    from meetctl.stack.participant.script import SLIDES, demo_script

    pictures = RecordingPictures(screen) if screen else None
    if pictures is not None:
        # What cannot be shared is told now, and not when everything runs.
        pictures.picture(0.0)
        pictures.close()
    with BuildProgress() as progress:
        server = prepare_livekit_server(livekit_server, os.environ, cache_directory(), progress)
    directory = Path(tempfile.mkdtemp(prefix="meetctl-demo-"))
    plan = DemoPlan(
        livekit_server=server.path,
        directory=directory,
        sessions=sessions,
        environment={**os.environ, **(keys or {})},
        worker_options=("--record", record, "--grace-s", GRACE_S, "--max-meetings", "1"),
        steps=demo_script(turns_slides=pictures is None),
        screens={SLIDES: pictures} if pictures else None,
        with_keys=keys is not None,
    )
    try:
        meeting = asyncio.run(run_demo(plan, DemoListener(stage=display.stage, step=display.step)))
    except KeyboardInterrupt:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    # Logs are worth keeping only where something has failed, and then the error names them.
    shutil.rmtree(directory, ignore_errors=True)
    return meeting


def _audit(bundle: Path, clock: Clock) -> tuple[Audit, Verification]:
    request = make_request(
        fps=RATES,
        policy_texts=(),
        policy_file=None,
        model="gpt-4.1",
        detail="high",
        window=5,
        side=None,
        sweep=False,
        coverage="decode",
        turns="auto",
        turns_per_min="2",
        at=None,
        thumbnails=False,
    )
    task = bootstrap.AuditTask(
        path=bundle, request=request, price_files=(), frames_directory=None, frames_folder=bundle.name
    )
    book = bootstrap.price_book(())
    with ProgressBoard(clock, [bundle.name]) as board:
        recording = bootstrap.audit_one(task, board.of(0))
        if isinstance(recording, MeetctlError):
            raise recording
        verification = verify_bundle(bundle, source=bootstrap.frame_source(), book=book, progress=board.of(0))
        board.end(0)
    audit = make_audit([recording], price_book=book.version, meaning="per_turn", target=0.95, sweep=False)
    return audit, verification


def make_demo_document(meeting: DemoMeeting, audit: Audit, verification: Verification) -> dict[str, Any]:
    """Return the demo's outcome as a JSON object (schema meetctl.demo/1)."""
    return {
        "schema": SCHEMA,
        "bundle": str(meeting.bundle),
        "meeting": _document_report(meeting.report),
        "answer": answer_recording(audit.recordings[0], audit),
        "audit": make_document(audit, timestamps=False),
        "verification": make_verification_document([verification], price_book=audit.price_book),
    }


def _document_report(report: PersonReport) -> dict[str, Any]:
    return {
        "person": report.name,
        "greeting": report.greeting.text if report.greeting else None,
        "exchanges": [
            {
                "said": exchange.said,
                "understood": exchange.understood,
                "answer": exchange.answer.text if exchange.answer else None,
                "waited_s": round(exchange.answer.first_audio_s, 3) if exchange.answer else None,
            }
            for exchange in report.exchanges
        ],
        "problems": list(report.problems),
    }
