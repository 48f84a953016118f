"""Values that must not leave a meeting, each with a mark by which it is found wherever it went."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

MARK = "zq7xk4vw"
"""Every marked value holds it, and nothing else does."""

SAID = f"my salary is {MARK}ninety thousand"
"""What a person said."""
NAME = f"{MARK}Maya Lindqvist"
"""A person's name."""
IDENTITY = f"{MARK}maya-lindqvist"
API_KEY = f"sk-{MARK}apikey0123456789"
API_SECRET = f"{MARK}secret-of-livekit-0123456789"
BACKEND_KEY = f"{MARK}backend-key-0123456789"
SHOWN = f"{MARK}quarterly figures"
"""What stood on a shared screen."""
PICTURE = f"{MARK}jpeg-of-a-screen".encode()
"""What stands for a frame's bytes."""


def _part(document: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


JWT = f"{_part({'alg': 'HS256'})}.{_part({'sub': 'somebody'})}.{MARK}-signature"

MARKED = (SAID, NAME, IDENTITY, API_KEY, API_SECRET, BACKEND_KEY, SHOWN, JWT)
"""Every marked text."""


def search(where: Path | str | bytes) -> list[str]:
    """Return where a marked value is found: in a text, a file, or every file below a directory.

    A value is found as it is, as JSON and as an address write it, and in base64, which frames are sent in.
    """
    if isinstance(where, Path):
        files = sorted(path for path in where.rglob("*") if path.is_file()) if where.is_dir() else [where]
        return [f"{path}: {found}" for path in files for found in search(path.read_bytes())]
    content = where.encode(errors="surrogateescape") if isinstance(where, str) else where
    return [name for name, form in _forms().items() if form in content]


def _forms() -> dict[str, bytes]:
    """Return each form that is searched for, by a name that can be shown."""
    forms = {"the mark": MARK.encode()}
    for value in MARKED:
        forms[f"{value!r} in an address"] = quote(value).encode()
    for offset in range(3):
        # What stands before a value shifts how base64 writes it.
        for content in (*[text.encode() for text in MARKED], PICTURE):
            encoded = base64.b64encode(b"\0" * offset + content)
            forms[f"{content!r} in base64, shifted by {offset}"] = encoded[4:-4]
    return forms
