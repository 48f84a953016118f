"""A dashboard that somebody sits at, to act on a meeting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from tests.dashboards import make_meeting, make_view, read_recording
from tests.fakes.clock import ManualClock
from tests.fakes.dashboard import FakeActions, FakeFeed
from textual.pilot import Pilot
from textual.widgets import Input, Static

from meetctl.domain.control import change_policy
from meetctl.domain.events import Event
from meetctl.domain.policy import Policy
from meetctl.domain.view.projection import HourProjection
from meetctl.tui.app import Dashboard
from meetctl.tui.dependencies import Dependencies
from meetctl.tui.screens.actions import ActionsScreen
from meetctl.tui.screens.meeting import MeetingScreen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meetctl.domain.state import SessionState
    from meetctl.domain.view.dashboard import Meeting

DEMO = read_recording("live-demo")
RUNNING = tuple(takewhile(lambda event: event.type != "participant.left", DEMO))
WORDS = "the secret plan for spring"


def project(_: SessionState, changes: Mapping[str, Any]) -> HourProjection:
    """An hour that costs a dollar for each frame a second."""
    policy = change_policy(changes, Policy(name="", fps=Fraction(1)))
    fps = Fraction(0) if policy.fps is None else policy.fps
    return HourProjection(
        policy=policy,
        requests=Fraction(60),
        images_per_request=Fraction(5),
        tokens_per_image=Fraction(85),
        vision_usd=Decimal(fps.numerator) / fps.denominator,
        vision_list_usd=Decimal(fps.numerator) / fps.denominator,
        rest_usd=Decimal(0),
        assumptions=("as many requests an hour as so far",),
    )


def told(type_: str, **fields: Any) -> Event:
    """Return one more event of the meeting."""
    last = RUNNING[-1]
    return replace(last, seq=last.seq + 1, type=type_, fields=fields)


@dataclass
class Desk:
    """A dashboard that somebody sits at, and what it is connected to."""

    meeting: Meeting = field(default_factory=lambda: make_meeting(RUNNING))
    actions: FakeActions | None = field(default_factory=FakeActions)
    clock: ManualClock = field(default_factory=ManualClock)
    no_actions: str = ""

    def __post_init__(self) -> None:
        self.feed = FakeFeed(make_view(self.meeting))
        self.app = Dashboard(
            Dependencies(
                feed=self.feed,
                clock=self.clock,
                actions=self.actions,
                no_actions=self.no_actions,
                project=project,
            )
        )

    @property
    def fake(self) -> FakeActions:
        assert self.actions is not None
        return self.actions

    @property
    def progress(self) -> str:
        """What the open dialog says of its action."""
        return str(self.app.screen.query_one("#progress", Static).content)

    def tell(self, *events: Event) -> None:
        """Let the feed show the meeting after more events."""
        self.feed.views.put_nowait(make_view(make_meeting((*RUNNING, *events))))

    def sit(
        self, drive: Callable[[Pilot[int]], Awaitable[None]], *, size: tuple[int, int] = (120, 40)
    ) -> None:
        """Open the meeting, and do what `drive` does."""

        async def run() -> None:
            async with self.app.run_test(size=size) as pilot:
                await pilot.pause()
                await pilot.press("enter")
                await pilot.pause()
                assert isinstance(self.app.screen, MeetingScreen)
                await drive(pilot)

        asyncio.run(run())

    async def until(self, pilot: Pilot[int], what: str) -> None:
        """Wait until the open dialog says something."""
        async with asyncio.timeout(20):
            while what not in self.progress:
                await pilot.pause(0.02)


async def type_text(pilot: Pilot[Any], selector: str, text: str) -> None:
    pilot.app.screen.query_one(selector, Input).value = text
    await pilot.pause()


async def choose(pilot: Pilot[int], key: str) -> None:
    await pilot.press("a")
    await pilot.pause()
    assert isinstance(pilot.app.screen, ActionsScreen)
    await pilot.press(key)
    await pilot.pause()
