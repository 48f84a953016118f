"""The options of `meetctl token`; those that LiveKit's `lk token create` has too are called as there."""

from __future__ import annotations

from typing import Annotated

import typer

from meetctl.domain.tokens import TokenPurpose

Purpose = Annotated[
    TokenPurpose | None,
    typer.Option("--for", help="Grant what this one needs; a participant where no right is named."),
]
Room = Annotated[str, typer.Option("--room", "-r", metavar="ROOM", help="The room that it is for.")]
Identity = Annotated[
    str,
    typer.Option("--identity", "-i", metavar="ID", help="Who its holder is; made up if not given."),
]
Name = Annotated[
    str, typer.Option("--name", "-n", metavar="NAME", help="What others see; the identity if not given.")
]
Join = Annotated[bool, typer.Option("--join", help="May join the room.")]
Admin = Annotated[bool, typer.Option("--admin", help="May administer the room.")]
Create = Annotated[bool, typer.Option("--create", help="May create and delete rooms.")]
ListRooms = Annotated[bool, typer.Option("--list", help="May list all rooms.")]
Egress = Annotated[bool, typer.Option("--egress", help="May record rooms with LiveKit's egress.")]
Ingress = Annotated[bool, typer.Option("--ingress", help="May manage LiveKit's ingress.")]
Inference = Annotated[bool, typer.Option("--inference", help="May use models of LiveKit Inference.")]
RegisterAgent = Annotated[bool, typer.Option("--register-agent", help="May register as a worker of agents.")]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-source",
        metavar="SOURCE",
        help="May publish only camera, microphone, screen_share or screen_share_audio; repeatable.",
    ),
]
NoPublish = Annotated[bool, typer.Option("--no-publish", help="May publish neither audio nor video.")]
NoSubscribe = Annotated[bool, typer.Option("--no-subscribe", help="May not see or hear others.")]
NoData = Annotated[bool, typer.Option("--no-data", help="May send no messages.")]
Hidden = Annotated[bool, typer.Option("--hidden", help="Is seen by nobody in the room.")]
UpdateMetadata = Annotated[
    bool,
    typer.Option("--allow-update-metadata", help="May change its own name, metadata and attributes."),
]
Metadata = Annotated[
    str, typer.Option("--metadata", metavar="TEXT", help="The participant's metadata, often JSON.")
]
Attributes = Annotated[
    list[str] | None,
    typer.Option("--attribute", metavar="KEY=VALUE", help="An attribute of the participant; repeatable."),
]
Agent = Annotated[
    str,
    typer.Option(
        "--agent",
        metavar="NAME",
        help="The agent that comes, too, when its holder makes the room by joining.",
    ),
]
AgentMetadata = Annotated[
    str,
    typer.Option("--agent-metadata", "--job-metadata", metavar="JSON", help="What that agent is given."),
]
Deployment = Annotated[
    str,
    typer.Option("--deployment", metavar="NAME", help="Which deployment of it, on LiveKit Cloud."),
]
ValidFor = Annotated[
    str, typer.Option("--valid-for", metavar="SPAN", help="How long it is valid, such as 30m or 6h.")
]
RawGrant = Annotated[
    str,
    typer.Option("--grant", metavar="JSON", help="Fields of LiveKit's video grant, over all other options."),
]
Open = Annotated[
    bool, typer.Option("--open", help="Print a link that joins the room in a browser instead of the token.")
]

Token = Annotated[
    str | None,
    typer.Argument(metavar="[TOKEN]", help="A token, or a text or link that holds one; - or none for stdin."),
]
ExplainedPurpose = Annotated[
    TokenPurpose | None, typer.Option("--for", help="What it should be for; guessed if not given.")
]
Check = Annotated[
    bool,
    typer.Option(
        "--check", help="Exit 4 when it is not valid, lacks something, or its signature does not fit."
    ),
]
