"""What the doctor examines over the network: the LiveKit server, workers, media, the platform's backend."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from meetctl.domain.diagnosis import Finding, MediaPath, MediaPaths, list_names
from meetctl.domain.dispatch_check import CHECK_METADATA, ROOM_PREFIX
from meetctl.domain.workers import explain_no_worker
from meetctl.errors import BackendError, NotFoundError, ServiceError
from meetctl.services.doctor import skip

if TYPE_CHECKING:
    from meetctl.domain.rooms import Job
    from meetctl.ports import Backend, Clock, MediaProbe, RemoteClock, RoomAdmin, WorkerCensus

logger = logging.getLogger(__name__)

DISPATCH_LIMIT_S = 15.0
"""How long a worker may take to answer; a server that has just met one has been seen to take five seconds."""
ROOM_LIMIT_S = 60
"""When the server itself removes a room that could not be removed."""
SKEW_WARN_S = 5.0
SKEW_FAIL_S = 60.0
"""The leeway that LiveKit gives to the times in a token."""
_LOOK_EVERY_S = 0.2


async def check_livekit(admin: RoomAdmin, clock: Clock, url: str) -> Finding:
    """Ask the server for its rooms, which it tells only to those with its key."""
    begun_s = clock.monotonic()
    try:
        rooms = await admin.list_rooms()
    except ServiceError as error:
        return _failed("livekit", error)
    ms = (clock.monotonic() - begun_s) * 1000
    count = "no rooms" if not rooms else "one room" if len(rooms) == 1 else f"{len(rooms)} rooms"
    return Finding(
        check="livekit",
        status="pass",
        message=f"{url} takes the key and has {count}; answered in {ms:.0f} ms",
    )


async def check_clock(remote: RemoteClock, clock: Clock) -> Finding:
    """Compare the server's clock with this machine's: tokens are good between two times."""
    before = clock.now()
    try:
        there = await remote.now()
    except ServiceError as error:
        return _failed("clock", error)
    if there is None:
        return skip("clock", "the server does not tell its time")
    here = before + (clock.now() - before) / 2
    # What it tells has no fractions: half a second is the best guess of them.
    skew_s = (here - there).total_seconds() - 0.5
    ahead = (
        f"this machine's clock is {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} the server's"
    )
    if abs(skew_s) <= SKEW_WARN_S:
        return Finding(check="clock", status="pass", message=f"within {SKEW_WARN_S:.0f} s of the server's")
    return Finding(
        check="clock",
        status="fail" if abs(skew_s) >= SKEW_FAIL_S else "warn",
        message=f"{ahead}; from {SKEW_FAIL_S:.0f} s on, tokens are refused",
        hint="let NTP set this machine's clock, or the server's",
    )


async def check_worker(census: WorkerCensus, url: str, agent_name: str) -> Finding:
    """Look whether a worker of this machine is registered; of other machines only a dispatch can tell."""
    workers = await census.list_workers()
    ours = [one for one in workers if one.agent_name == agent_name and one.url.rstrip("/") == url.rstrip("/")]
    free = [one for one in ours if one.meetings is not None and not one.is_full]
    if not free:
        why = explain_no_worker(workers, agent_name=agent_name, url=url)
        return Finding(check="worker", status="warn", message=why.cause, hint=why.hint or "")
    names = list_names([f"{one.worker_id} ({one.meetings} of {one.max_meetings} meetings)" for one in free])
    message = f"registered from this machine as {agent_name!r}: {names}"
    return Finding(check="worker", status="pass", message=message)


async def check_dispatch(
    admin: RoomAdmin,
    census: WorkerCensus,
    clock: Clock,
    *,
    agent_name: str,
    url: str,
    limit_s: float = DISPATCH_LIMIT_S,
) -> Finding:
    """Dispatch the agent into a room made for it, and see whether a worker takes the job.

    The metadata says that it is a check: our agent takes it, and neither joins nor asks a provider.
    """
    begun_s = clock.monotonic()
    try:
        async with _throwaway_room(admin) as room:
            dispatch = await admin.create_dispatch(room, agent_name, metadata=CHECK_METADATA)
            job = await _wait_for_job(admin, room, limit_s)
            try:
                await admin.delete_dispatch(room, dispatch.id)
            except NotFoundError:
                # Gone with its job.
                logger.debug("dispatch %s is gone", dispatch.id)
    except ServiceError as error:
        return _failed("dispatch", error)
    if job is None:
        why = explain_no_worker(await census.list_workers(), agent_name=agent_name, url=url)
        what = f"nobody took a dispatch of agent {agent_name!r} within {limit_s:.0f} s: {why.cause}"
        return Finding(check="dispatch", status="fail", message=what, hint=why.hint or "", blame="service")
    taken = f"worker {job.worker} took a dispatch of agent {agent_name!r}"
    if job.status in ("failed", "cancelled"):
        what = f"{taken}, and it {job.status}"
        return Finding(
            check="dispatch", status="fail", message=what, hint="its log says why", blame="service"
        )
    seconds = clock.monotonic() - begun_s
    return Finding(check="dispatch", status="pass", message=f"{taken} after {seconds:.1f} s")


async def _wait_for_job(admin: RoomAdmin, room: str, limit_s: float) -> Job | None:
    """Return the first job that a worker has taken; None where none has in time."""
    try:
        async with asyncio.timeout(limit_s):
            while True:
                for dispatch in await admin.list_dispatches(room):
                    for job in dispatch.jobs:
                        if job.status != "pending":
                            return job
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        return None


async def check_media(admin: RoomAdmin, probe: MediaProbe) -> tuple[Finding, Finding]:
    """Join a room made for it, hidden, and look which way media goes: by itself, and where only TCP may."""
    try:
        async with _throwaway_room(admin) as room:
            paths = await probe.find_paths(room)
    except ServiceError as error:
        return _failed("udp", error), skip("tcp", "needs udp")
    return _judge_udp(paths.usual), _judge_tcp(paths)


def _judge_udp(path: MediaPath | None) -> Finding:
    hint = "open the server's UDP ports (rtc.udp_port or rtc.port_range_start to _end) on the way there"
    if path is None:
        return Finding(
            check="udp",
            status="fail",
            message="the room was joined, but no media path was found",
            hint=hint,
            blame="service",
        )
    if path.protocol == "tcp" or path.is_relayed:
        way = "relayed" if path.is_relayed else "over TCP"
        return Finding(
            check="udp", status="warn", message=f"media goes {way} by {path.address}, not over UDP", hint=hint
        )
    return Finding(check="udp", status="pass", message=f"media goes over UDP to {path.address}")


def _judge_tcp(paths: MediaPaths) -> Finding:
    if paths.tcp is not None:
        return Finding(check="tcp", status="pass", message=f"media can go over TCP to {paths.tcp.address}")
    if paths.usual is not None and paths.usual.address.startswith(("127.", "[::1]")):
        return skip("tcp", "a server on this machine alone needs no way around firewalls")
    return Finding(
        check="tcp",
        status="warn",
        message="media cannot go over TCP: behind a firewall that lets no UDP through, nobody can take part",
        hint="set rtc.tcp_port at the server (usually 7881) and open it on the way there",
    )


async def check_backend(backend: Backend | None, url: str) -> Finding:
    """Ask the backend whose a room is that nobody has: a question that changes and costs nothing."""
    if backend is None:
        return skip("backend", "none is configured")
    try:
        tenant = await backend.get_tenant_by_room(_name_room())
    except BackendError as error:
        return _failed("backend", error)
    known = "" if tenant is None else f"; it says that any room is {tenant.id!r}'s"
    return Finding(check="backend", status="pass", message=f"{url} speaks tRPC and takes the key{known}")


@asynccontextmanager
async def _throwaway_room(admin: RoomAdmin) -> AsyncIterator[str]:
    """Make a room, and remove it however it was used; should that fail, the server removes it itself."""
    room = _name_room()
    await admin.create_room(room, empty_timeout_s=ROOM_LIMIT_S, departure_timeout_s=1, max_participants=2)
    try:
        yield room
    finally:
        try:
            await admin.close_room(room)
        except ServiceError:
            # What was found counts more; the room is empty and ends by itself.
            logger.debug("room %s could not be removed", room)


def _name_room() -> str:
    return ROOM_PREFIX + secrets.token_hex(8)


def _failed(check: str, error: ServiceError) -> Finding:
    return Finding(check=check, status="fail", message=error.message, hint=error.hint or "", blame="service")
