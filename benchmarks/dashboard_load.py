"""Measures `meetctl tui` on a terminal while many meetings go on, over an hour of events, and at its start.

    .venv/bin/python benchmarks/dashboard_load.py [--quick]

Journals are written by a process of its own, as sessions write them: the lines of the sample recording of a
real meeting, again and again, 30 a second each. The dashboard is the real command in a pseudo-terminal of 120
x 40; what it writes is read and thrown away. A key's delay is from its write to the read of what it brings:
Ctrl-P the palette over the full list, Enter a meeting with all its panels.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import random
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psutil

from measure import MEETCTL, machine, markdown_table, report

if TYPE_CHECKING:
    from collections.abc import Iterator

MEETINGS = 100
EVENTS_A_SECOND = 30
HOUR_MEETINGS = 10
SETTLE_S = 12.0
PATIENCE_S = 30.0
KEYS = (("\x10", "Search for"), ("\r", "Conversation"))
"""What is typed, and a word that only the screen has that it brings."""
BACK = "\x1b"
WRITER = """
import fcntl, json, sys, time
from pathlib import Path
source, target, meetings, rate = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
events = [json.loads(line) for line in source.read_bytes().splitlines()]
events = [event for event in events if event["type"] != "session.ended"]
files, seqs, times = [], [0] * meetings, [0.0] * meetings
span = events[-1]["t"]
def line(meeting):
    seq = seqs[meeting]
    event = dict(events[seq % len(events)])
    if seq >= len(events) and event["type"] == "session.started":
        event = dict(events[1])
    event["t"] = event["t"] + span * (seq // len(events))
    event.update(seq=seq, session_id=f"s-{meeting:03}", room=f"room-{meeting:03}")
    if "turn" in event and event["turn"]:
        event["turn"] += 100 * (seq // len(events))
    seqs[meeting] = seq + 1
    return json.dumps(event, separators=(",", ":")) + "\\n"
for meeting in range(meetings):
    directory = target / f"s-{meeting:03}"
    directory.mkdir()
    file = (directory / "events.jsonl").open("w", encoding="utf-8", buffering=1 << 16)
    fcntl.flock(file, fcntl.LOCK_EX)
    file.write(line(meeting)); file.flush()
    files.append(file)
print("ready", flush=True)
while order := sys.stdin.readline().split():
    if order[0] == "burst":
        for _ in range(int(order[1])):
            for meeting, file in enumerate(files):
                file.write(line(meeting))
        for file in files:
            file.flush()
        print("written", flush=True)
    else:
        begun, tick = time.monotonic(), 0
        while True:
            # Each meeting writes at its own moment, as they do.
            for meeting in range(tick % 10, meetings, 10):
                files[meeting].write("".join(line(meeting) for _ in range(rate // 10 or 1)))
                files[meeting].flush()
            tick += 1
            time.sleep(max(0.0, begun + tick / 100 - time.monotonic()))
"""


class Dashboard:
    """`meetctl tui` on a terminal that nobody looks at."""

    def __init__(self, sessions: Path, home: Path) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = {**os.environ, "HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.begun_s = time.perf_counter()
        self._child = subprocess.Popen(
            [MEETCTL, "tui", "--sessions", sessions],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self.process = psutil.Process(self._child.pid)
        self._wanted: bytes | None = None
        self._seen = threading.Event()
        self._seen_s = 0.0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.wait()
        self._reader.join()
        os.close(self._master)

    def expect(self, text: str) -> None:
        """Begin to look for a text."""
        self._seen.clear()
        self._wanted = text.encode()

    def when_seen(self) -> float:
        """Wait for the text, and return when it was read."""
        wanted = self._wanted
        if not self._seen.wait(PATIENCE_S):
            sys.exit(f"the dashboard never showed {wanted!r}")
        return self._seen_s

    def type(self, text: str) -> float:
        """Type something, and return when."""
        typed_s = time.perf_counter()
        os.write(self._master, text.encode())
        return typed_s

    def cpu_s(self) -> float:
        """Return the CPU time that it has taken."""
        times = self.process.cpu_times()
        return times.user + times.system

    def rss_mb(self) -> float:
        """Return its memory."""
        return float(self.process.memory_info().rss) / 1e6

    def _read(self) -> None:
        rest = b""
        while True:
            select.select([self._master], [], [])
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:
                return
            if not data:
                return
            wanted = self._wanted
            rest = (rest + data)[-(1 << 17) :]
            if wanted is None:
                rest = b""
            elif wanted in rest:
                self._seen_s = time.perf_counter()
                self._wanted, rest = None, b""
                self._seen.set()


def main() -> None:
    """Measure, print Markdown tables and keep them in results/."""
    parser = argparse.ArgumentParser(description="Measure the dashboard under load.")
    parser.add_argument(
        "--quick", action="store_true", help="a few keys and a minute of events; nothing kept"
    )
    quick = parser.parse_args().quick
    busy = measure_busy(MEETINGS, keys=5 if quick else 40)
    idle = measure_busy(1, keys=5 if quick else 40)
    hour = measure_hour(60 if quick else 3600)
    text = "\n".join(
        [
            f"`meetctl tui` on a terminal of 120 x 40, {machine('textual')}; load {os.getloadavg()[0]:.1f}.",
            "",
            f"While meetings write {EVENTS_A_SECOND} events a second each, and keys are typed:",
            "",
            markdown_table(
                (
                    "meetings",
                    "of a core",
                    "memory MB",
                    "Ctrl-P p50 / p95 / most",
                    "Enter p50 / p95 / most",
                    "start to list s",
                    "CPU s",
                ),
                [busy, idle],
            ),
            "",
            f"Over an hour of events of {HOUR_MEETINGS} meetings, played as fast as they are read:",
            "",
            markdown_table(("minutes", "events", "memory MB", "events a second"), hour),
            "",
            start_up(3 if quick else 11),
        ]
    )
    if quick:
        print(text)
    else:
        report("dashboard_load", text)


@contextmanager
def writing(sessions: Path, meetings: int) -> Iterator[subprocess.Popen[str]]:
    """Hold meetings that write when they are told to."""
    source = Path(__file__).resolve().parents[1] / "recordings" / "live-demo" / "events.jsonl"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, source, sessions, str(meetings), str(EVENTS_A_SECOND)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        tell(writer)
        yield writer
    finally:
        writer.kill()
        writer.wait()


def tell(writer: subprocess.Popen[str], order: str = "") -> None:
    """Give an order, and wait until it is carried out."""
    assert writer.stdin is not None
    assert writer.stdout is not None
    if order:
        writer.stdin.write(order + "\n")
        writer.stdin.flush()
    if order != "on":
        writer.stdout.readline()


def measure_busy(meetings: int, *, keys: int) -> list[str]:
    """Return CPU, memory and the delay of keys while meetings go on."""
    with tempfile.TemporaryDirectory() as place, writing(Path(place), meetings) as writer:
        tell(writer, "on")
        with tempfile.TemporaryDirectory() as home, Dashboard(Path(place), Path(home)) as dashboard:
            dashboard.expect("room-0")
            start_s = dashboard.when_seen() - dashboard.begun_s
            start_cpu_s = dashboard.cpu_s()
            time.sleep(SETTLE_S)
            cpu_s, wall_s = dashboard.cpu_s(), time.perf_counter()
            time.sleep(SETTLE_S)
            share = (dashboard.cpu_s() - cpu_s) / (time.perf_counter() - wall_s)
            memory = dashboard.rss_mb()
            delays = [tell_delays(measure_keys(dashboard, *key, keys)) for key in KEYS]
    return [
        str(meetings), f"{share:.0%}", f"{memory:.0f}", *delays, f"{start_s:.2f}", f"{start_cpu_s:.2f}"
    ]  # fmt: skip


def tell_delays(delays: list[float]) -> str:
    """Return median, 95th percentile and the longest."""
    p95 = statistics.quantiles(delays, n=20, method="inclusive")[-1]
    return (
        " / ".join(f"{delay * 1000:.0f}" for delay in (statistics.median(delays), p95, max(delays))) + " ms"
    )


def measure_keys(dashboard: Dashboard, key: str, word: str, keys: int) -> list[float]:
    """Return the delays of a key, each time from the list."""
    delays = []
    for _ in range(keys):
        dashboard.expect(word)
        typed_s = dashboard.type(key)
        delays.append(dashboard.when_seen() - typed_s)
        time.sleep(random.uniform(0.3, 0.6))
        dashboard.type(BACK)
        # Escape is one only when nothing follows it for a while.
        time.sleep(random.uniform(1.0, 1.3))
    return delays


def measure_hour(seconds: int) -> list[list[str]]:
    """Return memory after each tenth of an hour of events."""
    rows = []
    with (
        tempfile.TemporaryDirectory() as place,
        writing(Path(place), HOUR_MEETINGS) as writer,
        tempfile.TemporaryDirectory() as home,
        Dashboard(Path(place), Path(home)) as dashboard,
    ):
        dashboard.expect("room-0")
        dashboard.when_seen()
        each = EVENTS_A_SECOND * seconds // 10
        count = each * HOUR_MEETINGS
        for tenth in range(1, 11):
            begun_s = time.perf_counter()
            tell(writer, f"burst {each}")
            wait_until_read(dashboard)
            speed = count / (time.perf_counter() - begun_s)
            minutes = f"{tenth * seconds / 600:.1f}"
            rows.append([minutes, f"{count * tenth:,}", f"{dashboard.rss_mb():.0f}", f"{speed:,.0f}"])
    return rows


def wait_until_read(dashboard: Dashboard) -> None:
    """Wait until the dashboard has little to do any more."""
    time.sleep(0.5)
    while True:
        before = dashboard.cpu_s()
        time.sleep(0.5)
        if dashboard.cpu_s() - before < 0.25:
            return


def start_up(rounds: int) -> str:
    """Return what it takes to show an empty list, against Python alone."""
    walls, cpus, bare = [], [], []
    for _ in range(rounds):
        begun_s = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        bare.append(time.perf_counter() - begun_s)
        with (
            tempfile.TemporaryDirectory() as place,
            tempfile.TemporaryDirectory() as home,
            Dashboard(Path(place), Path(home)) as dashboard,
        ):
            dashboard.expect("No meeting runs here")
            walls.append(dashboard.when_seen() - dashboard.begun_s)
            cpus.append(dashboard.cpu_s())
    return (
        f"From its start to an empty list: {min(walls):.2f} s, of that {min(cpus):.2f} s of CPU; "
        f"`python -c pass` takes {min(bare):.3f} s (the least of {rounds})."
    )


if __name__ == "__main__":
    main()
