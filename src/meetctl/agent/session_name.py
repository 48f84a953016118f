"""What a session is called, and its bundle's directory."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 40


def name_session(room: str, at: datetime) -> str:
    """Return a new session's id: when, where, and a little chance.

    It is a directory's name too, so a room's odd characters are left out of it.
    """
    place = _UNSAFE.sub("-", room).strip("-.")[:_LONGEST_NAME] or "room"
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{place}-{secrets.token_hex(3)}"
