"""`meetctl join` and `meetctl leave`: the agent's way into a room, and out of it."""

from __future__ import annotations

from typing import Annotated

import typer

from meetctl.cli.options import AsJson, KeptSessions, Room, Url, Yes

AgentName = Annotated[
    str,
    typer.Option(
        metavar="NAME", envvar="MEETCTL_AGENT_NAME", help="The agent, by the name that its worker serves."
    ),
]
Create = Annotated[bool, typer.Option("--create", help="Make the room where it is not there.")]
Another = Annotated[bool, typer.Option("--another", help="Send it although one of this name is there.")]
Tenant = Annotated[str | None, typer.Option("--tenant", metavar="ID", help="Whose meeting it is.")]
Metadata = Annotated[
    str | None,
    typer.Option("--metadata", metavar="JSON", help="An object with more that the agent is told."),
]
Fps = Annotated[
    str | None, typer.Option("--fps", metavar="RATE", help="Frames kept a second: 1, 0.5, every-frame.")
]
Window = Annotated[
    int | None,
    typer.Option("--window", metavar="FRAMES", min=0, help="Kept frames attached to each request."),
]
Detail = Annotated[
    str | None, typer.Option("--detail", metavar="DETAIL", help="How closely the model looks.")
]
Side = Annotated[
    int | None, typer.Option("--side", metavar="PIXELS", min=16, help="Longest side of a sent image.")
]
Record = Annotated[
    str | None,
    typer.Option("--record", metavar="HOW", help="What is recorded: off, sampled, full, or frames a second."),
]
Timeout = Annotated[
    int, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long all stages together may take.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Give the order, and do not wait for the agent.")]
OpenLink = Annotated[
    bool, typer.Option("--open", help="Print a link by which a person can join from a browser.")
]
SessionId = Annotated[
    str | None, typer.Option("--session", metavar="ID", help="Which agent, where several are there.")
]


def join(
    room: Room,
    create: Create = False,
    agent_name: AgentName = "meetctl",
    tenant: Tenant = None,
    metadata: Metadata = None,
    fps: Fps = None,
    window: Window = None,
    detail: Detail = None,
    side: Side = None,
    record: Record = None,
    timeout: Timeout = 60,
    no_wait: NoWait = False,
    another: Another = False,
    open_link: OpenLink = False,
    sessions: KeptSessions = None,
    url: Url = None,
    json: AsJson = False,
) -> None:
    """Send the agent into a room, and wait until it has joined, seen what is shared, and spoken.

    What is not said here is as the agent's worker is configured. Each stage is told as it comes about; where
    one does not, the exit code is 3, and the line says which and why.

    Example: meetctl join standup --create --tenant acme --fps 0.5
    """
    from meetctl.cli.join_run import JoinChoices, run_join
    from meetctl.domain.joining import JoinOrder
    from meetctl.services.join_metadata import make_metadata

    settings = {"fps": fps, "window": window, "detail": detail, "side": side, "record": record}
    run_join(
        JoinChoices(
            order=JoinOrder(
                room=room,
                agent_name=agent_name,
                metadata=make_metadata(metadata, {"tenant": tenant, **settings}),
                creates_room=create,
                allows_another=another,
                limit_s=timeout,
            ),
            waits=not no_wait,
            prints_link=open_link,
            sessions=sessions,
            url=url,
            json=json,
        )
    )


def leave(
    room: Room, session: SessionId = None, yes: Yes = False, url: Url = None, json: AsJson = False
) -> None:
    """Take the agent out of a room: ask it to leave, or put it out where it does not answer.

    Example: meetctl leave standup
    """
    from meetctl.cli.leave_run import run_leave

    run_leave(room, session_id=session, yes=yes, url=url, json=json)
