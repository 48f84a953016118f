"""The words on the screen of the code walkthrough."""

from __future__ import annotations

RETRY_QUEUE = '''\
"""A queue that tries failed jobs again, later and later."""

from __future__ import annotations

import heapq
import logging
from dataclasses import dataclass, field
from random import Random

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Policy:
    """How often and how late a failed job is tried again."""

    base_s: float = 4.0
    cap_s: float = 60.0
    jitter_s: float = 2.5
    max_attempts: int = 6


@dataclass(order=True)
class Job:
    """One unit of work, ordered by the time at which it is due."""

    due_s: float
    name: str = field(compare=False)
    attempt: int = field(default=1, compare=False)


def next_delay(attempt: int, policy: Policy) -> float:
    """Return the delay before the next attempt, in seconds."""
    return policy.base_s * 2 ** (attempt - 1)


class RetryQueue:
    """Jobs that wait for their next attempt; not for several threads."""

    def __init__(self, policy: Policy, random: Random) -> None:
        self.policy = policy
        self.random = random
        self.waiting: list[Job] = []
        self.failed: list[Job] = []

    def __len__(self) -> int:
        return len(self.waiting)

    def take_due(self, now_s: float) -> list[Job]:
        """Remove and return every job whose time has come."""
        due = []
        while self.waiting and self.waiting[0].due_s <= now_s:
            due.append(heapq.heappop(self.waiting))
        return due

    def schedule(self, job: Job, now_s: float) -> None:
        """Put a failed job back, or give it up after the last attempt."""
        if job.attempt >= self.policy.max_attempts:
            logger.warning("giving up on %s", job.name)
            self.failed.append(job)
            return
        delay_s = next_delay(job.attempt, self.policy)
        delay_s = min(delay_s, self.policy.cap_s)
        delay_s += self.random.uniform(0.0, self.policy.jitter_s)
        again = Job(now_s + delay_s, job.name, job.attempt + 1)
        heapq.heappush(self.waiting, again)

    def drain(self) -> list[Job]:
        """Remove and return all jobs, the earliest first."""
        jobs = sorted(self.waiting)
        self.waiting.clear()
        return jobs
'''

CAPPED_BEFORE_JITTER = """\
        delay_s = min(delay_s, self.policy.cap_s)
        delay_s += self.random.uniform(0.0, self.policy.jitter_s)
"""
CAPPED_AFTER_JITTER = """\
        delay_s += self.random.uniform(0.0, self.policy.jitter_s)
        delay_s = min(delay_s, self.policy.cap_s)
"""
FIXED_RETRY_QUEUE = RETRY_QUEUE.replace(CAPPED_BEFORE_JITTER, CAPPED_AFTER_JITTER)

SETTINGS = '''\
"""Settings of the worker, read once at the start."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """What an operator may change without a release."""

    workers: int = 8
    queue_name: str = "parcels"
    poll_every_s: float = 0.25


def load(path: Path) -> Settings:
    """Read the settings from a TOML file."""
    with path.open("rb") as file:
        return Settings(**tomllib.load(file))
'''

BRANCH = ("$ git switch retry-cap", "Switched to branch 'retry-cap'", "$ ")
TESTS_RUN = (
    "$ git switch retry-cap",
    "Switched to branch 'retry-cap'",
    "$ pytest -q",
    "collected 15 items ...",
)
TESTS_FAILED = (
    "$ pytest -q",
    "............F..",
    "FAILED test_retry_queue.py::test_delay_never_passes_cap",
    "E   assert 62.1 <= 60.0",
    "1 failed, 14 passed in 2.61s",
    "$ ",
)
TESTS_RUN_AGAIN = (
    "$ git commit -am 'Cap the delay after the jitter'",
    "$ pytest -q",
    "collected 15 items ...",
)
TESTS_PASSED = ("$ pytest -q", "...............", "15 passed in 1.58s", "$ ")

Paragraph = tuple[str, str]
"""A style (title, heading, text, bullet) and its words."""

PAGES: tuple[tuple[Paragraph, ...], ...] = (
    (
        ("title", "Retry queue"),
        ("text", "Design note 14  ·  Daniel Ortiz  ·  9 November 2026"),
        ("heading", "Why"),
        (
            "text",
            "A parcel update that fails is lost today. In October we lost 312 of them, "
            "most during a restart.",
        ),
        ("heading", "What we want"),
        ("bullet", "A failed job is tried again, later each time."),
        ("bullet", "Many failures at once do not hit the service together."),
        ("bullet", "A job that cannot succeed ends up on a list for people."),
        ("heading", "What we leave out"),
        (
            "text",
            "Jobs are not kept on disk. A restart of the worker still loses what waits; "
            "note 15 is about that.",
        ),
        ("heading", "Limits"),
        ("bullet", "At most six attempts for each job."),
        ("bullet", "All of them within ten minutes."),
        ("bullet", "No single delay above sixty seconds."),
        ("heading", "Delay"),
        ("text", "Four seconds, doubled with each attempt, plus up to 2.5 seconds at random."),
        ("text", "The cap holds for the sum: nobody waits longer than a minute."),
    ),
    (
        ("title", "Life of a job"),
        ("text", "A job is in exactly one of these states."),
        ("bullet", "queued: waits for a free worker"),
        ("bullet", "running: a worker has it"),
        ("bullet", "waiting: failed, has a time for the next attempt"),
        ("bullet", "done: succeeded, kept for a day"),
        ("bullet", "given up: six attempts failed, on the list"),
    ),
    (
        ("title", "Metrics"),
        ("text", "Three numbers tell whether the queue is healthy."),
        ("heading", "retry_waiting_jobs"),
        ("text", "How many jobs wait. Alarm above 5,000."),
        ("heading", "retry_delay_seconds"),
        ("text", "Histogram of the delays, with the cap as last bucket."),
        ("heading", "retry_given_up_total"),
        ("text", "Jobs on the list. Alarm at the first one."),
    ),
    (
        ("title", "Failure modes"),
        ("heading", "The service is down"),
        ("text", "All jobs wait; memory holds 400,000 of them."),
        ("heading", "The clock jumps"),
        ("text", "We use the monotonic clock, so delays stay right."),
        ("heading", "A poisoned job"),
        ("text", "Six attempts, then the list. Others are not delayed."),
    ),
    (
        ("title", "Rollout plan"),
        ("text", "Each step needs a quiet day before the next one."),
        ("heading", "Tuesday 17 November"),
        ("text", "10 % of the workers, Rotterdam only."),
        ("heading", "Thursday 19 November"),
        ("text", "50 % of the workers, all hubs."),
        ("heading", "Monday 23 November"),
        ("text", "All workers. The old code is removed a week later."),
    ),
)
