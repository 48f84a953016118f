"""Where commands find what they are configured with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from meetctl.cli.diagnostics import warn
from meetctl.core.config import KEY_VARIABLES, Sources, find_livekit, read_values
from meetctl.core.config_files import find_files, read_files
from meetctl.core.lk_config import lk_path
from meetctl.core.local_stack import read_stack, stack_directory
from meetctl.core.offers import find_offer
from meetctl.core.places import config_directory
from meetctl.core.sources import LIVEKIT_VARIABLES
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from meetctl.core.config_files import ConfigFiles
    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.core.settings import Environment
    from meetctl.core.values import Values


def read_config_files() -> ConfigFiles:
    """Read the configuration files; what is wrong with them is in them."""
    return read_files(find_files(os.environ, Path.cwd(), config_directory()), os.environ)


def find_sources(*, url: str | None = None, environment: Environment | None = None) -> Sources:
    """Return everything that values are looked for in, strongest first.

    `url` is the option's value; without `environment` it is as configured. Warns of secrets that others may
    read, and of variables of the environment that go before the chosen profile.

    Raises:
        UsageError: A configuration file is wrong, none has the chosen profile, or the environment is neither
            development nor production.
    """
    files = read_config_files()
    files.check()
    warn_of_files(files)
    sources = make_sources(files, url=url, environment=environment)
    if environment is None:
        sources.values.find_good("MEETCTL_ENV")
    return sources


def make_sources(
    files: ConfigFiles, *, url: str | None = None, environment: Environment | None = None
) -> Sources:
    """Return what `find_sources` does, from files that have been read, as far as they are good.

    Where the environment is neither development nor production, it is taken for development.
    """
    values = read_values(os.environ, url=url, files=files.layers())
    return Sources(
        values=values,
        environment=environment or _find_environment(values),
        stack=read_stack(stack_directory()),
        lk_file=lk_path() if files.allows_lk else None,
    )


def _find_environment(values: Values) -> Environment:
    try:
        found = values.find_good("MEETCTL_ENV")
    except UsageError:
        found = None
    return cast("Environment", found.value.lower()) if found else "development"


def find_server(url: str | None = None) -> LiveKitAccess:
    """Return the LiveKit server that a command is for, and a key to it.

    Raises:
        UsageError: There is none, or its key or secret is missing.
    """
    return find_livekit(find_sources(url=url))


def find_server_if_any(url: str | None = None) -> LiveKitAccess | None:
    """Return the LiveKit server that a command may use, and a key to it; None where nothing names one.

    Raises:
        UsageError: One is named, and its key or secret is missing.
    """
    sources = find_sources(url=url)
    if find_offer(sources) is None and not any(map(sources.values.get, LIVEKIT_VARIABLES)):
        return None
    return find_livekit(sources)


def find_keys() -> dict[str, str]:
    """Return the providers' keys that are set, and where OpenAI's API is, by the names of their variables.

    Raises:
        UsageError: A configuration file is wrong.
    """
    values = find_sources().values
    found = {name: values.get(name) for name in (*KEY_VARIABLES.values(), "OPENAI_BASE_URL")}
    return {name: value for name, value in found.items() if value}


def warn_of_files(files: ConfigFiles) -> None:
    """Warn of secrets that others may read, and of what goes before the chosen profile."""
    for file in files.files:
        if file.exposed_keys:
            keys = ", ".join(file.exposed_keys)
            warn(f"{file.label} holds {keys} in plain text, and others may read it; `chmod 600` it")
    for name in files.overridden_names(os.environ):
        warn(f"{name} of the environment goes before that of profile {files.profile}")
