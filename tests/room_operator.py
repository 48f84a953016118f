"""Somebody who steers the rooms of a LiveKit server from the command line."""

from __future__ import annotations

import asyncio
import json
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.conftest import MeetctlRunner

    from meetctl.core.local_stack import LiveKitAccess

Done = subprocess.CompletedProcess[str]


class Operator:
    """Somebody with the server's key, who may look at what became of their commands."""

    def __init__(self, meetctl: MeetctlRunner, access: LiveKitAccess) -> None:
        self.access = access
        self._meetctl = meetctl

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LIVEKIT_URL": self.access.url,
            "LIVEKIT_API_KEY": self.access.api_key,
            "LIVEKIT_API_SECRET": self.access.api_secret,
        }

    def run(self, *args: str) -> Done:
        return self._meetctl(*args, env=self.environment)

    async def arun(self, *args: str) -> Done:
        return await asyncio.to_thread(self.run, *args)

    async def ajson(self, *args: str) -> dict[str, Any]:
        done = await self.arun(*args, "--json")
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    async def refused(self, *args: str) -> str:
        """Return what a command said that did nothing, and its exit code."""
        done = await self.arun(*args)
        assert done.stdout == ""
        return f"{done.returncode} {done.stderr}"
