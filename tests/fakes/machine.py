"""A machine that has what the test says."""

from __future__ import annotations

from pathlib import Path

from meetctl.errors import OutputError


class FakeMachine:
    """The Machine port."""

    def __init__(
        self,
        *,
        free_bytes: int = 100_000_000_000,
        missing_codecs: tuple[str, ...] = (),
        read_only: tuple[Path, ...] = (),
    ) -> None:
        self._free_bytes = free_bytes
        self._missing_codecs = missing_codecs
        self._read_only = read_only

    def free_bytes(self, directory: Path) -> int:
        for place in self._read_only:
            if directory.is_relative_to(place):
                raise OutputError(f"sessions cannot be kept in {directory}", hint="choose another place")
        return self._free_bytes

    def missing_codecs(self) -> tuple[str, ...]:
        return self._missing_codecs
