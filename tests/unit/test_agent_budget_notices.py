"""What people are told of a budget: the most that changes, in the configured way, and never an amount."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.fakes.clock import run_virtually

from meetctl.agent import budget_notices
from meetctl.agent.budget_notices import (
    CLOSER,
    LESS_CLOSELY,
    NO_SPEECH,
    NO_VISION,
    SAY_LIMIT_S,
    SPEECH,
    VISION,
    BudgetNotices,
    compose_notice,
)
from meetctl.domain.restraint import NO_RESTRAINT, Restraint

if TYPE_CHECKING:
    from meetctl.domain.budget import Announcing

LOW = Restraint(detail="low")
SLOW = replace(LOW, window=1)
BLIND = replace(SLOW, sees=False)
SILENT = replace(BLIND, speaks=False)


@pytest.mark.parametrize(
    ("before", "after", "notice"),
    [
        (NO_RESTRAINT, LOW, LESS_CLOSELY),
        (LOW, SLOW, LESS_CLOSELY),
        (SLOW, BLIND, NO_VISION),
        (NO_RESTRAINT, SILENT, NO_SPEECH),
        (SILENT, BLIND, SPEECH),
        (SILENT, NO_RESTRAINT, SPEECH),
        (BLIND, LOW, VISION),
        (SLOW, LOW, CLOSER),
        (LOW, NO_RESTRAINT, CLOSER),
        (LOW, LOW, None),
    ],
)
def test_the_most_that_changes_is_told(before: Restraint, after: Restraint, notice: str | None) -> None:
    assert compose_notice(before, after) == notice


def test_nobody_is_told_an_amount() -> None:
    sentences = [text for name, text in vars(budget_notices).items() if name.isupper()]
    assert len(sentences) > 6
    assert not [text for text in sentences if isinstance(text, str) and any(c in "$0123456789" for c in text)]


@dataclass
class Output:
    audio_enabled: bool = True


@dataclass
class Room:
    """A session with a voice that the test decides on, and what reaches people."""

    output: Output = field(default_factory=Output)
    said: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    speech: Any = None

    async def say(self, text: str) -> None:
        self.said.append(text)
        if self.speech is not None:
            await self.speech()

    async def write(self, text: str) -> None:
        self.written.append(text)

    def announce(
        self, announcing: Announcing, after: Restraint = BLIND, *, has_begun: bool = True
    ) -> tuple[list[str], list[str]]:
        """Tell of a change, and return what was said and written."""
        notices = BudgetNotices(
            announcing, session=lambda: cast("Any", self) if has_begun else None, write=self.write
        )
        run_virtually(notices.announce(NO_RESTRAINT, after))
        return self.said, self.written


def test_people_are_told_as_it_is_configured() -> None:
    assert Room().announce("off") == ([], [])
    assert Room().announce("chat") == ([], [NO_VISION])
    assert Room().announce("voice") == ([NO_VISION], [])
    assert Room().announce("voice", NO_RESTRAINT) == ([], [])


def test_without_a_voice_it_is_written() -> None:
    assert Room(output=Output(audio_enabled=False)).announce("voice") == ([], [NO_VISION])
    assert Room().announce("voice", has_begun=False) == ([], [NO_VISION])


def test_a_voice_that_fails_or_hangs_costs_nothing_but_the_notice(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise RuntimeError("the session is closed")

    async def hang() -> None:
        await asyncio.sleep(SAY_LIMIT_S * 2)

    for speech in (fail, hang):
        caplog.clear()
        assert Room(speech=speech).announce("voice") == ([NO_VISION], [])
        assert "people were not told of the budget" in caplog.text
