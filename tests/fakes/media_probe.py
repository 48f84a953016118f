"""Ways of media that are as the test says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.domain.diagnosis import MediaPath, MediaPaths
from meetctl.errors import ServiceError

if TYPE_CHECKING:
    from tests.fakes.room_admin import FakeRoomAdmin

IDENTITY = "meetctl-doctor"


class FakeMediaProbe:
    """The MediaProbe port over a fake server's rooms."""

    def __init__(self, admin: FakeRoomAdmin, *, paths: MediaPaths | None = None) -> None:
        self.joined: list[str] = []
        """The rooms that were joined."""
        self._admin = admin
        self._paths = paths or MediaPaths(
            usual=MediaPath(protocol="udp", address="192.0.2.1:7882"),
            tcp=MediaPath(protocol="tcp", address="192.0.2.1:7881"),
        )

    async def find_paths(self, room: str) -> MediaPaths:
        if not self._admin.is_reachable:
            raise ServiceError("the fake server cannot be reached")
        self._admin.admit(room, IDENTITY, is_hidden=True)
        self.joined.append(room)
        await self._admin.remove_participant(room, IDENTITY)
        return self._paths
