"""What a scripted person does in a meeting, step by step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

SLIDES = "slides"
"""The screen that `demo_script` shares: drawn slides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitForGreeting:
    """Let the agent speak first."""

    timeout_s: float = 30.0

    def __str__(self) -> str:
        return "waits for the agent's greeting"


@dataclass(frozen=True, slots=True)
class Say:
    """Say something, and listen to the answer where one is expected."""

    text: str
    expects_answer: bool = True
    timeout_s: float = 20.0
    """How long the answer may take to begin."""
    turn_slide_after_s: float | None = None
    """When, after beginning to speak, to show the next slide; None for not at all."""

    def __str__(self) -> str:
        return f'says "{self.text}"'


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Wait until the agent speaks, and speak over it."""

    text: str
    after_s: float = 1.0
    """How long to let it speak."""
    timeout_s: float = 20.0
    """How long to wait for it to speak at all."""

    def __str__(self) -> str:
        return f'interrupts with "{self.text}"'


@dataclass(frozen=True, slots=True)
class Share:
    """Begin to share a screen, next to those that are shared already."""

    screen: str = SLIDES
    fps: float = 30.0

    def __str__(self) -> str:
        return f"shares {self.screen}"


@dataclass(frozen=True, slots=True)
class ShowNext:
    """Show the next slide."""

    screen: str = SLIDES

    def __str__(self) -> str:
        return "shows the next slide"


@dataclass(frozen=True, slots=True)
class StopSharing:
    """Take a shared screen away."""

    screen: str = SLIDES

    def __str__(self) -> str:
        return f"stops sharing {self.screen}"


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for a while."""

    seconds: float

    def __str__(self) -> str:
        return f"waits {self.seconds:g} s"


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave the meeting."""

    def __str__(self) -> str:
        return "leaves"


Step: TypeAlias = WaitForGreeting | Say | Interrupt | Share | ShowNext | StopSharing | Wait | Leave


def demo_script(*, turns_slides: bool = True) -> tuple[Step, ...]:
    """Return the demo's meeting: four questions over five slides, some 70 seconds when they are answered.

    Without `turns_slides` it is for a screen that changes by itself, such as a recording.
    """
    steps = _slides_script()
    if turns_slides:
        return steps
    return tuple(
        replace(step, turn_slide_after_s=None) if isinstance(step, Say) else step
        for step in steps
        if not isinstance(step, ShowNext)
    )


def _slides_script() -> tuple[Step, ...]:
    return (
        WaitForGreeting(),
        Share(),
        Wait(3.0),
        Say("Hello, can you see my screen?"),
        Wait(5.0),
        Say("What has changed on the slide?", turn_slide_after_s=0.2),
        Wait(2.0),
        ShowNext(),
        Wait(4.0),
        Say("How many pictures did you get?", turn_slide_after_s=0.8),
        Wait(3.0),
        ShowNext(),
        Wait(4.0),
        Say("Thank you, that is all. Goodbye."),
        Wait(1.0),
        StopSharing(),
        Leave(),
    )
