"""Measures what `meetctl record` takes while it records a 720p30 screen share, by what it records.

    .venv/bin/python benchmarks/room_recorder.py [--quick]

A real LiveKit server, and one person who shares a screen (`load_participant.py`); the recorder joins their
room once for each way of recording, in turn. Its own process is measured and nothing else. The figures to
hold it against are the agent's, of meeting_load.py: a meeting with as much on the screen.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from live_meetings import read_events, run_with_stack, wait_for
from measure import machine, markdown_table, report
from meetctl.errors import MeetctlError
from running_processes import observe, read_memory

if TYPE_CHECKING:
    from live_meetings import LiveStack

ROOM = "recorded"
WAYS = ("sampled", "5", "full")
WARM_UP_S = 8.0
WINDOW_S = 30.0
QUICK_S = 5.0
BEGIN_LIMIT_S = 60.0
END_LIMIT_S = 60.0
LOAD_S = 3600


async def measure(stack: LiveStack, window_s: float) -> str:
    """Return the report of every way to record."""
    load = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).parent / "load_participant.py"), ROOM),
        *("--seconds", str(LOAD_S), "--fps", "30"),
        env=stack.livekit_environment,
    )
    try:
        rows = [await record(stack, way, window_s) for way in WAYS]
    finally:
        load.terminate()
        await load.wait()
    header = ["recorded", "CPU s in each second", "MB: own / resident", "frames seen/s", "longest stall, ms"]
    what = (
        f"`meetctl record` for {window_s:.0f} s of a 720p30 screen share and an open, silent microphone, "
        f"after {WARM_UP_S:.0f} s. {machine('livekit', 'av')}."
    )
    return f"{what}\n\n{markdown_table(header, rows)}"


async def record(stack: LiveStack, way: str, window_s: float) -> list[str]:
    """Record in one way, and return its row."""
    sessions = stack.directory / f"recorded-{way}"
    recorder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "meetctl", "record", ROOM, "--wait"),
        *("--record", way, "--sessions", str(sessions), "--json"),
        env=stack.livekit_environment,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        await wait_for(
            f"a recording ({way})", lambda: next(iter(sessions.glob("*/segments/*.mkv")), None), BEGIN_LIMIT_S
        )
        await asyncio.sleep(WARM_UP_S)
        process = psutil.Process(recorder.pid)
        window = await observe([process], window_s)
        memory = read_memory(process)
    finally:
        recorder.send_signal(signal.SIGINT)
    async with asyncio.timeout(END_LIMIT_S):
        if await recorder.wait() != 0:
            raise SystemExit(f"meetctl record --record {way} failed")
    (journal,) = sessions.glob("*/events.jsonl")
    events = read_events(journal)
    seen = sum(
        len(event.fields["t_us"])
        for event in events
        if event.type == "video.frames" and window.begin <= event.ts < window.end
    )
    return [
        way,
        f"{window.cpu_s[process.pid] / window.seconds:.3f}",
        f"{memory.uss:.0f} / {memory.rss:.0f}",
        f"{seen / window.seconds:.1f}",
        str(events[-1].fields["loop"]["longest_ms"]),
    ]


def main() -> int:
    """Measure, print a Markdown table and keep it in results/, unless it was only tried."""
    parser = argparse.ArgumentParser(description="Measure what recording a room takes.")
    parser.add_argument("--quick", action="store_true", help="only see that it works; nothing is kept")
    options = parser.parse_args()
    try:
        text = asyncio.run(
            run_with_stack(lambda stack: measure(stack, QUICK_S if options.quick else WINDOW_S))
        )
    except MeetctlError as error:
        print(f"room_recorder: {error.message}", file=sys.stderr)
        return int(error.exit_code)
    if options.quick:
        print(text)
    else:
        report("room_recorder", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
