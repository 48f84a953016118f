"""The demo: a whole meeting on this machine, with every part of it real and none of it costing anything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl.core.places import NO_LOGS
from meetctl.domain.session_bundle import BUNDLES, SESSION
from meetctl.errors import ServiceError
from meetctl.stack.livekit_server import start_livekit_server
from meetctl.stack.offline_part import start_offline_providers
from meetctl.stack.participant.performance import StepNews, run_script
from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.rooms import dispatch_agent, mint_token
from meetctl.stack.supervisor import Supervisor
from meetctl.stack.worker_part import worker_part

if TYPE_CHECKING:
    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.stack.participant.pictures import PictureSource
    from meetctl.stack.participant.report import PersonReport
    from meetctl.stack.participant.script import Step

ROOM = "demo"
AGENT_NAME = "meetctl-demo"
IDENTITY, NAME = "maya", "Maya"

END_LIMIT_S = 60.0
"""How long the agent may take to finish its recording after everybody has left."""
_LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlan:
    """What is run, and where."""

    livekit_server: Path
    directory: Path
    """For the processes' logs and state while it runs."""
    sessions: Path
    environment: Mapping[str, str]
    worker_options: Sequence[str]
    """Options for `meetctl agent start`."""
    steps: Sequence[Step]
    screens: Mapping[str, PictureSource] | None
    """What the script shares, by name; None for drawn slides."""
    with_keys: bool
    """Whether providers are used for real whose keys are in the environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMeeting:
    """What came of it."""

    bundle: Path
    report: PersonReport


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoListener:
    """Is told how far the demo has come."""

    stage: Callable[[str], None]
    """A new stage begins, in a few words."""
    step: Callable[[StepNews], None]
    """The person does something, or has done it."""


async def run_demo(plan: DemoPlan, listener: DemoListener) -> DemoMeeting:
    """Hold the meeting, and return when its recording is complete and every process has ended.

    Raises:
        ServiceError: A part did not start or crashed, or the agent did not finish its recording.
    """
    async with Supervisor() as supervisor:
        return await supervisor.hold(_hold_meeting(plan, listener, supervisor))


async def _hold_meeting(plan: DemoPlan, listener: DemoListener, supervisor: Supervisor) -> DemoMeeting:
    listener.stage("starting a LiveKit server and offline providers")
    livekit, offline_url = await _start_services(plan, supervisor)
    listener.stage("starting the agent's worker")
    await supervisor.start(
        worker_part(
            livekit,
            offline_url,
            # A demo leaves nothing but its bundle; what its worker says is in `directory` while it runs.
            (
                *("--agent-name", AGENT_NAME, "--sessions", str(plan.sessions)),
                *("--log-directory", NO_LOGS, *plan.worker_options),
            ),
            directory=plan.directory,
            environment=plan.environment,
            with_keys=plan.with_keys,
        )
    )
    before = set(_bundles(plan.sessions))
    listener.stage("sending the agent into a room")
    await dispatch_agent(livekit, ROOM, AGENT_NAME, {})
    report = await _take_part(plan, listener, livekit)
    listener.stage("waiting for the agent to finish its recording")
    return DemoMeeting(bundle=await _finished_bundle(plan.sessions, before), report=report)


async def _start_services(plan: DemoPlan, supervisor: Supervisor) -> tuple[LiveKitAccess, str]:
    try:
        async with asyncio.TaskGroup() as group:
            server = group.create_task(
                start_livekit_server(supervisor, plan.livekit_server, plan.directory, plan.environment)
            )
            offline = group.create_task(start_offline_providers(supervisor, plan.directory, plan.environment))
    except ExceptionGroup as errors:
        # The first one made the group give up; the user needs that one, and not a group.
        raise errors.exceptions[0] from None
    return server.result(), offline.result()


async def _take_part(plan: DemoPlan, listener: DemoListener, livekit: LiveKitAccess) -> PersonReport:
    async with ScriptedPerson(IDENTITY, NAME) as person:
        listener.stage(f"{NAME} joins the meeting")
        await person.join(livekit.url, mint_token(livekit, ROOM, IDENTITY, NAME))
        return await run_script(person, plan.steps, listener.step, plan.screens)


async def _finished_bundle(sessions: Path, before: set[Path]) -> Path:
    """Wait until the agent has written the end of a session that was not there before."""
    try:
        async with asyncio.timeout(END_LIMIT_S):
            while True:
                for bundle in set(_bundles(sessions)) - before:
                    if _has_ended(bundle):
                        return bundle
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise ServiceError(
            f"the agent did not finish its recording within {END_LIMIT_S:.0f} s",
            hint=f"what there is of it is in {sessions}",
        ) from None


def _bundles(sessions: Path) -> list[Path]:
    return [path.parent for path in sessions.glob(f"{BUNDLES}/{SESSION}")]


def _has_ended(bundle: Path) -> bool:
    return "ended_at" in json.loads((bundle / SESSION).read_bytes())
