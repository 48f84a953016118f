"""What an examination of everything that meetings need has found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

FindingStatus = Literal["pass", "warn", "fail", "skipped"]
Blame = Literal["configuration", "service", "machine"]
"""Whose failure it is: what was configured, something that is reached over the network, or this machine."""

_GRAVEST: tuple[Blame, ...] = ("configuration", "service", "machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check has found."""

    check: str
    """The check's name, one word."""
    status: FindingStatus
    message: str
    hint: str = ""
    """What to do about it."""
    blame: Blame = "machine"
    """Whose failure it is, where it is one."""
    seconds: float = 0.0
    """How long the check took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All findings, in the order of their checks."""

    findings: tuple[Finding, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the checks that failed."""
        return tuple(one.check for one in self.findings if one.status == "fail")

    @property
    def blame(self) -> Blame | None:
        """Whose the gravest failure is: the configuration's before a service's; None where nothing failed."""
        blamed = {one.blame for one in self.findings if one.status == "fail"}
        return next((blame for blame in _GRAVEST if blame in blamed), None)

    @property
    def counts(self) -> Mapping[FindingStatus, int]:
        """How many findings there are of each status."""
        return Counter(one.status for one in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPath:
    """Which way media goes between here and a server."""

    protocol: Literal["udp", "tcp"]
    address: str
    """The other end, with its port."""
    is_relayed: bool = False
    """Whether a TURN server stands between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPaths:
    """The ways that were found; None for one that is not there."""

    usual: MediaPath | None
    """The one that is taken when nothing is asked for."""
    tcp: MediaPath | None
    """The one that is taken where only TCP is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPrograms:
    """Programs of this machine that the local stack would use."""

    livekit_server: str | None
    """The server's version; None where one must be built."""
    go: str | None
    """The version of a Go that can build one."""
    has_speech: bool
    """Whether the offline voice and ears are installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledUse:
    """What a configured model is used for, and by what it is billed."""

    use: str
    """Such as "model" or "ears"."""
    model: str
    """Its name in the price book."""
    units: tuple[str, ...]
    detail: str | None = None
    """How closely it looks at pictures; None for a model that is shown none."""


def list_names(names: Iterable[str]) -> str:
    """Return names in a sentence.

    >>> list_names(["a"]), list_names(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
