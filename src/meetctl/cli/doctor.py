"""`meetctl doctor`: everything that meetings need, examined without spending anything."""

from __future__ import annotations

from typing import Annotated

import typer

from meetctl.cli.agent_options import Environment
from meetctl.cli.options import AsJson, Url

Where = Annotated[
    Environment | None,
    typer.Option("--environment", help="Development or production; as configured if not given."),
]
# Without its variable: a file that cannot be read is a finding here, and no reason to find nothing.
AgentName = Annotated[
    str | None,
    typer.Option(
        "--agent-name",
        metavar="NAME",
        help="The name that dispatches ask for; as configured if not given.",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="CHECK", help="Make this check alone. May be repeated."),
]


def doctor(
    context: typer.Context,
    only: Only = None,
    environment: Where = None,
    url: Url = None,
    agent_name: AgentName = None,
    json: AsJson = False,
) -> None:
    """Check everything that meetings need: configuration, server, workers, media, backend, prices, disk.

    No provider is asked for anything. Exit 2 when the configuration is wrong, 3 when a service failed, 1 when
    something of this machine did.

    Example: meetctl doctor
    """
    from meetctl.cli.config import find_defaults
    from meetctl.cli.doctor_run import run_doctor

    run_doctor(
        only=only or (),
        environment=None if environment is None else environment.value,
        url=url,
        agent_name=agent_name,
        defaults=find_defaults(context.find_root().command),
        json=json,
    )
