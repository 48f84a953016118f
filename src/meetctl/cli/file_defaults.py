"""The configuration files' values as defaults of options, weaker than an option's variable."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from meetctl.core.variables import VARIABLES, Form
from meetctl.errors import MeetctlError

if TYPE_CHECKING:
    from collections.abc import Callable

    from meetctl.core.values import Values


class FileDefaults:
    """What Typer asks for the default of each option of a command, as it asks a dictionary.

    Files are read when an option that has a variable is asked for, and only then.
    """

    def __init__(self, command: Any, read_values: Callable[[], Values], *, is_lenient: bool = False) -> None:
        """`is_lenient` is for help, which is shown even where a file is wrong."""
        self._command = command
        self._read_values = read_values
        self._is_lenient = is_lenient

    def get(self, name: str) -> object:
        """Return the defaults of a command below this one, or an option's value; None where no file has one.

        Raises:
            UsageError: A file is wrong, or its value is.
        """
        if name in getattr(self._command, "commands", {}):
            child = self._command.commands[name]
            return FileDefaults(child, self._read_values, is_lenient=self._is_lenient)
        variables = [option.envvar for option in self._command.params if option.name == name]
        if not variables or variables[0] not in VARIABLES:
            return None
        try:
            found = self._read_values().find_good(variables[0])
        except MeetctlError:
            if self._is_lenient:
                return None
            raise
        return None if found is None else _split(VARIABLES[variables[0]].form, found.value)


def _split(form: Form, text: str) -> str | list[str]:
    match form:
        case Form.NAMES:
            return text.split()
        case Form.PATHS:
            return text.split(os.pathsep)
    return text
