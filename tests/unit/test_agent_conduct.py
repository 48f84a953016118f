"""What is wanted of the agent, what its budget leaves of that, and an operator's word between two steps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.agent_frames import Stage
from tests.agent_settings import GPT_4_1_RULE
from tests.fakes.clock import run_virtually

from meetctl.agent.conduct import LAST_WORDS_S, Conduct
from meetctl.domain.restraint import NO_RESTRAINT, Restraint

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from meetctl.agent.conduct import Sense
    from meetctl.domain.policy import Policy

LOOSE = Restraint(detail="low", fps=Fraction(1, 5), window=1)
BLIND = replace(LOOSE, sees=False)
SILENT = replace(BLIND, speaks=False)


class Ears:
    is_muted = False

    def mute(self) -> None:
        self.is_muted = True

    def unmute(self) -> None:
        self.is_muted = False


@dataclass
class Speech:
    """Words that take some time."""

    takes_s: float

    async def wait_for_playout(self) -> None:
        await asyncio.sleep(self.takes_s)


@dataclass
class Output:
    audio_enabled: bool = True

    def set_audio_enabled(self, is_on: bool) -> None:
        self.audio_enabled = is_on


@dataclass
class Session:
    """As much of a session as has a voice."""

    output: Output = field(default_factory=Output)
    current_speech: Speech | None = None
    interruptions: int = 0

    async def interrupt(self, *, force: bool) -> None:
        assert force
        self.interruptions += 1


class Actor:
    """Conduct over a real frame feed, and everything it acts on."""

    def __init__(self, *, has_begun: bool = True) -> None:
        self.stage = Stage(fps=Fraction(1), window=5, detail="high")
        self.ears, self.session = Ears(), Session()
        self.conduct = Conduct(
            self.stage.feed,
            cast("Any", self.ears),
            rules=[GPT_4_1_RULE],
            session=lambda: cast("Any", self.session) if has_begun else None,
        )

    def looks(self) -> tuple[str, Fraction | None, int, bool]:
        policy = self.stage.feed.policy
        return policy.detail, policy.fps, policy.window, self.stage.feed.sees

    @property
    def speaks(self) -> tuple[bool, bool, bool, bool]:
        """Whether it hears, is connected to recognition, has a voice, and may ask the model."""
        return (
            not self.ears.is_muted,
            self.conduct.recognition.is_open,
            self.session.output.audio_enabled,
            self.conduct.answers,
        )

    @property
    def has_voice(self) -> bool:
        return self.session.output.audio_enabled

    async def restrain(self, restraint: Restraint) -> None:
        self.conduct.restrain(restraint)
        await self.conduct.end_words()


FREE = ("high", Fraction(1), 5, True)
LESS = ("low", Fraction(1, 5), 1, True)


def play(scene: Callable[[Actor], Coroutine[Any, Any, None]], *, has_begun: bool = True) -> None:
    async def run() -> None:
        actor = Actor(has_begun=has_begun)
        await scene(actor)
        await actor.stage.feed.close()

    run_virtually(run())


def fps(rate: int) -> Callable[[Policy], Policy]:
    return lambda policy: replace(policy, fps=Fraction(rate))


def test_each_restraint_takes_away_and_none_gives_everything_back() -> None:
    async def scene(actor: Actor) -> None:
        await actor.restrain(LOOSE)
        assert (actor.looks(), actor.speaks) == (LESS, (True, True, True, True))
        await actor.restrain(BLIND)
        assert (actor.looks()[3], actor.speaks) == (False, (True, True, True, True))
        await actor.restrain(SILENT)
        assert (actor.looks()[3], actor.speaks) == (False, (False, False, False, False))
        await actor.restrain(NO_RESTRAINT)
        assert (actor.looks(), actor.speaks) == (FREE, (True, True, True, True))

    play(scene)


def test_close_looks_cost_full_detail_so_they_go_with_the_first_of_vision() -> None:
    async def scene(actor: Actor) -> None:
        seen = [actor.conduct.looks_closely]
        await actor.restrain(LOOSE)
        seen.append(actor.conduct.looks_closely)
        actor.conduct.order_policy(fps(2))
        seen.append(actor.conduct.looks_closely)
        assert seen == [True, False, True]

    play(scene)


def test_a_tenant_that_becomes_known_late_is_restrained_too() -> None:
    async def scene(actor: Actor) -> None:
        await actor.restrain(LOOSE)
        actor.conduct.decide_policy(replace(actor.stage.feed.policy, detail="high", fps=Fraction(1, 9)))
        assert actor.looks() == ("low", Fraction(1, 9), 1, True)
        await actor.restrain(NO_RESTRAINT)
        assert actor.looks()[:2] == ("high", Fraction(1, 9))

    play(scene)


def test_an_operators_policy_holds_until_the_next_step_and_comes_back_after_the_last() -> None:
    async def scene(actor: Actor) -> None:
        await actor.restrain(LOOSE)
        actor.conduct.order_policy(fps(4))
        # What the operator has not named stays restrained.
        assert actor.looks() == ("low", Fraction(4), 1, True)
        await actor.restrain(BLIND)
        assert actor.looks()[1] == Fraction(1, 5)
        await actor.restrain(NO_RESTRAINT)
        assert actor.looks() == ("high", Fraction(4), 5, True)
        # Once an operator has said how it looks, a tenant has no say.
        actor.conduct.decide_policy(replace(actor.stage.feed.policy, detail="low"))
        assert actor.looks()[0] == "high"

    play(scene)


@pytest.mark.parametrize("sense", ["ears", "eyes", "voice"])
def test_what_an_operator_muted_stays_muted_when_the_budget_gives_it_back(sense: Sense) -> None:
    async def scene(actor: Actor) -> None:
        await actor.conduct.order(sense, is_on=False)
        await actor.restrain(SILENT)
        await actor.restrain(NO_RESTRAINT)
        uses = {
            "ears": not actor.ears.is_muted,
            "eyes": actor.stage.feed.sees,
            "voice": actor.session.output.audio_enabled,
        }
        assert [name for name, is_used in uses.items() if not is_used] == [sense]
        await actor.conduct.order(sense, is_on=True)
        assert (actor.looks(), actor.speaks) == (FREE, (True, True, True, True))

    play(scene)


def test_an_operator_may_open_eyes_and_ears_whatever_it_costs_until_the_next_step() -> None:
    async def scene(actor: Actor) -> None:
        await actor.restrain(SILENT)
        await actor.conduct.order("eyes", is_on=True)
        await actor.conduct.order("ears", is_on=True)
        assert (actor.looks()[3], actor.speaks) == (True, (True, True, False, False))
        await actor.restrain(replace(SILENT, stays=False))
        assert (actor.looks()[3], actor.speaks) == (False, (False, False, False, False))

    play(scene)


def test_ears_that_an_operator_muted_stay_connected() -> None:
    async def scene(actor: Actor) -> None:
        await actor.conduct.order("ears", is_on=False)
        assert actor.speaks == (False, True, True, True)

    play(scene)


@pytest.mark.parametrize(("takes_s", "waits_s"), [(4, 4), (LAST_WORDS_S + 60, LAST_WORDS_S)])
def test_the_agent_ends_what_it_is_saying_before_its_voice_goes(takes_s: float, waits_s: float) -> None:
    async def scene(actor: Actor) -> None:
        actor.session.current_speech = Speech(takes_s)
        actor.conduct.restrain(SILENT)
        assert actor.has_voice
        began_s = asyncio.get_running_loop().time()
        await actor.conduct.end_words()
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(waits_s)
        assert not actor.has_voice

    play(scene)


def test_a_voice_that_is_given_back_while_it_ends_its_words_stays() -> None:
    async def scene(actor: Actor) -> None:
        actor.session.current_speech = Speech(4)
        actor.conduct.restrain(SILENT)
        ending = asyncio.create_task(actor.conduct.end_words())
        await asyncio.sleep(1)
        actor.conduct.restrain(NO_RESTRAINT)
        await ending
        assert actor.session.output.audio_enabled
        assert actor.session.interruptions == 0

    play(scene)


def test_before_the_session_has_begun_there_is_no_voice_to_take() -> None:
    async def scene(actor: Actor) -> None:
        await actor.restrain(SILENT)
        assert actor.speaks == (False, False, True, False)

    play(scene, has_begun=False)
