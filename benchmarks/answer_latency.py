"""Measures how long a person waits for an answer, by stage, with each way of finding the end of a turn.

    .venv/bin/python benchmarks/answer_latency.py [--quick] [--questions N] [--backend]

A real LiveKit server, a worker for each way, and offline providers, which are a part of what is measured:
recognition, answer and voice are made on this machine. The stages come from the agent's journal, the wait
from the scripted person's ears: from the last sample of the question to the first audible one of the answer.
With --backend the meetings have a tenant with knowledge, in a real tRPC server on this machine (needs Node).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from live_meetings import LiveStack, find_ended, run_with_stack, wait_for
from measure import machine, markdown_table, report
from meetctl.core.config import TURN_DETECTIONS
from meetctl.domain.tenancy import Tenant
from meetctl.errors import MeetctlError
from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures
from meetctl.stack.rooms import dispatch_agent, mint_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.backend_peer import Peer

ROOT = Path(__file__).resolve().parent.parent
PERSON, NAME = "maya", "Maya"
QUESTIONS = (
    "How many pictures did you get?",
    "Hello, can you see my screen?",
    "What has changed on the slide?",
    "Please describe everything that you see.",
)
COUNT = 40
QUICK_COUNT = 2
A_MEETING = 10
"""Questions of one meeting; then the other way of finding the end of a turn has its turn."""
SCREEN_FPS = 5.0
"""Few, so that sending pictures leaves the machine to those who are measured."""
PAUSE_S = 1.5
JOIN_LIMIT_S = 120.0
END_LIMIT_S = 60.0

TRANSCRIPT = "words found (a part of the end of the turn)"
TENANT = Tenant(id="acme", tier="enterprise")
KNOWLEDGE = (
    "The screen shows the slides of the quarterly review.",
    "What has changed on a slide is marked in its corner.",
    "Pictures of the screen are taken once a second.",
)
SUM = "agent's own account, end of speech to first audio"
STAGES = {
    "transcript_s": TRANSCRIPT,
    "end_of_turn_s": "end of the turn found",
    "llm_s": "model's first piece",
    "knowledge_s": "knowledge waited for (a part of the model's first piece)",
    "tts_s": "voice's first piece",
    "rest_s": "all else in the agent",
    "total_s": SUM,
}
"""What `turn.ended` tells, and the rest of it, in the order in which it happens."""
HEARD = "person's own ears, end of speech to first audible sound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one meeting gave."""

    detection: str
    asked: int
    heard_s: list[float]
    stages: list[dict[str, float]]
    """Of each answered turn, as far as they are known."""


async def hold_meeting(
    stack: LiveStack, detection: str, number: int, questions: int, peer: Peer | None
) -> Answers:
    """Ask so many questions in a meeting with this way of finding the end of a turn."""
    before = set(stack.journals())
    room = f"latency-{number}-{detection}"
    if peer is not None:
        peer.set_tenant(room, TENANT)
    await dispatch_agent(stack.livekit, room, worker_name(detection), {})
    journal = await wait_for(
        f"the agent in {room}", lambda: next(iter(set(stack.journals()) - before), None), JOIN_LIMIT_S
    )
    heard_s = []
    async with ScriptedPerson(PERSON, NAME) as person:
        await person.join(stack.livekit.url, mint_token(stack.livekit, room, PERSON, NAME))
        await person.wait_for_answer()
        slides = SlidePictures()
        await person.share_screen(slides, SCREEN_FPS)
        for asked in range(questions):
            await asyncio.sleep(PAUSE_S)
            slides.show_next()
            await person.speak(QUESTIONS[asked % len(QUESTIONS)])
            answer = await person.wait_for_answer()
            if answer is not None:
                heard_s.append(answer.first_audio_s)
    events = await wait_for(f"the end of {room}", lambda: find_ended(journal), END_LIMIT_S)
    stages = [
        add_rest(event.fields["latency"])
        for event in events
        if event.type == "turn.ended" and event.fields["outcome"] == "done" and event.fields["latency"]
    ]
    return Answers(detection=detection, asked=questions, heard_s=heard_s, stages=stages)


def add_rest(latency: dict[str, float]) -> dict[str, float]:
    """Return a turn's stages with what none of them explains."""
    parts = ("end_of_turn_s", "llm_s", "tts_s")
    if "total_s" not in latency or any(part not in latency for part in parts):
        return latency
    return latency | {"rest_s": latency["total_s"] - sum(latency[part] for part in parts)}


def worker_name(detection: str) -> str:
    """Return the name under which the worker with this way is dispatched."""
    return f"latency-{detection}"


async def measure_all(stack: LiveStack, count: int, peer: Peer | None) -> list[Answers]:
    """Hold the meetings of all ways in turn until each has been asked `count` questions."""
    for detection in TURN_DETECTIONS:
        options = ("--turn-detection", detection, "--grace-s", "1")
        await stack.start_worker(worker_name(detection), *options, environment=backend_environment(peer))
    answers = []
    for number, first in enumerate(range(0, count, A_MEETING), start=1):
        for detection in TURN_DETECTIONS:
            questions = min(A_MEETING, count - first)
            print(f"  meeting {number}: {questions} questions, {detection}", file=sys.stderr)
            answers.append(await hold_meeting(stack, detection, number, questions, peer))
    return answers


def backend_environment(peer: Peer | None) -> dict[str, str]:
    """Return the variables with which a worker finds the backend, if there is one."""
    if peer is None:
        return {}
    return {
        "API_BASE_URL": peer.url,
        "AGENT_API_KEY": peer.key,
        "MEETCTL_BACKEND_TRANSFORMER": peer.transformer,
    }


def start_peer(running: ExitStack) -> Peer:
    """Start a backend that has the tenant's knowledge."""
    # The server is the one that tests use; run as a program, Python finds only what is beside this file.
    sys.path.insert(0, str(ROOT))
    from tests.backend_peer import run_backend_peer

    peer = running.enter_context(run_backend_peer("superjson"))
    for number, text in enumerate(KNOWLEDGE):
        peer.add_knowledge(TENANT.id, f"piece-{number}", text)
    return peer


def make_report(answers: Sequence[Answers]) -> str:
    """Return the report: every stage with each way."""
    rows = []
    has_backend = any("knowledge_s" in stages for meeting in answers for stages in meeting.stages)
    for key, what in {**STAGES, "": HEARD}.items():
        if key == "knowledge_s" and not has_backend:
            continue
        cells = [what]
        for detection in TURN_DETECTIONS:
            meetings = [meeting for meeting in answers if meeting.detection == detection]
            if key:
                values = [stages[key] for meeting in meetings for stages in meeting.stages if key in stages]
            else:
                values = [value for meeting in meetings for value in meeting.heard_s]
            cells += [
                show_percentile(values, 0.5),
                show_percentile(values, 0.95),
                f"{len(values)} of {sum(meeting.asked for meeting in meetings)}",
            ]
        rows.append(cells)
    header = ["seconds", *(f"{way}, {what}" for way in TURN_DETECTIONS for what in ("p50", "p95", "turns"))]
    return "\n".join(
        [
            "Questions asked by voice in a real room, the ways in turn, a screen shared at "
            f"{SCREEN_FPS:g} fps. {machine('livekit-agents', 'livekit')}.",
            "",
            "Recognition, answers and voice are the offline providers', made on the machine that also runs "
            "the person, the server and the agent: their stages say what the demo takes, not what OpenAI, "
            "Deepgram and Cartesia take. Finding the end of a turn and all else are the agent's own.",
            "",
            markdown_table(header, rows),
        ]
    )


def show_percentile(values: Sequence[float], share: float) -> str:
    """Return a percentile, between neighbours in proportion; a dash for no values."""
    if not values:
        return "–"
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{statistics.quantiles(values, n=100, method='inclusive')[round(share * 100) - 1]:.2f}"


def main() -> int:
    """Measure, print a report and keep it in results/; return the exit status."""
    parser = argparse.ArgumentParser(description="Measure the wait for an answer.")
    parser.add_argument("--quick", action="store_true", help="two questions for each way, only printed")
    parser.add_argument("--questions", type=int, metavar="N", help="for each way")
    parser.add_argument("--backend", action="store_true", help="with a tenant's knowledge; needs Node")
    options = parser.parse_args()
    count = options.questions or (QUICK_COUNT if options.quick else COUNT)
    with ExitStack() as running:
        peer = start_peer(running) if options.backend else None
        try:
            answers = asyncio.run(run_with_stack(lambda stack: measure_all(stack, count, peer)))
        except MeetctlError as error:
            print(f"answer_latency: {error.message}\n{error.hint or ''}", file=sys.stderr)
            return int(error.exit_code)
    text = make_report(answers)
    if options.quick:
        print(text)
    else:
        report("answer_latency", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
