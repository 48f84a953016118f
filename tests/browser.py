"""A real browser, driven through its DevTools protocol: Chromium without a window."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HANG_S = 60
"""After this a page is taken for hung; none measures time by it."""
QUIET_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
"""A browser without a window that asks nobody for anything by itself."""
_OPTIONS = (
    *QUIET_OPTIONS,
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
    "--window-size=1200,700",
)


_LISTENING = re.compile(rb"listening on ws://127\.0\.0\.1:(\d+)/")


class Page:
    """One page of the browser."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        self._connection = connection
        self._asked = 0

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol, and return its result."""
        self._asked += 1
        number = self._asked
        await self._connection.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = json.loads((await self._connection.receive(timeout=HANG_S)).data)
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    async def wait_until(self, condition: str) -> None:
        """Wait until an expression of the page is true."""
        looking = (
            f"new Promise(done => {{const look = () => {condition} ? done() : setTimeout(look, 50); look()}})"
        )
        async with asyncio.timeout(HANG_S):
            await self.call("Runtime.evaluate", expression=looking, awaitPromise=True)

    async def picture(self) -> bytes:
        """Return the page as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])


@asynccontextmanager
async def open_page(chromium: str, address: str, profile: Path) -> AsyncIterator[Page]:
    """Show an address, and end the browser afterwards."""
    process = await asyncio.create_subprocess_exec(
        chromium,
        *_OPTIONS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        port = await _find_port(process.stderr)
        draining = asyncio.create_task(process.stderr.read())
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [one for one in await answer.json() if one["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as connection:
                page = Page(connection)
                await page.call("Page.navigate", url=address)
                yield page
    finally:
        process.terminate()
        await process.wait()
    await draining


async def _find_port(said: asyncio.StreamReader) -> str:
    """Return the port that the browser says it listens on."""
    async with asyncio.timeout(HANG_S):
        async for line in said:
            if found := _LISTENING.search(line):
                return found[1].decode()
    raise AssertionError("the browser ended")
