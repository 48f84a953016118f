"""A scripted person performs its script."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from meetctl.errors import UsageError
from meetctl.stack.participant.pictures import SlidePictures
from meetctl.stack.participant.script import (
    SLIDES,
    Interrupt,
    Leave,
    Say,
    Share,
    ShowNext,
    Step,
    StopSharing,
    Wait,
    WaitForGreeting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from meetctl.stack.participant.person import ScriptedPerson
    from meetctl.stack.participant.pictures import PictureSource
    from meetctl.stack.participant.report import Answer, PersonReport
    from meetctl.stack.participant.screen import ScreenShare


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBegun:
    """A step begins."""

    number: int
    """From 1."""
    total: int
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """A step has ended."""

    number: int
    total: int
    step: Step
    answer: Answer | None = None
    """What the agent said in it: its greeting, its answer, or what was interrupted."""


StepNews: TypeAlias = StepBegun | StepDone


async def run_script(
    person: ScriptedPerson,
    steps: Sequence[Step],
    on_step: Callable[[StepNews], None] | None = None,
    screens: Mapping[str, PictureSource] | None = None,
) -> PersonReport:
    """Perform `steps` one after the other, and return the person's report.

    The person must have joined, and stays unless the script says `Leave`. `screens` are what the script
    shares, by name; without them it is drawn slides named "slides". `on_step` is told of each step when it
    begins and when it has ended. An agent that does not answer ends nothing: it stands in the report.

    Raises:
        UsageError: The script shares a screen that is not there, or turns slides that are none; nothing
            has been done then.
        ServiceError: The connection to the LiveKit server ended.
        MeetctlError: A screen has nothing to show, or there is no voice on this machine.
    """
    performance = _Performance(person, {SLIDES: SlidePictures()} if screens is None else screens)
    for step in steps:
        performance.check(step)
    tell = on_step or (lambda _: None)
    for number, step in enumerate(steps, start=1):
        tell(StepBegun(number=number, total=len(steps), step=step))
        answer = await performance.perform(step)
        tell(StepDone(number=number, total=len(steps), step=step, answer=answer))
    return person.report()


class _Performance:
    def __init__(self, person: ScriptedPerson, screens: Mapping[str, PictureSource]) -> None:
        self._person = person
        self._screens = screens
        self._shares: dict[str, ScreenShare] = {}

    def check(self, step: Step) -> None:
        match step:
            case Share() | StopSharing():
                self._screen(step.screen)
            case ShowNext():
                self._slides(step.screen)
            case Say(turn_slide_after_s=float()):
                self._slides(SLIDES)
            case _:
                return

    async def perform(self, step: Step) -> Answer | None:
        match step:
            case WaitForGreeting():
                return await self._person.wait_for_answer(step.timeout_s)
            case Say():
                return await self._say(step)
            case Interrupt():
                return await self._interrupt(step)
            case Share():
                await self._stop_sharing(step.screen)
                self._shares[step.screen] = await self._person.share_screen(
                    self._screen(step.screen), step.fps
                )
            case ShowNext():
                self._slides(step.screen).show_next()
            case StopSharing():
                await self._stop_sharing(step.screen)
            case Wait():
                await asyncio.sleep(step.seconds)
            case Leave():
                await self._person.leave()
        return None

    async def _say(self, step: Say) -> Answer | None:
        if step.turn_slide_after_s is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(step.turn_slide_after_s, self._slides(SLIDES).show_next)
        await self._person.speak(step.text)
        return await self._person.wait_for_answer(step.timeout_s) if step.expects_answer else None

    async def _interrupt(self, step: Interrupt) -> Answer | None:
        if await self._person.wait_until_agent_speaks(step.timeout_s):
            await asyncio.sleep(step.after_s)
        return await self._person.interrupt_with(step.text, timeout_s=step.timeout_s)

    async def _stop_sharing(self, name: str) -> None:
        share = self._shares.pop(name, None)
        if share is not None:
            await share.stop()

    def _screen(self, name: str) -> PictureSource:
        if name not in self._screens:
            known = ", ".join(sorted(self._screens)) or "none"
            raise UsageError(
                f"the script shares a screen {name!r} that is not there", hint=f"there is: {known}"
            )
        return self._screens[name]

    def _slides(self, name: str) -> SlidePictures:
        screen = self._screen(name)
        if not isinstance(screen, SlidePictures):
            raise UsageError(f"the script turns the slides of {name!r}, which has none")
        return screen
