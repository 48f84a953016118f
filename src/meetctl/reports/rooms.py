"""Rooms, participants and dispatches as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from meetctl.reports.ages import format_age
from meetctl.reports.cells import UNKNOWN
from meetctl.reports.money import format_usd
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from meetctl.domain.room_view import AgentView, RoomView
    from meetctl.domain.rooms import Dispatch, Job, Participant, Track

NOBODY = "–"
"""Stands where there is nobody, or nothing to say."""

_OFFERED_S = 10
"""A server lists the job of an order some five seconds late; before that nobody can tell."""


def make_rooms_table(views: Iterable[RoomView], now: datetime) -> Table:
    """Return one row a room: how old it is, who is in it, what its agent does and has cost."""
    table = _make_table(
        "Room", "Age", "People", "Agent", "State", "Session", "Cost", right=("People", "Cost")
    )
    for view in views:
        agents = view.agents
        table.add_row(
            show_plain(view.room.name),
            _age(view.room.created_at, now),
            str(view.people),
            _stack(show_plain(_name_agent(one)) for one in agents),
            _stack(_state_of(one) for one in agents),
            _stack(show_plain(one.participant.session_id or NOBODY) for one in agents),
            _stack(format_spent(one) for one in agents),
        )
    return table


def make_participants_table(participants: Iterable[Participant], now: datetime) -> Table:
    """Return one row a participant: what they are, since when, and what they publish."""
    table = _make_table("Identity", "Name", "Kind", "Here for", "Tracks")
    for one in participants:
        table.add_row(
            show_plain(one.identity),
            show_plain(one.name) or NOBODY,
            _kind_of(one),
            _age(one.joined_at, now),
            _stack(map(describe_track, one.tracks)),
        )
    return table


def make_dispatches_table(dispatches: Iterable[Dispatch], now: datetime, *, present: frozenset[str]) -> Table:
    """Return one row a dispatch, with what became of it; `present` are the identities of who is there."""
    table = _make_table("Room", "Dispatch", "Agent", "Age", "Became", "Metadata")
    for one in dispatches:
        table.add_row(
            show_plain(one.room),
            one.id,
            show_plain(one.agent_name) or "(any without a name)",
            _age(one.created_at, now),
            _stack((_describe_job(job, present) for job in one.jobs), empty=_describe_wait(one, now)),
            show_plain(one.metadata) or NOBODY,
        )
    return table


def describe_room(view: RoomView, now: datetime) -> Iterator[str]:
    """Yield lines that say what a room is like."""
    room = view.room
    people = "1 person" if view.people == 1 else f"{view.people} people"
    yield f"{show_plain(room.name)}: {people}, open for {_age(room.created_at, now)} ({room.sid})"
    limit = "no limit" if room.max_participants is None else f"{room.max_participants}"
    yield (
        f"closes {format_age(room.departure_timeout_s)} after the last one has left, "
        f"{format_age(room.empty_timeout_s)} where nobody comes; participants at most: {limit}"
    )
    if room.metadata:
        yield f"metadata: {show_plain(room.metadata)}"
    if room.is_recording:
        yield "LiveKit's egress records it"
    for agent in view.agents:
        yield f"{show_plain(_name_agent(agent))}: {_state_of(agent)}, {_describe_session(agent)}"


def format_spent(agent: AgentView) -> str:
    """Return what an agent's session has cost so far; "n/a" where that is not known here."""
    spent = agent.spent
    if spent is None or spent.usd is None:
        return UNKNOWN
    amount = format_usd(spent.usd)
    if spent.is_offline:
        return f"{amount} offline"
    return amount if spent.is_complete else f"≥ {amount}"


def describe_track(track: Track) -> str:
    """Return a track in words: what it is, how large, whether it is muted, and its id."""
    what = track.source.replace("_", " ") if track.source != "unknown" else track.name or track.kind
    size = f" {track.width}x{track.height}" if track.width and track.height else ""
    return f"{show_plain(what)}{size}{', muted' if track.is_muted else ''} ({track.sid})"


def _describe_session(agent: AgentView) -> str:
    session_id = agent.participant.session_id
    if session_id is None:
        return "no agent of meetctl"
    if agent.state is None:
        return f"session {show_plain(session_id)}, whose journal is not on this machine"
    tenant = f" of {show_plain(agent.state.about.tenant_id)}" if agent.state.about.tenant_id else ""
    heard = agent.state.conversation.by_people
    return f"session {session_id}{tenant}, {heard} utterances heard, {format_spent(agent)} so far"


def _describe_job(job: Job, present: frozenset[str]) -> str:
    # A server goes on calling a job running whose agent has left.
    is_here = job.participant in present
    state = "in the room" if is_here else "has left" if job.status == "running" else job.status
    return " ".join(filter(None, (state, show_plain(job.participant), show_plain(job.error))))


def _describe_wait(dispatch: Dispatch, now: datetime) -> str:
    """Say what became of an order that has no job."""
    since = dispatch.created_at
    is_new = since is not None and (now - since).total_seconds() < _OFFERED_S
    return "offered to workers" if is_new else "taken by no worker"


def _kind_of(one: Participant) -> str:
    kind = "person" if one.kind == "standard" else "telephone" if one.kind == "sip" else one.kind
    return f"{'observer' if one.kind == 'standard' else kind}, hidden" if one.is_hidden else kind


def _name_agent(agent: AgentView) -> str:
    return agent.participant.agent_name or agent.participant.name or agent.participant.identity


def _state_of(agent: AgentView) -> str:
    return show_plain(agent.participant.agent_state or agent.participant.state)


def _age(since: datetime | None, now: datetime) -> str:
    return NOBODY if since is None else format_age((now - since).total_seconds())


def _stack(lines: Iterable[str], *, empty: str = NOBODY) -> str:
    return "\n".join(lines) or empty


def _make_table(*headings: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False)
    table.collapse_padding = True
    for column in table.columns:
        column.justify = "right" if column.header in right else "left"
        column.overflow = "fold"
    return table
