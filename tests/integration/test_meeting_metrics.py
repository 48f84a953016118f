"""The metrics of whole meetings: what a worker's port serves is what the journals of all its sessions say."""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.backed_meeting import BackedStack, run_backed_stack, typing
from tests.live_agent import ask as fetch
from tests.live_meeting import share_camera

from meetctl.core.metrics import STAGES
from meetctl.stack.participant.pictures import SlidePictures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.live_meeting import Event, LiveMeeting

pytestmark = pytest.mark.live

MODEL = "gpt-4.1"
ASKED = "Please stop talking."
LOOKS = 1200
LOOK_EVERY_S = 0.05


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedStack]:
    options = ("--prometheus-port", "0", "--record", "off", "--grace-s", "1", "--max-meetings", "7")
    with run_backed_stack(tmp_path_factory.mktemp("stack"), *options, model_key="key-of-a-test") as running:
        yield running


class Metrics:
    """What the worker's port says at one moment."""

    def __init__(self, text: str) -> None:
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of all values with these labels."""
        return sum(
            sample.value
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def by(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Return the values that are not 0, by their labels."""
        return {
            tuple(sample.labels[label] for label in labels): sample.value
            for sample in self._samples
            if sample.name == name and sample.value
        }


async def read_metrics(stack: BackedStack) -> Metrics:
    registration = stack.worker.registration()
    assert registration is not None
    status, text = await fetch(f"http://127.0.0.1:{registration['prometheus_port']}/metrics")
    assert status == 200
    return Metrics(text)


async def wait_until(stack: BackedStack, condition: Callable[[Metrics], bool], what: str) -> Metrics:
    """Return the metrics as soon as a condition holds."""
    for _ in range(LOOKS):
        metrics = await read_metrics(stack)
        if condition(metrics):
            return metrics
        await asyncio.sleep(LOOK_EVERY_S)
    pytest.fail(f"did not come about: {what}\n{stack.worker.said()}")


def counted(events: list[Event], type_: str, *fields: str) -> dict[tuple[str, ...], float]:
    """Return how often events of a type have which values in these fields."""
    return dict(
        Counter(tuple(event[field] for field in fields) for event in events if event["type"] == type_)
    )


def check(metrics: Metrics, events: list[Event]) -> None:
    """The counters must say what the events say."""

    def of(type_: str) -> list[Event]:
        return [event for event in events if event["type"] == type_]

    assert metrics.total("meetctl_frames_seen_total") == sum(len(one["t_us"]) for one in of("video.frames"))
    assert metrics.total("meetctl_frames_kept_total") == sum(one["kept"] for one in of("video.frames"))
    requests = [one for one in of("llm.request") if one["outcome"] != "failed"]
    kinds = {"input": "input_tokens", "output": "output_tokens", "image": "image_tokens"}
    for kind, field in kinds.items():
        counter = metrics.total("meetctl_llm_tokens_total", kind=kind, model=MODEL)
        assert counter == sum(one[field] for one in requests) > 0
    assert metrics.total("meetctl_llm_images_total") == sum(len(one["images"]) for one in requests) > 0
    usd = sum(Decimal(one["usd"]) for one in events if one["type"].endswith((".usage", "llm.request")))
    assert metrics.total("meetctl_cost_usd_total") == pytest.approx(float(usd))
    assert usd > 0
    characters = sum(one["characters"] for one in of("tts.usage"))
    assert metrics.total("meetctl_tts_characters_total") == characters > 0
    latencies = [one["latency"] for one in of("turn.ended")]
    for stage in STAGES:
        known = [latency[f"{stage}_s"] for latency in latencies if f"{stage}_s" in latency]
        assert metrics.total("meetctl_answer_latency_seconds_count", stage=stage) == len(known)
        assert metrics.total("meetctl_answer_latency_seconds_sum", stage=stage) == pytest.approx(sum(known))
    for name, labels, type_ in (
        ("meetctl_sessions_started_total", (), "session.started"),
        ("meetctl_turns_total", ("outcome",), "turn.ended"),
        ("meetctl_llm_requests_total", ("model", "outcome"), "llm.request"),
        ("meetctl_errors_total", ("component",), "error"),
        ("meetctl_backend_calls_total", ("procedure", "outcome"), "backend.call"),
        ("meetctl_knowledge_searches_total", ("outcome",), "knowledge.searched"),
    ):
        assert metrics.by(name, *labels) == counted(events, type_, *labels)


async def hold_both(stack: BackedStack, one: LiveMeeting, two: LiveMeeting) -> None:
    """Hold two meetings at once, lose the backend in both, and kill the second's process."""
    async with (
        typing(one, "maya") as maya,
        typing(two, "noor") as noor,
        share_camera(maya.room, SlidePictures(320, 240)),
        share_camera(noor.room, SlidePictures(320, 240)),
    ):
        for meeting, person in ((one, maya), (two, noor)):
            await meeting.wait_for("frame.kept")
            await person.ask(ASKED)
        await stack.break_provider("openai", "500", count=1)
        await maya.ask(ASKED)
        stack.peer.stop()
        for meeting, person in ((one, maya), (two, noor)):
            await person.type("When does the warehouse open?")
            await meeting.wait_for("backend.degraded")
        before = await read_metrics(stack)
        assert before.total("meetctl_sessions_running") == 2
        assert before.total("meetctl_sessions_max") == 7
        assert before.total("meetctl_degraded_sessions", component="backend") == 2
        stack.worker.process_of(two.journal).kill()
        await wait_until(stack, lambda now: now.total("meetctl_sessions_running") == 1, "one runs")
        await wait_until(stack, lambda now: now.total("meetctl_degraded_sessions") == 1, "one is degraded")
        stack.peer.start()
        await one.wait_for("backend.recovered")
        await wait_until(stack, lambda now: now.total("meetctl_degraded_sessions") == 0, "none is degraded")
    await one.end()


async def hold_the_next(meeting: LiveMeeting) -> None:
    """Hold one more meeting, in which nothing fails."""
    async with typing(meeting) as maya:
        await maya.ask(ASKED)
    await meeting.end()


async def wait_until_none_runs(stack: BackedStack) -> Metrics:
    return await wait_until(stack, lambda now: now.total("meetctl_sessions_running") == 0, "none runs")


def test_metrics_say_what_the_journals_say_of_a_killed_meeting_and_go_on_with_the_next(
    stack: BackedStack,
) -> None:
    one, two, three = (stack.tenant_meeting(room) for room in ("one", "two", "three"))

    async def run() -> tuple[Metrics, Metrics]:
        await hold_both(stack, one, two)
        of_two = await wait_until_none_runs(stack)
        await hold_the_next(three)
        return of_two, await wait_until_none_runs(stack)

    of_two, of_three = asyncio.run(run())
    check(of_two, [*one.events(), *two.events()])
    assert of_two.by("meetctl_sessions_ended_total", "reason") == {("everyone_left",): 1}
    assert two.events("session.ended") == []
    check(of_three, [*one.events(), *two.events(), *three.events()])
    assert of_three.total("meetctl_sessions_started_total") == 3
