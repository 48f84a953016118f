"""The table of docs/configuration.md: everything that meetctl can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.markdown import table
from meetctl.core.variables import VARIABLES, Form

if TYPE_CHECKING:
    from docs.commands import Commands

_FORMS = {
    Form.TEXT: "",
    Form.NUMBER: "",
    Form.FLAG: "true or false",
    Form.NAMES: "list",
    Form.PATH: "path",
    Form.PATHS: "list of paths",
    Form.TABLE: "table",
}


def variables_table(_: Commands) -> str:
    """Return a row for each variable: its name, its key and form in files, its option, its purpose."""
    rows = []
    for variable in VARIABLES.values():
        form = f" ({_FORMS[variable.form]})" if _FORMS[variable.form] else ""
        option = f"`{variable.option}`" if variable.option else ""
        rows.append((f"`{variable.name}`", f"`{variable.key}`{form}", option, variable.purpose))
    return table(("variable", "key in files", "option", "is"), rows, right_from=4)
