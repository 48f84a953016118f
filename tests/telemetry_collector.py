"""A collector of OpenTelemetry data on this machine, which keeps what it was sent by OTLP over HTTP."""

from __future__ import annotations

import asyncio
import gzip
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.metrics.v1.metrics_pb2 import NumberDataPoint
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource
    from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """What was sent."""

    def __init__(self) -> None:
        self.url = ""
        self.traces: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []

    async def take(self, request: web.Request) -> web.Response:
        """Keep one request's data."""
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip" and body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        if request.path == "/v1/traces":
            self.traces.append(ExportTraceServiceRequest.FromString(body))
        elif request.path == "/v1/metrics":
            self.metrics.append(ExportMetricsServiceRequest.FromString(body))
        else:
            return web.Response(status=404)
        return web.Response(content_type="application/x-protobuf")

    @property
    def spans(self) -> list[Span]:
        """Every span that has come."""
        return [
            span
            for request in self.traces
            for part in request.resource_spans
            for scope in part.scope_spans
            for span in scope.spans
        ]

    @property
    def resources(self) -> list[dict[str, str]]:
        """Who sent each part."""
        parts: list[Resource] = [
            part.resource for request in self.traces for part in request.resource_spans
        ] + [part.resource for request in self.metrics for part in request.resource_metrics]
        return [{one.key: one.value.string_value for one in part.attributes} for part in parts]

    def points(self, name: str) -> list[NumberDataPoint]:
        """Every value of a counter that has come."""
        return [
            point
            for request in self.metrics
            for part in request.resource_metrics
            for scope in part.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.sum.data_points
        ]

    def text(self) -> str:
        """Return everything that has come, as JSON."""
        return "\n".join(MessageToJson(request) for request in [*self.traces, *self.metrics])


@contextmanager
def run_collector() -> Iterator[Collector]:
    """Run a collector on a free port, on a loop of its own."""
    collector = Collector()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="collector")
    thread.start()

    async def start() -> web.AppRunner:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/{path:.*}", collector.take)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        collector.url = f"http://{host}:{port}"
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield collector
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
