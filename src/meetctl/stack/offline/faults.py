"""Faults on demand: which request to which provider goes wrong, and how."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, get_args

from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

Provider = Literal["openai", "deepgram", "cartesia", "rime"]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)
FaultKind = Literal["429", "500", "503", "slow", "drop", "stall"]
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
STATUS_KINDS: frozenset[FaultKind] = frozenset({"429", "500", "503"})
STREAM_KINDS: frozenset[FaultKind] = frozenset({"slow", "drop", "stall"})
ALL_KINDS = STATUS_KINDS | STREAM_KINDS

_SHAPE = "PROVIDER:KIND[:NAME=VALUE…], such as openai:429:share=0.5:count=3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way in which a provider fails."""

    provider: Provider
    kind: FaultKind
    share: Fraction = Fraction(1)
    """Which part of the requests it hits, above 0 and at most 1: the first, then evenly spread ones."""
    count: int | None = None
    """How many requests it hits in all; None for any number."""
    delay_s: float = 2.0
    """How long a slow provider waits before its answer."""
    chunk_delay_s: float = 0.0
    """How long a slow provider waits before each piece of its answer."""
    stall_s: float = 30.0
    """How long a stalled provider says nothing after the first piece."""
    retry_after_s: int = 1
    """What a 429 asks the client to wait."""


class DroppedConnectionError(ConnectionError):
    """A fault wants the connection cut now, without a farewell."""


@dataclass(slots=True)
class Disturbance:
    """What one request meets; without a fault, nothing."""

    fault: Fault | None = None
    _pieces: int = 0

    @property
    def status(self) -> int | None:
        """The HTTP status to refuse the request with; None when it is not refused."""
        return int(self.fault.kind) if self.fault and self.fault.kind in STATUS_KINDS else None

    @property
    def headers(self) -> dict[str, str]:
        """What an HTTP refusal says besides its status."""
        return {"Retry-After": str(self.fault.retry_after_s)} if self.fault and self.status == 429 else {}

    async def before_answer(self) -> None:
        """Wait as long as the provider is slow to begin."""
        if self.fault and self.fault.kind == "slow":
            await asyncio.sleep(self.fault.delay_s)

    async def before_piece(self) -> None:
        """Go wrong in the middle: called before each piece of an answer, and once more before its end.

        Raises:
            DroppedConnectionError: The connection is to be cut here.
        """
        self._pieces += 1
        if self.fault is None:
            return
        if self.fault.kind == "slow":
            await asyncio.sleep(self.fault.chunk_delay_s)
        elif self._pieces == 2 and self.fault.kind == "stall":
            await asyncio.sleep(self.fault.stall_s)
        elif self._pieces == 2 and self.fault.kind == "drop":
            raise DroppedConnectionError


@dataclass(slots=True)
class _ActiveFault:
    fault: Fault
    seen: int = 0
    hits: int = 0


@dataclass(slots=True)
class FaultPlan:
    """The faults in force, the oldest first."""

    _active: list[_ActiveFault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Put a fault in force from the next request on."""
        self._active.append(_ActiveFault(fault))

    def clear(self) -> None:
        """Let everything work again."""
        self._active.clear()

    def draw(self, provider: Provider, kinds: frozenset[FaultKind] = ALL_KINDS) -> Disturbance:
        """Return what the next request to `provider` meets, of the kinds that it can meet at this point.

        Faults are counted, never drawn by lot: the same requests meet the same faults in each run.
        """
        for active in self._active:
            fault = active.fault
            if fault.provider != provider or fault.kind not in kinds:
                continue
            if fault.count is not None and active.hits >= fault.count:
                continue
            active.seen += 1
            if math.ceil(active.seen * fault.share) > math.ceil((active.seen - 1) * fault.share):
                active.hits += 1
                return Disturbance(fault)
        return Disturbance()

    def describe(self) -> list[dict[str, Any]]:
        """Return the faults as GET /faults shows them: as asked for, and how often each has hit."""
        return [
            {
                "provider": active.fault.provider,
                "kind": active.fault.kind,
                "share": float(active.fault.share),
                "count": active.fault.count,
                "delay_s": active.fault.delay_s,
                "chunk_delay_s": active.fault.chunk_delay_s,
                "stall_s": active.fault.stall_s,
                "retry_after_s": active.fault.retry_after_s,
                "hits": active.hits,
            }
            for active in self._active
        ]


def parse_fault(text: str) -> Fault:
    """Read a fault from the command line.

    >>> fault = parse_fault("openai:429:share=0.5:count=3")
    >>> fault.kind, fault.share, fault.count
    ('429', Fraction(1, 2), 3)

    Raises:
        UsageError: The provider, the fault or a name is unknown, or a value is wrong.
    """
    provider, kind, *settings = [*text.split(":"), "", ""] if ":" not in text else text.split(":")
    fields: dict[str, Any] = {"provider": provider, "kind": kind}
    for setting in filter(None, settings):
        name, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(f"--fault {text}: {setting!r} is not NAME=VALUE", hint=f"write {_SHAPE}")
        fields[name] = value
    return build_fault(fields, where=f"--fault {text}")


def build_fault(fields: Mapping[str, Any], *, where: str) -> Fault:
    """Make a fault of its fields, numbers or texts; `where` names their source in messages.

    Raises:
        UsageError: The provider, the fault or a field is unknown, or a value is wrong.
    """
    rest = {name: value for name, value in fields.items() if value is not None}
    provider, kind = rest.pop("provider", ""), str(rest.pop("kind", ""))
    if provider not in PROVIDERS:
        raise UsageError(
            f"{where}: there is no offline provider {provider!r}", hint=f"use one of {', '.join(PROVIDERS)}"
        )
    if kind not in FAULT_KINDS:
        raise UsageError(f"{where}: there is no fault {kind!r}", hint=f"use one of {', '.join(FAULT_KINDS)}")
    readers = {
        "share": _read_share,
        "count": _read_count,
        "delay_s": _read_seconds,
        "chunk_delay_s": _read_seconds,
        "stall_s": _read_seconds,
        "retry_after_s": _read_count,
    }
    values: dict[str, Any] = {}
    for name, value in rest.items():
        if name not in readers:
            raise UsageError(f"{where}: a fault has no {name!r}", hint=f"use one of {', '.join(readers)}")
        try:
            values[name] = readers[name](str(value))
        except (ValueError, ZeroDivisionError) as error:
            raise UsageError(f"{where}: {name} cannot be {value!r}", hint=f"write {_SHAPE}") from error
    return Fault(provider=provider, kind=kind, **values)


def _read_share(text: str) -> Fraction:
    share = Fraction(text)
    if not 0 < share <= 1:
        raise ValueError(text)
    return share


def _read_count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError(text)
    return count


def _read_seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 3600:
        raise ValueError(text)
    return seconds
