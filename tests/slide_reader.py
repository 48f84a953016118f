"""A model that reads what is on the screen, for tests: the offline one, which is told the slide's words."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LARGEST_REQUEST = 64 << 20


class SlideReader:
    """Passes requests on to a provider; to those with pictures it adds what stands on the slide."""

    def __init__(self, target: str, http: ClientSession) -> None:
        self.slide = ""
        """What is on the screen; empty for nothing to read."""
        self.tools: list[set[str]] = []
        """The names of the tools that each request offered."""
        self.url = ""
        self._target = target
        self._http = http

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        body: dict[str, Any] = json.loads(await request.read())
        self.tools.append({tool["function"]["name"] for tool in body.get("tools", [])})
        last = body["messages"][-1]
        if self.slide and last["role"] == "user" and "image_url" in json.dumps(body["messages"]):
            last["content"] = f"{last['content']} {self.slide}"
        answer = web.StreamResponse()
        async with self._http.post(
            f"{self._target}{request.path}", json=body, headers={"Authorization": "Bearer sk-reader"}
        ) as response:
            answer.set_status(response.status)
            answer.content_type = response.content_type
            await answer.prepare(request)
            async for piece in response.content.iter_any():
                await answer.write(piece)
        await answer.write_eof()
        return answer


@asynccontextmanager
async def run_slide_reader(target: str) -> AsyncIterator[SlideReader]:
    """Serve it in front of the providers at `target`."""
    async with ClientSession() as http:
        reader = SlideReader(target, http)
        app = web.Application(client_max_size=LARGEST_REQUEST)
        app.router.add_post("/v1/chat/completions", reader.answer)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            host, port = runner.addresses[0][:2]
            reader.url = f"http://{host}:{port}/v1"
            yield reader
        finally:
            await runner.cleanup()
