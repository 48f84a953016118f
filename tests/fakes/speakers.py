"""Who speaks in a room, as the test says."""

from __future__ import annotations


class ScriptedSpeakers:
    """What a conversation asks of the room: whoever the test lets speak, since when."""

    def __init__(self) -> None:
        self.time_us = 10_000_000
        self._spoken: list[tuple[int, str]] = []

    def now_us(self) -> int:
        return self.time_us

    def since(self, begin_us: int) -> str | None:
        pieces = [identity for t_us, identity in self._spoken if t_us >= begin_us]
        return max(dict.fromkeys(pieces), key=pieces.count) if pieces else None

    def speak(self, identity: str, seconds: float = 1.0) -> None:
        """Let somebody speak for a while, in pieces of a tenth of a second."""
        for _ in range(round(seconds * 10)):
            self.time_us += 100_000
            self._spoken.append((self.time_us, identity))

    def pause(self, seconds: float) -> None:
        """Let nobody speak for a while."""
        self.time_us += round(seconds * 1_000_000)
