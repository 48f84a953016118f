"""Which workers of ours run on this machine: by the files they keep, and what their health port answers."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from meetctl.core.local_stack import ProcessIdentity
from meetctl.core.places import state_directory
from meetctl.domain.workers import LocalWorker

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LIMIT_S = 2.0


class LocalWorkers:
    """The WorkerCensus port over the state files of workers."""

    async def list_workers(self) -> tuple[LocalWorker, ...]:
        """Return the workers that run, by agent name."""
        documents = await asyncio.to_thread(_read_all, state_directory() / "workers")
        async with ClientSession(timeout=ClientTimeout(total=_LIMIT_S)) as client:
            workers = await asyncio.gather(*(_ask(client, document) for document in documents))
        found = [worker for worker in workers if worker is not None]
        return tuple(sorted(found, key=lambda worker: (worker.agent_name, worker.pid)))


def _read_all(directory: Path) -> list[Mapping[str, Any]]:
    """Return what workers say that still run; other files are left alone."""
    documents = []
    for path in directory.glob("*.json"):
        try:
            document = json.loads(path.read_bytes())
            worker = ProcessIdentity(pid=int(document["pid"]), created=float(document["created"]))
        except (OSError, ValueError, KeyError, TypeError):
            # Not one of ours, or of a worker that has just ended.
            continue
        if worker.is_running():
            documents.append(document)
    return documents


async def _ask(client: ClientSession, document: Mapping[str, Any]) -> LocalWorker | None:
    """Return a worker with how many meetings it holds; None for a file without what it should say."""
    try:
        return LocalWorker(
            worker_id=str(document["worker_id"]),
            agent_name=str(document["agent_name"]),
            url=str(document["url"]),
            pid=int(document["pid"]),
            max_meetings=int(document["max_meetings"]),
            meetings=await _count_meetings(client, int(document["http_port"])),
        )
    except (KeyError, TypeError, ValueError):
        return None


async def _count_meetings(client: ClientSession, port: int) -> int | None:
    try:
        async with client.get(f"http://127.0.0.1:{port}/worker") as answer:
            document = await answer.json(content_type=None)
    except (ClientError, OSError, TimeoutError, ValueError):
        return None
    # A count of zero is left out.
    jobs = document.get("active_jobs", 0) if isinstance(document, dict) else None
    return int(jobs) if isinstance(jobs, int | float) else None
