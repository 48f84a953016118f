"""`meetctl tui --serve`: who gets an answer, and that a real browser shows the dashboard."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.browser import open_page

PASSWORD = "open sesame"  # of this test only
NO_PASSWORD: dict[str, str] = {}


@contextmanager
def serving(sessions: Path, environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve a dashboard on a free port, and give its process and address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "meetctl", "tui", "--serve", "--port", str(port), "--sessions", str(sessions)],
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    try:
        assert f"127.0.0.1:{port}" in process.stderr.readline()
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate()


def ask(address: str, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{address}{path}", headers=headers, trust_env=False)


@pytest.mark.parametrize("path", ["/", "/ws", "/static/js/textual.js", "/download/x", "/nowhere"])
def test_nothing_answers_without_the_password(tmp_path: Path, path: str) -> None:
    wrong = "Basic " + base64.b64encode(b"x:wrong").decode()
    with serving(tmp_path, {"MEETCTL_TUI_PASSWORD": PASSWORD}) as (_, address):
        assert ask(address, path).status_code == 401
        assert ask(address, path, Authorization=wrong).status_code == 401
        assert ask(address, path, Authorization="Basic ???").status_code == 401


def test_the_password_opens_the_page_and_its_cookie_the_rest(tmp_path: Path) -> None:
    with (
        serving(tmp_path, {"MEETCTL_TUI_PASSWORD": PASSWORD}) as (_, address),
        httpx.Client(trust_env=False) as client,
    ):
        page = client.get(address, auth=("anybody", PASSWORD))
        assert page.status_code == 200
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        assert client.get(f"{address}/static/js/textual.js").status_code == 200


def test_pages_of_others_get_no_answer(tmp_path: Path) -> None:
    with serving(tmp_path, NO_PASSWORD) as (_, address):
        assert ask(address, "/").status_code == 200
        assert ask(address, "/ws", Origin="http://evil.example").status_code == 403
        assert ask(address, "/", Host="evil.example").status_code == 403


def test_sigterm_ends_it_well(tmp_path: Path) -> None:
    with serving(tmp_path, NO_PASSWORD) as (process, _):
        process.terminate()
        assert process.wait(60) == 0


def test_a_taken_port_is_said(tmp_path: Path, meetctl: Callable[..., Any]) -> None:
    with serving(tmp_path, NO_PASSWORD) as (_, address):
        port = address.rpartition(":")[2]
        done = meetctl("tui", "--serve", "--port", port, "--sessions", tmp_path)
    assert done.returncode == 3
    assert "it is taken" in done.stderr


def test_a_browser_shows_it(tmp_path: Path, require_tool: Callable[[str], str]) -> None:
    chromium = require_tool("chromium")

    async def look(address: str) -> bytes:
        async with open_page(chromium, address, tmp_path / "profile") as page:
            await page.wait_until("document.body.classList.contains('-first-byte')")
            return await page.picture()

    sessions = tmp_path / "sessions"
    sessions.mkdir()
    with serving(sessions, {"MEETCTL_TUI_PASSWORD": PASSWORD}) as (_, address):
        picture = asyncio.run(look(address.replace("//", "//x:open%20sesame@")))
    assert picture.startswith(b"\x89PNG")
