"""The process of the offline providers: one HTTP server on loopback, until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import closing
from typing import TYPE_CHECKING

from aiohttp import web

from meetctl.errors import OutputError, UsageError
from meetctl.stack.offline.cartesia import Cartesia
from meetctl.stack.offline.connections import ProtocolError, cut_dropped_connections, read_json
from meetctl.stack.offline.deepgram import Deepgram
from meetctl.stack.offline.ears import Ears
from meetctl.stack.offline.faults import Fault, FaultPlan, build_fault
from meetctl.stack.offline.narrator import Narrator
from meetctl.stack.offline.openai import OpenAI
from meetctl.stack.offline.rime import Rime
from meetctl.stack.offline.services import OfflineServices
from meetctl.stack.offline.usage_meter import UsageMeter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from meetctl.ports import Clock, PriceBook

HOST = "127.0.0.1"
LARGEST_BODY = 64 << 20
"""Bytes; a request may carry several images."""
FAREWELL_S = 1.0
"""How long answers and conversations that are under way may take to end; then they are cut."""


class Controls:
    """What the providers were asked for, and the faults they have."""

    def __init__(self, services: OfflineServices) -> None:
        self._services = services

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.get("/health", self._show_health),
            web.get("/usage", self._show_usage),
            web.get("/faults", self._show_faults),
            web.post("/faults", self._add_fault),
            web.delete("/faults", self._clear_faults),
        ]

    async def _show_health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _show_usage(self, _request: web.Request) -> web.Response:
        return web.json_response(self._services.meter.document())

    async def _show_faults(self, _request: web.Request) -> web.Response:
        return web.json_response({"faults": self._services.faults.describe()})

    async def _add_fault(self, request: web.Request) -> web.Response:
        try:
            body = await read_json(request)
            if not isinstance(body, dict):
                raise ProtocolError("a fault is a JSON object")
            self._services.faults.add(build_fault(body, where="the fault"))
        except (ProtocolError, UsageError) as error:
            return web.json_response({"error": error.message, "hint": error.hint}, status=400)
        return web.json_response({"faults": self._services.faults.describe()}, status=201)

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._services.faults.clear()
        return web.json_response({"faults": []})


async def serve(
    *,
    clock: Clock,
    book: PriceBook,
    port: int,
    ready_file: Path | None,
    phrases: Sequence[str],
    faults: Sequence[Fault],
) -> signal.Signals:
    """Serve until SIGTERM or SIGINT, and return which it was.

    `port` 0 takes a free one. Once requests are answered, `ready_file` gets `{"url": "http://127.0.0.1:PORT"}`,
    whole or not at all; it is gone again when the process ends.

    Raises:
        UsageError: A package of the extra `local` is missing, a phrase cannot be recognized, or the port
            is taken.
        OutputError: The ready file cannot be written.
    """
    stopped: asyncio.Future[signal.Signals] = asyncio.get_running_loop().create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _stop, stopped, number)
    plan = FaultPlan()
    for fault in faults:
        plan.add(fault)
    with closing(Narrator()) as narrator:
        async with Ears(phrases) as ears:
            services = OfflineServices(
                clock=clock, book=book, ears=ears, narrator=narrator, faults=plan, meter=UsageMeter()
            )
            runner = web.AppRunner(_build_app(services), access_log=None, shutdown_timeout=FAREWELL_S)
            await runner.setup()
            try:
                url = await _listen(runner, port)
                if ready_file is not None:
                    _announce(ready_file, url)
                return await stopped
            finally:
                _withdraw(ready_file)
                await runner.cleanup()


def _build_app(services: OfflineServices) -> web.Application:
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[cut_dropped_connections])
    for part in (Controls, OpenAI, Deepgram, Cartesia, Rime):
        app.add_routes(part(services).routes())
    return app


async def _listen(runner: web.AppRunner, port: int) -> str:
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as error:
        raise UsageError(
            f"--port {port}: cannot be listened on ({error.strerror})",
            hint="use another, or 0 for a free one",
        ) from error
    return f"http://{HOST}:{runner.addresses[0][1]}"


def _announce(path: Path, url: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(json.dumps({"url": url}) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"--ready-file {path}: cannot be written ({error.strerror})") from error


def _withdraw(path: Path | None) -> None:
    """Remove the ready file, so that nobody looks for providers that have gone."""
    if path is not None:
        path.unlink(missing_ok=True)


def _stop(stopped: asyncio.Future[signal.Signals], number: signal.Signals) -> None:
    if not stopped.done():
        stopped.set_result(number)
