"""Waiting for an agent on its way into a room, and telling each stage."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from meetctl import bootstrap
from meetctl.bootstrap.rooms import local_workers, session_events
from meetctl.cli.configuration import find_server
from meetctl.cli.diagnostics import note, warn
from meetctl.cli.output import print_json, print_lines
from meetctl.core.places import sessions_directory
from meetctl.domain.joining import MISSED, STAGES
from meetctl.domain.tokens import TokenOrder, find_page_obstacle, meeting_link, preset_grants
from meetctl.errors import ServiceError, UsageError
from meetctl.services.join_metadata import KEYS, find_unread_keys
from meetctl.services.joining import Joining, JoinWorld
from meetctl.services.tokens import make_identity, mint_token

if TYPE_CHECKING:
    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.domain.joining import JoinOrder, JoinOutcome, StageDone

SCHEMA = "meetctl.join/1"
_LINK_LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinChoices:
    """What the user chose."""

    order: JoinOrder
    waits: bool
    prints_link: bool
    sessions: Path | None
    url: str | None
    json: bool


def run_join(choices: JoinChoices) -> None:
    """Send the agent, and wait for it.

    Raises:
        UsageError: The agent has no name, or is there already, or there is no server.
        NotFoundError: There is no such room.
        ServiceError: The server cannot be reached, or refuses; or a stage has failed.
    """
    if not choices.order.agent_name.strip():
        raise UsageError("--agent-name is empty")
    access = find_server(choices.url)
    for key in find_unread_keys(choices.order.metadata):
        warn(f"--metadata says {key}, which the agent does not read; it reads {', '.join(KEYS)}")
    link = _make_link(access, choices.order.room) if choices.prints_link else None
    outcome = asyncio.run(_join(choices, access, link))
    for warning in outcome.warnings:
        warn(warning)
    if choices.json:
        print_json(make_document(choices.order, outcome, link=link, waited=choices.waits))
    if outcome.failure is not None:
        missed = MISSED[outcome.failure.stage]
        taken_back = "; the order was taken back" if outcome.is_taken_back else ""
        raise ServiceError(f"{missed}: {outcome.failure.cause}{taken_back}", hint=outcome.failure.hint)


async def _join(choices: JoinChoices, access: LiveKitAccess, link: str | None) -> JoinOutcome:
    order = choices.order
    rooms = bootstrap.room_admin(access)
    world = JoinWorld(
        url=access.url,
        rooms=rooms,
        workers=local_workers(),
        open_events=session_events(access, order.room, (choices.sessions or sessions_directory()).absolute()),
        clock=bootstrap.system_clock(),
        tell=_tell,
        note=note,
    )
    try:
        joining = Joining(order, world)
        outcome = await joining.send()
        if link is not None:
            _print_link(link, json=choices.json)
        if not choices.waits:
            return outcome
        try:
            return await joining.wait()
        except asyncio.CancelledError:
            room = shlex.quote(order.room)
            note(
                f"the agent was sent, and may still come: `meetctl leave {room}` takes it out of the room, "
                f"`meetctl dispatch delete {room} {joining.dispatch_id}` takes the order back"
            )
            raise
    finally:
        await rooms.aclose()


def _tell(done: StageDone) -> None:
    """Tell a stage with the time at which it came about."""
    if done.is_skipped:
        note(f"{done.after_s:5.1f} s  {STAGES[done.stage]}: none; {done.detail}")
    else:
        note(f"{done.after_s:5.1f} s  {STAGES[done.stage]}{f' ({done.detail})' if done.detail else ''}")


def _print_link(link: str, *, json: bool) -> None:
    """Print the link before the agent is waited for: it may wait for whoever follows it."""
    if json:
        note(link)
    else:
        print_lines([link])


def _make_link(access: LiveKitAccess, room: str) -> str:
    """Return a link with a token that is valid for an hour; say what may keep it from working."""
    order = TokenOrder(
        grants=preset_grants("participant", room),
        identity=make_identity("participant"),
        name="Guest",
        valid_for=_LINK_LIFE,
    )
    minted = mint_token(order, bootstrap.token_signer(access), bootstrap.system_clock())
    obstacle = find_page_obstacle(access.url)
    if obstacle is not None:
        note(f"the link: {obstacle}")
    return meeting_link(access.url, minted.text)


def make_document(
    order: JoinOrder, outcome: JoinOutcome, *, link: str | None, waited: bool
) -> dict[str, object]:
    """Return what came of an order as a JSON object (schema meetctl.join/1)."""
    failure = outcome.failure
    document: dict[str, object] = {
        "schema": SCHEMA,
        "room": order.room,
        "agent_name": order.agent_name,
        "metadata": dict(order.metadata),
        "dispatch": outcome.dispatch,
        "agent": outcome.agent,
        "session_id": outcome.session_id,
        "outcome": "failed" if failure else "joined" if waited else "sent",
        "stages": [
            {
                "stage": done.stage,
                "after_s": round(done.after_s, 3),
                "skipped": done.is_skipped,
                "detail": done.detail or None,
            }
            for done in outcome.stages
        ],
        "failure": failure and {"stage": failure.stage, "cause": failure.cause, "hint": failure.hint},
        "taken_back": outcome.is_taken_back,
        "warnings": list(outcome.warnings),
    }
    return document if link is None else {**document, "link": link}
