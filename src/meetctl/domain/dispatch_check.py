"""A dispatch that only asks whether somebody takes it: what it says, and how it is told from a real one."""

from __future__ import annotations

import json

CHECK_METADATA = '{"meetctl.check": true}'
"""The metadata of such a dispatch. Our agent takes its job, does nothing, and never joins the room."""

ROOM_PREFIX = "meetctl-doctor-"
"""How the names of the rooms begin that are made for checks."""


def is_check(metadata: str) -> bool:
    """Tell whether a dispatch with this metadata only asks whether somebody takes it.

    >>> is_check(CHECK_METADATA), is_check('{"tenant": "acme"}'), is_check("[")
    (True, False, False)
    """
    try:
        wanted = json.loads(metadata) if metadata.strip() else None
    except (ValueError, RecursionError):
        return False
    return isinstance(wanted, dict) and wanted.get("meetctl.check") is True
