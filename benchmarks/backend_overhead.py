"""Measures what the backend's client adds to a bare httpx call, against a real tRPC server on this machine.

    .venv/bin/python benchmarks/backend_overhead.py [--quick]

Both sides ask the same server the same things over one kept connection each, in turn. The bare side sends
prepared bytes and reads the JSON of the answer; the client also writes its input, watches the time, the
circuit and the repetitions, and checks the answer's shape.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from measure import machine, markdown_table, report
from meetctl.adapters.backend_trpc import TrpcBackend
from meetctl.adapters.backend_trpc.inputs import write_usage
from meetctl.adapters.system_clock import SystemClock
from meetctl.adapters.trpc_codec import write_body, write_query
from meetctl.domain.tenancy import Tenant, UsageRecord

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.backend_peer import Peer

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 40
QUICK_ROUNDS = 3
CALLS = 50
"""Of each side in one round."""
WARM_UP_CALLS = 100
RECORDS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The same question, asked barely and through the client."""

    name: str
    bare: Callable[[], Awaitable[Any]]
    client: Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCost:
    """What one call took, as the mean of a round."""

    wall_us: float
    cpu_us: float
    """Of this process: the server's is its own."""


def make_records() -> list[UsageRecord]:
    """Return usage as a meeting reports it; the server keeps each key once, however often it is sent."""
    return [
        UsageRecord(
            key=f"session:{number}",
            session_id="session",
            room="board",
            at="2026-11-22T09:00:00.000000Z",
            kind="llm.request",
            provider="openai",
            model="gpt-4.1",
            quantities={"input_tokens": Decimal(5500 + number), "output_tokens": Decimal(61)},
            usd=Decimal("0.011488"),
            basis="reported",
        )
        for number in range(RECORDS)
    ]


async def time_calls(call: Callable[[], Awaitable[Any]], count: int) -> CallCost:
    """Return what one of `count` calls cost, made one after the other."""
    wall_ns, cpu_ns = time.perf_counter_ns(), time.process_time_ns()
    for _ in range(count):
        await call()
    return CallCost(
        wall_us=(time.perf_counter_ns() - wall_ns) / count / 1000,
        cpu_us=(time.process_time_ns() - cpu_ns) / count / 1000,
    )


def make_pairs(peer: Peer, bare: httpx.AsyncClient, backend: TrpcBackend) -> list[Pair]:
    """Return the questions that are asked both ways."""
    records = make_records()
    query = write_query({"roomName": "board"}, peer.transformer)
    tenant_url = f"{peer.url}/trpc/livekit.getTenantByRoom?{query}"
    usage_url = f"{peer.url}/trpc/livekit.trackUsage"
    written = {"tenantId": "acme", "events": [write_usage(record) for record in records]}
    usage = write_body(written, peer.transformer)

    async def ask_tenant() -> None:
        (await bare.get(tenant_url)).raise_for_status().json()

    async def send_usage() -> None:
        (await bare.post(usage_url, content=usage)).raise_for_status().json()

    return [
        Pair(name="whose room it is", bare=ask_tenant, client=lambda: backend.get_tenant_by_room("board")),
        Pair(
            name=f"{RECORDS} records of usage",
            bare=send_usage,
            client=lambda: backend.track_usage("acme", records),
        ),
    ]


async def measure(peer: Peer, rounds: int) -> dict[str, list[tuple[CallCost, CallCost]]]:
    """Return the costs of every round, bare and through the client, by question."""
    peer.set_tenant("board", Tenant(id="acme", tier="enterprise"))
    headers = {"Authorization": f"Bearer {peer.key}", "Content-Type": "application/json"}
    async with AsyncExitStack() as stack:
        bare = await stack.enter_async_context(httpx.AsyncClient(headers=headers))
        backend = TrpcBackend(peer.access, SystemClock())
        stack.push_async_callback(backend.aclose)
        costs: dict[str, list[tuple[CallCost, CallCost]]] = {}
        for pair in make_pairs(peer, bare, backend):
            for call in (pair.bare, pair.client):
                await time_calls(call, WARM_UP_CALLS)
            costs[pair.name] = [
                (await time_calls(pair.bare, CALLS), await time_calls(pair.client, CALLS))
                for _ in range(rounds)
            ]
        return costs


def to_rows(costs: dict[str, list[tuple[CallCost, CallCost]]]) -> list[list[str]]:
    """Return the table's rows: the least and the median of the rounds, and the ratios of the least."""
    rows = []
    for name, rounds in costs.items():
        bare, client = ([pair[side] for pair in rounds] for side in (0, 1))
        bare_us, client_us = (min(cost.wall_us for cost in side) for side in (bare, client))
        bare_cpu_us, client_cpu_us = (min(cost.cpu_us for cost in side) for side in (bare, client))
        middle_us = [statistics.median(cost.wall_us for cost in side) for side in (bare, client)]
        rows.append(
            [
                name,
                f"{bare_us:.0f} ({middle_us[0]:.0f})",
                f"{client_us:.0f} ({middle_us[1]:.0f})",
                f"{client_us / bare_us:.2f}x",
                f"{bare_cpu_us:.0f}",
                f"{client_cpu_us:.0f}",
                f"{client_cpu_us / bare_cpu_us:.2f}x",
            ]
        )
    return rows


def main() -> None:
    """Measure, print a Markdown table and keep it in results/."""
    parser = argparse.ArgumentParser(description="Measure what the backend's client adds to httpx.")
    parser.add_argument("--quick", action="store_true", help="few rounds, only printed")
    quick = parser.parse_args().quick
    # The server is the one that tests use; run as a program, Python finds only what is beside this file.
    sys.path.insert(0, str(ROOT))
    from tests.backend_peer import run_backend_peer

    rounds = QUICK_ROUNDS if quick else ROUNDS
    with run_backend_peer("superjson") as peer:
        costs = asyncio.run(measure(peer, rounds))
    header = [
        "call",
        *("bare httpx: least µs (median)", "client: least µs (median)", "ratio"),
        *("bare: CPU µs", "client: CPU µs", "ratio"),
    ]
    what = f"One call of the backend, superjson, {rounds} rounds of {CALLS} calls of each side, in turn"
    text = f"{what}. {machine('httpx', 'tenacity')}.\n\n{markdown_table(header, to_rows(costs))}"
    if quick:
        print(text)
    else:
        report("backend_overhead", text)


if __name__ == "__main__":
    main()
