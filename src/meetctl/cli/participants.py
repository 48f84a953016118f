"""`meetctl participants`: who is in a room."""

from __future__ import annotations

from typing import Annotated

import typer

from meetctl.cli.options import AsJson, Room, Url, Yes

participants_app = typer.Typer(
    help="List who is in a room, mute them, put them out.", no_args_is_help=True, rich_markup_mode=None
)

Identity = Annotated[str, typer.Argument(metavar="IDENTITY", help="The participant's identity.")]
Identities = Annotated[list[str], typer.Argument(metavar="IDENTITY…", help="The participants' identities.")]
Only = Annotated[
    str | None, typer.Argument(metavar="[IDENTITY]", help="Only this one, with attributes and metadata.")
]
TrackSid = Annotated[str | None, typer.Option("--track", metavar="SID", help="This track alone, by its id.")]
Mic = Annotated[bool, typer.Option("--mic", help="Every microphone.")]
Camera = Annotated[bool, typer.Option("--camera", help="Every camera.")]
Screen = Annotated[bool, typer.Option("--screen", help="Every shared screen, and its sound.")]
Unmute = Annotated[
    bool, typer.Option("--unmute", help="Unmute instead, where the server allows that at all.")
]


@participants_app.command("list")
def list_participants(room: Room, identity: Only = None, url: Url = None, json: AsJson = False) -> None:
    """List who is in a room, hidden participants too, and what each publishes.

    Example: meetctl participants list standup
    """
    from meetctl.cli.participants_run import run_list

    run_list(room, identity, url=url, json=json)


@participants_app.command()
def remove(
    room: Room, identities: Identities, yes: Yes = False, url: Url = None, json: AsJson = False
) -> None:
    """Put participants out of a room; whoever has a token may join again.

    Example: meetctl participants remove standup maya
    """
    from meetctl.cli.participants_run import run_remove

    run_remove(room, identities, yes=yes, url=url, json=json)


@participants_app.command()
def mute(
    room: Room,
    identity: Identity,
    track: TrackSid = None,
    mic: Mic = False,
    camera: Camera = False,
    screen: Screen = False,
    unmute: Unmute = False,
    url: Url = None,
    json: AsJson = False,
) -> None:
    """Mute what a participant publishes: one track, or all of a kind.

    Example: meetctl participants mute standup maya --mic
    """
    from meetctl.cli.participants_run import run_mute

    run_mute(
        room,
        identity,
        track=track,
        kinds=[kind for kind, wanted in (("mic", mic), ("camera", camera), ("screen", screen)) if wanted],
        muted=not unmute,
        url=url,
        json=json,
    )
