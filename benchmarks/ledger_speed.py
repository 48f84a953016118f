"""Measures how fast journals are folded into the ledger, in how much memory, and how fast `cost` answers.

    .venv/bin/python benchmarks/ledger_speed.py [--quick] [--cache DIRECTORY]

The journals are those of meetings of an hour with a shared screen: mostly `video.frames` and `frame.kept`,
and every seventh event is usage. Each fold is a process of its own into a new ledger.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from measure import MEETCTL, Cost, machine, markdown_table, report, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

JOURNAL_EVENTS = 10_000
SIZES = (1_000_000, 10_000_000)
QUICK_SIZES = (100_000, 300_000)
ASKED = 3
"""How often each question is asked; the fastest counts."""
SESSION = "20261101T090000Z-room-000000"

PLAIN = """
import duckdb, sys
query = '''SELECT provider, model, sum(usd::DECIMAL(38, 18))
FROM read_json(?, format = 'newline_delimited',
    columns = {provider: 'VARCHAR', model: 'VARCHAR', usd: 'VARCHAR'})
WHERE usd IS NOT NULL GROUP BY ALL'''
print(duckdb.connect(config={"threads": 2}).execute(query, [sys.argv[1] + "/*/events.jsonl"]).fetchall())
"""


def make_events() -> Iterator[dict[str, Any]]:
    """Yield the events of one meeting."""
    policy = {"fps": "1", "window": 5, "detail": "high", "side": None, "model": "gpt-4.1"}
    providers = {"llm": {"provider": "openai", "model": "gpt-4.1"}}
    size = {"width": 1280, "height": 720}
    yield {
        "type": "session.started",
        "agent": "meetctl",
        "version": "0.1.0",
        "policy": policy,
        "providers": providers,
    }
    for second in range(1, 1_000_000):
        t_us, track = second * 1_000_000, "TR_VSTMkm4N2hitMu"
        times = [t_us + 33_000 * frame for frame in range(30)]
        yield {"type": "video.frames", "t": second, "track": track, "t_us": times, "kept": 1, **size}
        yield {
            "type": "frame.kept",
            "t": second,
            "frame": f"frame-{second:06}",
            "track": track,
            "t_us": t_us,
            **size,
        }
        turn = second // 20
        if second % 5 == 0:
            use = {
                "turn": turn,
                "audio_s": 5.05,
                "basis": "reported",
                "provider": "deepgram",
                "model": "nova-3",
            }
            yield {
                "type": "stt.usage",
                "t": second,
                **use,
                "usd": "0.000404",
                "usd_by_unit": {"minutes": "0.000404"},
            }
        if second % 20 == 0:
            yield from make_turn(turn, second)


def make_turn(turn: int, second: int) -> Iterator[dict[str, Any]]:
    """Yield the events of one question and its answer."""
    yield {"type": "turn.started", "t": second, "turn": turn, "participant": "maya"}
    for words in range(1, 5):
        said = {
            "role": "user",
            "participant": "maya",
            "text": "can you see this " * words,
            "final": words == 4,
        }
        yield {"type": "transcript", "t": second, "turn": turn, **said}
    yield {"type": "agent.state", "t": second, "old": "listening", "new": "thinking"}
    yield {
        "type": "llm.request", "t": second, "turn": turn, "request": f"request-{turn:03}",
        "images": [f"frame-{second - age:06}" for age in range(4, -1, -1)], "as_of_us": second * 1_000_000,
        "width": 1280, "height": 720, "detail": "high", "image_tokens": 5525, "image_tokens_reconciled": 5525,
        "image_basis": "reconciled", "input_tokens": 5699, "cached_input_tokens": 0, "output_tokens": 29,
        "service_tier": "default", "basis": "reported", "outcome": "done", "provider": "openai",
        "model": "gpt-4.1", "usd": "0.01163",
        "usd_by_unit": {"input_tokens": "0.011398", "output_tokens": "0.000232"}, "image_usd": "0.01105",
    }  # fmt: skip
    for _ in range(3):
        use = {"turn": turn, "characters": 116, "audio_s": 11.593, "first_byte_ms": 40, "cancelled": False}
        bill = {"basis": "reported", "provider": "cartesia", "model": "sonic-3", "usd": "0.0058"}
        yield {"type": "tts.usage", "t": second, **use, **bill, "usd_by_unit": {"characters": "0.0058"}}
    latency = {
        "transcript_s": 0.385,
        "end_of_turn_s": 0.485,
        "llm_s": 0.245,
        "tts_s": 0.039,
        "total_s": 0.877,
    }
    yield {
        "type": "turn.ended",
        "t": second,
        "turn": turn,
        "outcome": "done",
        "requests": 1,
        "latency": latency,
    }
    yield {"type": "agent.state", "t": second, "old": "thinking", "new": "listening"}


def make_journal() -> bytes:
    """Return one meeting's journal, whose session has the name `SESSION`."""
    lines = []
    for seq, event in zip(range(JOURNAL_EVENTS), make_events(), strict=False):
        second = int(event.get("t", 0))
        envelope = {
            "v": 1, "seq": seq,
            "ts": f"2026-11-01T{9 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000000Z",
            "t": float(second), "type": event["type"], "session_id": SESSION, "tenant_id": "tenant-00",
            "room": "room-00",
        }  # fmt: skip
        lines.append(json.dumps({**envelope, **event, "t": float(second)}, separators=(",", ":")))
    return "\n".join(lines).encode() + b"\n"


def write_journals(directory: Path, events: int) -> int:
    """Write journals of 20 tenants over 28 days, unless they are there; return how many bytes they have."""
    journal = make_journal()
    for number in range(events // JOURNAL_EVENTS):
        name = f"{SESSION[:-6]}{number:06}"
        path = directory / name / "events.jsonl"
        if not path.exists():
            path.parent.mkdir(parents=True)
            day = f"2026-11-{number % 28 + 1:02}T".encode()
            text = journal.replace(SESSION.encode(), name.encode()).replace(b"2026-11-01T", day)
            path.write_bytes(text.replace(b"tenant-00", f"tenant-{number % 20:02}".encode()))
    return sum(path.stat().st_size for path in directory.glob("*/events.jsonl"))


def measure(events: int, sessions: Path, data: Path) -> tuple[Cost, dict[str, Cost]]:
    """Return what the first fold cost, and what each question cost afterwards."""
    os.environ["XDG_DATA_HOME"] = str(data)
    shutil.rmtree(data, ignore_errors=True)
    at: list[str | Path] = ["--sessions", sessions]
    print(f"  folding {events:,} events", file=sys.stderr)
    folded = run([MEETCTL, "cost", *at])
    questions: dict[str, list[str | Path]] = {
        "`cost`": [MEETCTL, "cost", *at],
        "`cost --by tenant,day`": [MEETCTL, "cost", "--by", "tenant,day", *at],
        "`cost --by session --json`": [MEETCTL, "cost", "--by", "session", "--json", *at],
        "`cost --by meaning`": [MEETCTL, "cost", "--by", "meaning", *at],
        "`cost reprice --model gpt-5.6-luna`": [MEETCTL, "cost", "reprice", "--model", "gpt-5.6-luna", *at],
        "`read_json` over the journals": [sys.executable, "-c", PLAIN, sessions],
    }
    costs = {}
    for name, command in questions.items():
        print(f"  {name}", file=sys.stderr)
        rounds = 1 if "read_json" in name and events >= SIZES[-1] else ASKED
        costs[name] = min((run(command) for _ in range(rounds)), key=lambda cost: cost.wall_s)
    return folded, costs


def main() -> None:
    """Measure, print Markdown tables and keep them in results/."""
    parser = argparse.ArgumentParser(description="Measure folding and asking the ledger.")
    parser.add_argument("--quick", action="store_true", help="fewer events, only printed")
    parser.add_argument("--cache", type=Path, help="keeps the journals; a temporary directory if not given")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as temporary:
        place = options.cache or Path(temporary)
        folds, answers = [], {}
        for events in QUICK_SIZES if options.quick else SIZES:
            sessions = place / f"sessions-{events}"
            size = write_journals(sessions, events)
            folded, costs = measure(events, sessions, Path(temporary) / "data")
            ledger = sum(path.stat().st_size for path in (Path(temporary) / "data").rglob("*.duckdb"))
            folds.append(
                [
                    f"{events:,}", f"{size / 1e6:,.0f} MB", f"{folded.wall_s:.1f} s",
                    f"{events / folded.wall_s:,.0f}", f"{folded.cpu_s * 1e6 / events:.1f} µs",
                    f"{folded.rss_mb:.0f} MB", f"{ledger / 1e6:,.0f} MB",
                ]
            )  # fmt: skip
            answers[events] = costs
    header = ["events", "journals", "first fold", "events/s", "CPU an event", "peak memory", "ledger"]
    names = list(next(iter(answers.values())))
    rows = [
        [
            name,
            *(
                f"{answers[events][name].wall_s:.2f} s, {answers[events][name].cpu_s:.2f} s, "
                f"{answers[events][name].rss_mb:.0f} MB"
                for events in answers
            ),
        ]
        for name in names
    ]
    text = "\n".join(
        [
            f"Folding journals, and asking once they are folded. {machine('duckdb')}. "
            f"Load before it began: {load:.1f}.",
            "",
            markdown_table(header, folds),
            "",
            markdown_table(
                ["once folded: wall time, CPU time, peak memory", *(f"{events:,}" for events in answers)],
                rows,
            ),
        ]
    )
    if options.quick:
        print(text)
    else:
        report("ledger_speed", text)


if __name__ == "__main__":
    main()
