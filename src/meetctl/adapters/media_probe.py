"""Which ways media goes between here and a LiveKit server, found out by joining a room."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from livekit import api, rtc

from meetctl.domain.diagnosis import MediaPath, MediaPaths
from meetctl.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meetctl.core.local_stack import LiveKitAccess

IDENTITY = "meetctl-doctor"
TCP_LIMIT_S = 8.0
"""How long a connection over TCP may take; without a TCP port the server lets it try for ever."""
_CONNECT_LIMIT_S = 20.0
"""livekit's client gives each of its tries 15 s to find a way for media."""
_TOKEN_LIMIT = timedelta(minutes=2)
_SETTLE_TRIES = 20
_SETTLE_EVERY_S = 0.1
_NO_MEDIA_PATH = ("wait_pc_connection", "publisher connection")
"""What livekit's own errors say when the room was joined, but no media could go to it."""


class LiveKitMediaProbe:
    """The MediaProbe port over LiveKit's own client."""

    def __init__(self, access: LiveKitAccess, *, tcp_limit_s: float = TCP_LIMIT_S) -> None:
        self._access = access
        self._tcp_limit_s = tcp_limit_s

    async def find_paths(self, room: str) -> MediaPaths:
        """Join a room hidden, look at the path, then have the server allow only TCP, and look again."""
        connection = rtc.Room()
        options = rtc.RoomOptions(auto_subscribe=False)
        try:
            async with asyncio.timeout(_CONNECT_LIMIT_S):
                await connection.connect(self._access.url, self._mint_token(room), options)
        except (rtc.ConnectError, TimeoutError) as error:
            if isinstance(error, TimeoutError) or any(words in str(error) for words in _NO_MEDIA_PATH):
                return MediaPaths(usual=None, tcp=None)
            # Its own words may quote the token.
            raise ServiceError(
                f"the LiveKit server {self._access.url} let nobody join a room",
                hint="its log says why; a proxy before it must pass WebSockets on",
            ) from None
        try:
            usual = await _settle(connection)
            is_tcp = usual is not None and usual.protocol == "tcp"
            return MediaPaths(usual=usual, tcp=usual if is_tcp else await self._force_tcp(connection))
        finally:
            await connection.disconnect()

    async def _force_tcp(self, connection: rtc.Room) -> MediaPath | None:
        is_back = asyncio.Event()
        connection.on("reconnected", is_back.set)
        try:
            async with asyncio.timeout(self._tcp_limit_s):
                await connection.simulate_scenario(rtc.SimulateScenarioKind.SIMULATE_FORCE_TCP)
                await is_back.wait()
            path = await _settle(connection)
        except (TimeoutError, RuntimeError):
            return None
        return path if path is not None and path.protocol == "tcp" else None

    def _mint_token(self, room: str) -> str:
        grants = api.VideoGrants(
            room_join=True,
            room=room,
            hidden=True,
            can_publish=False,
            can_publish_data=False,
            can_subscribe=True,
        )
        token = api.AccessToken(self._access.api_key, self._access.api_secret)
        return token.with_identity(IDENTITY).with_grants(grants).with_ttl(_TOKEN_LIMIT).to_jwt()


async def _settle(connection: rtc.Room) -> MediaPath | None:
    """Return the path that is in use, as soon as there is one."""
    for _ in range(_SETTLE_TRIES):
        stats = await connection.get_rtc_stats()
        for side in (stats.subscriber_stats, stats.publisher_stats):
            path = _read_path(side)
            if path is not None:
                return path
        await asyncio.sleep(_SETTLE_EVERY_S)
    return None


def _read_path(stats: Iterable[Any]) -> MediaPath | None:
    """Return the selected pair of candidates (https://www.w3.org/TR/webrtc-stats/)."""
    found: dict[str, dict[str, Any]] = {}
    for one in stats:
        kind = one.WhichOneof("stats")
        record = getattr(one, kind)
        found.setdefault(kind, {})[record.rtc.id] = record
    for transport in found.get("transport", {}).values():
        pair = found.get("candidate_pair", {}).get(transport.transport.selected_candidate_pair_id)
        if pair is None:
            continue
        local = found.get("local_candidate", {}).get(pair.candidate_pair.local_candidate_id)
        remote = found.get("remote_candidate", {}).get(pair.candidate_pair.remote_candidate_id)
        if local is not None and remote is not None:
            return _make_path(local.candidate, remote.candidate)
    return None


def _make_path(local: Any, remote: Any) -> MediaPath:
    # Of an address that only its packets have told, the client does not say which it is.
    host = remote.address or "an unknown address"
    address = f"[{host}]" if ":" in host else host
    kinds = local.DESCRIPTOR.fields_by_name["candidate_type"].enum_type.values_by_number
    return MediaPath(
        protocol="tcp" if local.protocol == "tcp" else "udp",
        address=f"{address}:{remote.port}",
        is_relayed=kinds[local.candidate_type].name == "RELAY",
    )
