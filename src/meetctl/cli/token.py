"""`meetctl token`: makes a LiveKit token, or says what one is good for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from meetctl.cli import token_options as options
from meetctl.cli.options import AsJson, Url
from meetctl.errors import CheckFailedError, UsageError

if TYPE_CHECKING:
    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.domain.tokens import TokenOrder
    from meetctl.services.tokens import MintedToken

token_app = typer.Typer(
    help="Make access tokens of a LiveKit server, and explain them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@token_app.command()
def mint(
    purpose: options.Purpose = None,
    room: options.Room = "",
    identity: options.Identity = "",
    name: options.Name = "",
    join: options.Join = False,
    admin: options.Admin = False,
    create: options.Create = False,
    list_rooms: options.ListRooms = False,
    egress: options.Egress = False,
    ingress: options.Ingress = False,
    inference: options.Inference = False,
    register_agent: options.RegisterAgent = False,
    sources: options.Sources = None,
    no_publish: options.NoPublish = False,
    no_subscribe: options.NoSubscribe = False,
    no_data: options.NoData = False,
    hidden: options.Hidden = False,
    update_metadata: options.UpdateMetadata = False,
    metadata: options.Metadata = "",
    attributes: options.Attributes = None,
    agent: options.Agent = "",
    agent_metadata: options.AgentMetadata = "",
    deployment: options.Deployment = "",
    valid_for: options.ValidFor = "6h",
    grant: options.RawGrant = "",
    as_link: options.Open = False,
    url: Url = None,
    json: AsJson = False,
) -> None:
    """Make a token. It alone goes to stdout; whose it is, and warnings, go to stderr.

    Example: meetctl token mint --room standup --identity maya --valid-for 1h
    """
    from meetctl import bootstrap
    from meetctl.cli.configuration import find_server
    from meetctl.cli.token_order import TokenWishes, make_order
    from meetctl.services.tokens import mint_token

    wishes = TokenWishes(
        purpose=purpose,
        room=room,
        identity=identity,
        name=name,
        rights={
            "room_join": join,
            "room_admin": admin,
            "room_create": create,
            "room_list": list_rooms,
            "room_record": egress,
            "ingress_admin": ingress,
            "agent": register_agent,
        },
        changes={
            "hidden": hidden or None,
            "can_update_own_metadata": update_metadata or None,
            "can_publish": False if no_publish else None,
            "can_subscribe": False if no_subscribe else None,
            "can_publish_data": False if no_data else None,
        },
        sources=tuple(sources or ()),
        inference=inference,
        metadata=metadata,
        attributes=tuple(attributes or ()),
        agent=agent,
        agent_metadata=agent_metadata,
        deployment=deployment,
        valid_for=valid_for,
        grant=grant,
    )
    order = make_order(wishes)
    access = find_server(url)
    minted = mint_token(order, bootstrap.token_signer(access), bootstrap.system_clock())
    _print_minted(minted, order, access, as_link=as_link, json=json)


def _print_minted(
    minted: MintedToken, order: TokenOrder, access: LiveKitAccess, *, as_link: bool, json: bool
) -> None:
    """Print the token, or what was asked for instead; everything else goes to stderr."""
    from meetctl.cli.diagnostics import note, warn
    from meetctl.cli.output import print_data, print_json
    from meetctl.domain.tokens import find_page_obstacle, meeting_link
    from meetctl.reports.minted_token import describe_minted, minted_document, minted_warnings

    link = meeting_link(access.url, minted.text) if order.grants.room_join else None
    if as_link and not link:
        raise UsageError("--open needs the right to join a room: --join, or --for")
    for warning in minted_warnings(order, minted.claims, access.api_secret):
        warn(warning)
    if as_link and (obstacle := find_page_obstacle(access.url)):
        warn(f"of the link: {obstacle}")
    if json:
        print_json(minted_document(minted.text, order, minted.claims, url=access.url, link=link))
        return
    note(describe_minted(order, minted.claims))
    print_data(f"{link if as_link else minted.text}\n")


@token_app.command()
def explain(
    token: options.Token = None,
    purpose: options.ExplainedPurpose = None,
    check: options.Check = False,
    url: Url = None,
    json: AsJson = False,
) -> None:
    """Say what a token is good for, until when, what it lacks, and what is dangerous about it.

    Example: meetctl token mint --room standup | meetctl token explain
    """
    from meetctl import bootstrap
    from meetctl.cli.diagnostics import warn
    from meetctl.cli.output import print_json, print_lines
    from meetctl.domain.token_text import find_token
    from meetctl.domain.tokens import find_weakness
    from meetctl.reports.token_explanation import explanation_document, explanation_lines
    from meetctl.services import tokens

    decoded = find_token(token if token not in (None, "-") else _read_stdin(is_asked_for=token == "-"))
    access = _find_key(url)
    explanation = tokens.explain(
        decoded,
        purpose=purpose,
        signer=bootstrap.token_signer(access) if access else None,
        clock=bootstrap.system_clock(),
    )
    if json:
        print_json(explanation_document(explanation))
    else:
        print_lines(explanation_lines(explanation, access.api_key if access else None))
    if access and explanation.signature == "fits" and (weakness := find_weakness(access.api_secret)):
        warn(f"LIVEKIT_API_SECRET {weakness}: with it anybody can make tokens of their own")
    if check and explanation.problems:
        raise CheckFailedError(f"the token will not do: {'; '.join(explanation.problems)}")


def _find_key(url: str | None) -> LiveKitAccess | None:
    """Return the configured server; where there is none a token can be explained all the same."""
    from meetctl.cli.configuration import find_server
    from meetctl.cli.diagnostics import note

    try:
        return find_server(url)
    except UsageError as error:
        note(f"the signature is not checked: {error.message}")
        return None


def _read_stdin(*, is_asked_for: bool) -> str:
    """Return what stdin holds; a terminal is read only when it is asked for.

    Raises:
        UsageError: There is nothing to read.
    """
    from meetctl.domain.token_text import LONGEST_TEXT

    if sys.stdin is None or (sys.stdin.isatty() and not is_asked_for):
        raise UsageError("there is no token", hint="give one as the argument, or on stdin")
    return sys.stdin.buffer.read(LONGEST_TEXT + 1).decode(errors="replace")
