"""CPU time and memory of processes that run and go on running."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What one process holds, in MB of 1,000,000 bytes."""

    rss: float
    uss: float
    pss: float | None
    """Its own pages and its share of those it has in common with others; Linux only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What was read at the begin and the end of a window."""

    seconds: float
    begin: str
    """UTC, as the journals have it."""
    end: str
    cpu_s: dict[int, float]
    """CPU time in the window by process id; of one that has ended meanwhile, none."""
    busy_s: float


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all that came of it."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def read_memory(process: psutil.Process) -> Memory:
    """Return what a process holds now."""
    info = process.memory_full_info()
    pss: int | None = getattr(info, "pss", None)
    return Memory(rss=info.rss / 1e6, uss=info.uss / 1e6, pss=None if pss is None else pss / 1e6)


async def observe(processes: Sequence[psutil.Process], seconds: float) -> Window:
    """Read the processes' CPU time now and after so many seconds."""
    begin_s, begin, busy_s = time.monotonic(), utc_now(), machine_busy_s()
    cpu_s = {process.pid: process_cpu_s(process) for process in processes}
    await asyncio.sleep(seconds)
    used_s = {process.pid: max(0.0, process_cpu_s(process) - cpu_s[process.pid]) for process in processes}
    return Window(
        seconds=time.monotonic() - begin_s,
        begin=begin,
        end=utc_now(),
        cpu_s=used_s,
        busy_s=machine_busy_s() - busy_s,
    )


def utc_now() -> str:
    """Return the time as journals have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def process_cpu_s(process: psutil.Process) -> float:
    """Return the CPU time that a process has used; 0 of one that has ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def machine_busy_s() -> float:
    """Return the CPU time that everything on the machine has used."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)
