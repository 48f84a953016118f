"""Where commands find what they are configured with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from meetctl.core.config import Sources, find_livekit, read_values
from meetctl.core.local_stack import read_stack, stack_directory

if TYPE_CHECKING:
    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.core.settings import Environment


def find_sources(*, url: str | None = None, environment: Environment = "development") -> Sources:
    """Return everything that values are looked for in, strongest first; `url` is the option's value."""
    return Sources(
        values=read_values(os.environ, url=url),
        environment=environment,
        stack=read_stack(stack_directory()),
    )


def find_server(url: str | None = None) -> LiveKitAccess:
    """Return the LiveKit server that a command is for, and a key to it.

    Raises:
        UsageError: There is none, or its key or secret is missing.
    """
    return find_livekit(find_sources(url=url))
