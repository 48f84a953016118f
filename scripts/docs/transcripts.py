"""What commands printed that need a real meeting or a server: recorded, because no two runs are the same.

Each is a file of docs/transcripts; CONTRIBUTING.md says how they are recorded. The demo's belongs to the
bundle recordings/live-demo, which the same run has left, and is held against that bundle's journal.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / "docs" / "transcripts"
DEMO_JOURNAL = ROOT / "recordings" / "live-demo" / "events.jsonl"
DEMO = "meetctl demo"
WITH_BACKEND = "meetctl agent start --prometheus-port 9464"
METRICS = "curl -s http://127.0.0.1:9464/metrics | grep -E '^meetctl_(sessions|backend_calls|knowledge|cost)'"
JOURNAL = (
    """jq -c 'select(.type | test("^(tenant|transcript|knowledge|policy|control)"))"""
    """ | del(.v, .ts, .session_id, .room)' events.jsonl"""
)
COST_BUDGET = "meetctl cost budget"
BUDGET_JOURNAL = (
    """jq -c 'select(.type == "budget.step") | del(.v, .ts, .session_id, .tenant_id, .room, .policy)'"""
    """ events.jsonl"""
)
JOIN = "meetctl join standup --create --tenant acme --fps 0.5"
JOIN_WITHOUT_WORKER = "meetctl join standup --agent-name meetctl-eu --timeout 5"
ROOMS = (
    JOIN,
    "meetctl rooms list",
    "meetctl rooms show standup",
    "meetctl leave standup -y",
    JOIN_WITHOUT_WORKER,
)
FILES = {
    DEMO: "demo.txt",
    "meetctl up": "up.txt",
    "meetctl agent start": "agent-start.txt",
    "meetctl down": "down.txt",
    "meetctl config show --profile staging": "config-show.txt",
    "meetctl record standup --wait --grace 5s --sessions /srv/recordings": "record.txt",
    "meetctl replay --verify 20261124T150629Z-standup-27cf69": "record-verify.txt",
    "meetctl replay --turns vad --fps 1 --fps 0.2 20261124T150629Z-standup-27cf69": "record-replay.txt",
    "meetctl doctor": "doctor.txt",
    WITH_BACKEND: "backend-worker.txt",
    METRICS: "backend-metrics.txt",
    JOURNAL: "backend-journal.txt",
    COST_BUDGET: "budget-cost.txt",
    BUDGET_JOURNAL: "budget-journal.txt",
    **dict(zip(ROOMS, ("join.txt", "rooms.txt", "room.txt", "leave.txt", "join-failed.txt"), strict=True)),
}
_ANSWER = re.compile(r'agent: "(?P<text>.*)" \(first sound after')


def is_recorded(command: str) -> bool:
    """Tell whether a command is not run for the documentation."""
    return command in FILES


def read_transcript(command: str) -> str | None:
    """Return what a command printed when it was recorded; None for one that is run instead.

    Raises:
        RuntimeError: It is missing, or the demo's is not of the bundle that is kept.
    """
    if not is_recorded(command):
        return None
    path = DIRECTORY / FILES[command]
    if not path.exists():
        raise RuntimeError(f"{path.relative_to(ROOT)} is missing; CONTRIBUTING.md says how to record it")
    text = path.read_text(encoding="utf-8")
    if command == DEMO:
        _hold_against_journal(text)
    return text


def _hold_against_journal(transcript: str) -> None:
    """Check that the agent said, by the bundle's journal, what the transcript says that it said."""
    if not DEMO_JOURNAL.exists():
        raise RuntimeError(
            f"{DEMO_JOURNAL.relative_to(ROOT)} is missing; CONTRIBUTING.md says how to record it"
        )
    events = map(json.loads, DEMO_JOURNAL.read_text(encoding="utf-8").splitlines())
    spoken = [
        event["text"] for event in events if event["type"] == "transcript" and event["role"] == "assistant"
    ]
    heard = _ANSWER.findall(transcript)
    if heard != spoken:
        raise RuntimeError(
            f"docs/transcripts/{FILES[DEMO]} is not of the meeting in recordings/live-demo: "
            f"it has the answers {heard}, the journal {spoken}"
        )
