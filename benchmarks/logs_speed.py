"""Measures `meetctl logs` over a large journal against grep, jq and tail, and while a log is written.

    .venv/bin/python benchmarks/logs_speed.py [--quick] [--cache DIR]

The journal is that of the sample recording of a real meeting, again and again, each time a little later; 1 GB
of it, or with --quick 50 MB. Both sides of a comparison read the same file and print the same lines to a pipe
that nobody looks at. Needs grep, jq and tail.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import psutil
from platformdirs import user_cache_path

from measure import MEETCTL, Cost, cpu, least, machine, markdown_table, report, rss, run_in_turn, wall
from meetctl.adapters.system_clock import SystemClock

JOURNAL = Path(__file__).resolve().parents[1] / "recordings" / "live-demo" / "events.jsonl"
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
MEETING_S = 90
SIZE_BYTES = 1_000_000_000
QUICK_SIZE_BYTES = 50_000_000
RARE_EVERY = 500
"""One meeting of so many has something rare in it."""
RARE = "a red umbrella"
STALLED = "loop.longest_ms > 500"
FOLLOWED_S = 20
QUICK_FOLLOWED_S = 5
FOLLOWED = (
    *("lines a second", "came to", "lost or repeated", "behind p50 / p99 / most"),
    *("of a core", "CPU microseconds a line"),
)
RATES = (1000, 10_000)
WRITER = """
import json, sys, time
from pathlib import Path
from meetctl.adapters.system_clock import SystemClock
from meetctl.core.log_file import LogFile
file, rate, seconds = LogFile(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
clock = SystemClock()
file.note("line begins")
input()
begun = clock.monotonic()
for tick in range(seconds * 100):
    for number in range(rate // 100):
        file.note(f"line {tick * rate // 100 + number} of a worker that has much to say about one meeting")
    time.sleep(max(0.0, begun + (tick + 1) / 100 - clock.monotonic()))
"""


def main() -> None:
    """Measure, print Markdown tables and keep them in results/."""
    parser = argparse.ArgumentParser(description="Measure meetctl logs.")
    parser.add_argument("--quick", action="store_true", help="a small journal, one round, nothing kept")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=user_cache_path("meetctl", appauthor=False))
    arguments = parser.parse_args()
    for tool in ("grep", "jq", "tail"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is missing")
    size = QUICK_SIZE_BYTES if arguments.quick else SIZE_BYTES
    journal = write_journal(arguments.cache, size)
    rounds = 1 if arguments.quick else arguments.rounds
    costs = run_in_turn(commands(journal), rounds, warm_up=False)
    followed = [follow(rate, QUICK_FOLLOWED_S if arguments.quick else FOLLOWED_S) for rate in RATES]
    text = "\n".join(
        [
            f"A journal of {size / 1e6:,.0f} MB, {machine()}. The least of {rounds} run(s), in turn; "
            "ratios are of CPU time, ours to theirs.",
            "",
            compare(costs, size),
            "",
            "While a worker's log is written, with rotation:",
            "",
            markdown_table(FOLLOWED, followed),
        ]
    )
    if arguments.quick:
        print(text)
    else:
        report("logs_speed", text)


def write_journal(directory: Path, size: int) -> Path:
    """Return the journal to read; it is written once."""
    path = directory / f"logs-{size // 1_000_000}.jsonl"
    if path.exists():
        return path
    directory.mkdir(parents=True, exist_ok=True)
    events = [json.loads(line) for line in JOURNAL.read_bytes().splitlines()]
    begun = datetime.fromisoformat(events[0]["ts"])
    after = [datetime.fromisoformat(event["ts"]) - begun for event in events]
    draft, meeting = path.with_suffix(".part"), 0
    with draft.open("w", encoding="utf-8") as file:
        while file.tell() < size:
            start = BEGIN + timedelta(seconds=MEETING_S * meeting)
            for event, span in zip(events, after, strict=True):
                is_rare = event["type"] == "session.ended" and meeting % RARE_EVERY == 0
                written = {**event, "ts": f"{start + span:%Y-%m-%dT%H:%M:%S.%fZ}"}
                written |= {"reason": RARE, "loop": {"longest_ms": 900, "blocked": 1}} if is_rare else {}
                file.write(json.dumps(written, separators=(",", ":"), ensure_ascii=False) + "\n")
            meeting += 1
    draft.replace(path)
    return path


def commands(journal: Path) -> dict[str, list[str | Path]]:
    """Return both sides of each comparison, ours first."""
    with journal.open("rb") as file:
        file.seek(-4096, 2)
        last = json.loads(file.read().splitlines()[-1])["ts"]
    since = f"{datetime.fromisoformat(last) - timedelta(minutes=10):%Y-%m-%dT%H:%M:%S.%fZ}"
    told = '"\\(.ts) \\(.type) \\(.turn) \\(del(.ts, .type, .v, .seq, .session_id))"'
    return {
        "everything, as JSON": piped(MEETCTL, "logs", journal, "--json"),
        "jq -c .": piped("jq", "-c", ".", journal),
        "everything, for people": piped(MEETCTL, "logs", journal, "--level", "debug"),
        "jq -r with a format": piped("jq", "-r", told, journal),
        "for people as usual (info)": piped(MEETCTL, "logs", journal),
        "jq -r without frames": piped("jq", "-r", f"select(.t_us == null) | {told}", journal),
        "--grep of a rare text": piped(MEETCTL, "logs", journal, "--json", "--grep", RARE),
        "grep": piped("grep", RARE, journal),
        "--where of a rare field": piped(
            MEETCTL, "logs", journal, "--json", "--where", "loop.longest_ms > 500"
        ),
        "jq select": piped("jq", "-c", f"select(.{STALLED})", journal),
        "--level warning": piped(MEETCTL, "logs", journal, "--json", "--level", "warning"),
        "jq select(.level)": piped("jq", "-c", 'select(.level == "warning")', journal),
        "--since, the last 10 minutes": piped(MEETCTL, "logs", journal, "--json", "--since", since),
        "jq select(.ts)": piped("jq", "-c", f'select(.ts >= "{since}")', journal),
        "-n 10": piped(MEETCTL, "logs", journal, "-n", "10"),
        "tail -n 10": piped("tail", "-n", "10", journal),
    }


def piped(*words: str | Path) -> list[str | Path]:
    """Return a command that prints to a pipe: grep stops early where it sees that nobody reads."""
    return ["sh", "-c", '"$@" | cat > /dev/null', "sh", *words]


def compare(costs: dict[str, list[Cost]], size: int) -> str:
    """Return a table with a line for each comparison."""
    rows = []
    pairs = iter(costs.items())
    for (ours, our_costs), (theirs, their_costs) in zip(pairs, pairs, strict=True):
        our_cpu_s, their_cpu_s = least(our_costs, cpu), least(their_costs, cpu)
        rows.append(
            [
                ours,
                f"{least(our_costs, wall):.1f}",
                f"{our_cpu_s:.2f}",
                f"{size / 1e6 / our_cpu_s:,.0f}",
                f"{least(our_costs, rss):.0f}",
                f"`{theirs}`",
                f"{least(their_costs, wall):.1f}",
                f"{their_cpu_s:.2f}",
                f"{our_cpu_s / their_cpu_s:.2f}x",
            ]
        )
    header = ["meetctl logs", "s", "CPU s", "MB/CPU s", "memory MB", "against", "s", "CPU s", "ratio"]
    return markdown_table(header, rows)


def follow(rate: int, seconds: int) -> list[str]:
    """Follow a log that is written at a rate, and return a row of the table."""
    print(f"  following {rate} lines a second", file=sys.stderr)
    with tempfile.TemporaryDirectory() as directory:
        command: list[str | Path]
        command = [sys.executable, "-c", WRITER, Path(directory) / "worker.jsonl", str(rate), str(seconds)]
        writer = subprocess.Popen(command, stdin=subprocess.PIPE)
        while not list(Path(directory).iterdir()):
            time.sleep(0.1)
        reader = subprocess.Popen(
            [MEETCTL, "logs", directory, "--follow", "--json"], stdout=subprocess.PIPE, text=True
        )
        assert reader.stdout is not None
        reader.stdout.readline()
        process = psutil.Process(reader.pid)
        before = process.cpu_times()
        clock = SystemClock()
        begun_s = clock.monotonic()
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        writer.stdin.close()
        behind, messages = [], []
        for line in islice(reader.stdout, rate * seconds):
            document = json.loads(line)
            behind.append((clock.now() - datetime.fromisoformat(document["ts"])).total_seconds())
            messages.append(document["message"].split()[1])
        took_s = clock.monotonic() - begun_s
        after = process.cpu_times()
        reader.terminate()
        reader.wait()
        writer.wait()
    used_s = after.user + after.system - before.user - before.system
    expected = [str(number) for number in range(rate * seconds)]
    percentiles = statistics.quantiles(behind, n=100)
    return [
        f"{rate:,}",
        f"{len(messages) / took_s:,.0f}",
        "none" if messages == expected else "some",
        f"{percentiles[49]:.2f} / {percentiles[98]:.2f} / {max(behind):.2f} s",
        f"{used_s / took_s:.1%}",
        f"{used_s / len(messages) * 1e6:.0f}",
    ]


if __name__ == "__main__":
    main()
