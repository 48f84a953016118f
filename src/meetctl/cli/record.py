"""`meetctl record`: record a room without an agent in it."""

from __future__ import annotations

from typing import Annotated

import typer

from meetctl.cli.agent_options import Fps, Sessions
from meetctl.cli.options import AsJson, Url

Room = Annotated[str, typer.Argument(metavar="ROOM", help="The room to record.")]
Record = Annotated[
    str, typer.Option(metavar="HOW", help="What of the video is recorded: sampled, full, or frames a second.")
]
Audio = Annotated[bool, typer.Option("--audio/--no-audio", help="Record what is heard too.")]
Tenant = Annotated[
    str | None, typer.Option(metavar="ID", help="Whose meeting it is, for the bundle; nobody is asked.")
]
Silent = Annotated[
    bool,
    typer.Option(
        "--silent",
        help="Tell nobody in the room. Recording people without telling them is illegal in many places.",
    ),
]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait until a person is in the room, which need not be there yet.")
]
Again = Annotated[
    bool, typer.Option("--again", help="Wait for the next meeting when one has ended, as a service does.")
]
Grace = Annotated[
    str,
    typer.Option(
        metavar="SPAN", help="How long somebody is waited for when nobody is there, such as 20s or 2m."
    ),
]
Limit = Annotated[
    str | None, typer.Option(metavar="SPAN", help="End a recording after so long, such as 90m or 2h.")
]


def record(
    room: Room,
    url: Url = None,
    record: Record = "5",
    fps: Fps = "1",
    audio: Audio = True,
    sessions: Sessions = None,
    tenant: Tenant = None,
    silent: Silent = False,
    wait: Wait = False,
    again: Again = False,
    grace: Grace = "20s",
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Record a room in which another agent works, or none, and leave a bundle for `meetctl replay`.

    The recorder is hidden, says nothing and costs nothing. People are told: LiveKit marks the room as being
    recorded, and each person gets a message in the chat. With --silent nobody is told, and then it is you
    who has to: in many places it is illegal to record people who do not know it.

    It ends when everybody has left, the room is closed, or with Ctrl-C; a second Ctrl-C aborts it.

    Example: meetctl record standup --wait
    """
    from meetctl.cli.record_run import RecordChoices, run_record_command

    run_record_command(
        RecordChoices(
            room=room,
            url=url,
            record=record,
            fps=fps,
            has_audio=audio,
            sessions=sessions,
            tenant=tenant,
            is_silent=silent,
            waits=wait,
            repeats=again,
            grace=grace,
            limit=limit,
        ),
        as_json=as_json,
    )
