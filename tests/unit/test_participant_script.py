"""What a scripted person does and reports, and how it tells an agent's answers apart: all without a room."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetctl.errors import ServiceError, UsageError
from meetctl.stack.participant.ear import Ear
from meetctl.stack.participant.listener import is_audible
from meetctl.stack.participant.performance import run_script
from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.recording_pictures import RecordingPictures
from meetctl.stack.participant.report import Answer, Exchange, PersonReport
from meetctl.stack.participant.script import (
    Interrupt,
    Leave,
    Say,
    Share,
    ShowNext,
    StopSharing,
    Wait,
    WaitForGreeting,
    demo_script,
)

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.stack.participant.script import Step

BLOCK_S = 0.02


def sound(ear: Ear, from_s: float, to_s: float) -> None:
    """Let the agent be heard from one moment to another."""
    for number in range(1, round((to_s - from_s) / BLOCK_S) + 1):
        ear.hear(from_s + number * BLOCK_S, BLOCK_S)


def ask(ear: Ear, from_s: float, to_s: float) -> None:
    ear.begin_speech(from_s)
    ear.end_speech(to_s)


def taken(ear: Ear) -> Answer:
    answer = ear.take_answer()
    assert answer is not None
    return answer


def test_an_answer_is_timed_from_the_end_of_the_question() -> None:
    ear = Ear(0.0)
    ask(ear, 1.0, 3.0)
    sound(ear, 4.2, 6.0)
    assert ear.has_begun
    assert not ear.is_over(6.5)
    assert ear.is_over(7.6)
    answer = taken(ear)
    assert answer.first_audio_s == pytest.approx(1.2)
    assert answer.audio_s == pytest.approx(1.8)
    assert not answer.interrupted


def test_a_greeting_is_timed_from_joining() -> None:
    ear = Ear(10.0)
    sound(ear, 12.5, 14.0)
    assert taken(ear).first_audio_s == pytest.approx(2.5)


def test_an_answer_that_begins_too_early_has_a_negative_wait() -> None:
    ear = Ear(0.0)
    ear.begin_speech(1.0)
    sound(ear, 2.5, 2.9)
    ear.end_speech(3.0)
    sound(ear, 3.0, 4.0)
    assert taken(ear).first_audio_s == pytest.approx(-0.5)


def test_the_agents_state_ends_an_answer_before_silence_does() -> None:
    ear = Ear(0.0)
    ask(ear, 1.0, 2.0)
    ear.note_state(2.5, "thinking")
    ear.note_state(3.0, "speaking")
    sound(ear, 3.0, 5.0)
    ear.note_state(5.1, "listening")
    assert not ear.is_over(5.2)
    assert ear.is_over(5.31)


def test_a_state_that_is_older_than_the_answer_does_not_end_it() -> None:
    ear = Ear(0.0)
    ear.note_state(0.1, "speaking")
    ear.note_state(0.9, "listening")
    ask(ear, 1.0, 2.0)
    sound(ear, 3.0, 4.0)
    assert not ear.is_over(5.0)


def test_an_answer_goes_on_while_the_agent_looks_something_up() -> None:
    ear = Ear(0.0)
    ask(ear, 1.0, 2.0)
    ear.note_state(3.0, "speaking")
    sound(ear, 3.0, 4.0)
    ear.note_state(4.0, "thinking")
    assert not ear.is_over(9.0)
    ear.note_state(9.0, "speaking")
    sound(ear, 9.0, 10.0)
    ear.note_state(10.0, "listening")
    assert ear.is_over(10.5)
    assert taken(ear).audio_s == pytest.approx(7.0)


def test_pauses_between_sentences_do_not_end_an_answer() -> None:
    ear = Ear(0.0)
    ask(ear, 0.0, 1.0)
    sound(ear, 2.0, 3.0)
    assert not ear.is_over(4.4)
    sound(ear, 4.4, 5.0)
    assert taken(ear).audio_s == pytest.approx(3.0)


def test_what_is_spoken_over_is_told_apart_from_the_answer() -> None:
    ear = Ear(0.0)
    ask(ear, 0.0, 1.0)
    ear.note_state(2.0, "speaking")
    ear.begin_segment("long")
    ear.add_text("long", "Let me tell you ")
    sound(ear, 2.0, 4.0)
    ear.begin_speech(4.0)
    sound(ear, 4.0, 4.8)
    assert ear.interrupted_answer(4.9) is None
    ear.add_text("long", "everything")
    ear.note_state(4.8, "listening")
    ear.end_speech(5.5)
    cut = ear.interrupted_answer(5.5)
    assert cut is not None
    assert (cut.text, cut.interrupted) == ("Let me tell you everything", True)
    assert (cut.first_audio_s, cut.audio_s) == pytest.approx((1.0, 2.8))
    ear.note_state(6.0, "speaking")
    ear.begin_segment("short")
    ear.add_text("short", "All right.")
    sound(ear, 6.3, 7.0)
    answer = taken(ear)
    assert answer.text == "All right."
    assert answer.first_audio_s == pytest.approx(0.8)


def test_an_agent_that_talks_on_was_not_interrupted() -> None:
    ear = Ear(0.0)
    ask(ear, 0.0, 1.0)
    ear.note_state(2.0, "speaking")
    sound(ear, 2.0, 4.0)
    ear.begin_speech(4.0)
    sound(ear, 4.0, 5.0)
    ear.end_speech(5.0)
    sound(ear, 5.0, 7.0)
    ear.note_state(7.0, "listening")
    cut = ear.interrupted_answer(7.5)
    assert cut is not None
    assert not cut.interrupted
    assert not ear.has_begun


def test_nothing_is_interrupted_when_the_agent_was_silent() -> None:
    ear = Ear(0.0)
    ask(ear, 0.0, 1.0)
    sound(ear, 2.0, 3.0)
    ask(ear, 6.0, 7.0)
    assert ear.interrupted_answer(8.0) is None
    sound(ear, 8.0, 9.0)
    assert taken(ear).first_audio_s == pytest.approx(1.0)


def test_the_agent_is_audible_through_its_pauses_while_it_says_that_it_speaks() -> None:
    ear = Ear(0.0)
    assert not ear.is_audible(0.5)
    ear.note_state(1.0, "speaking")
    sound(ear, 1.0, 2.0)
    assert ear.is_audible(2.9)
    ear.note_state(3.0, "listening")
    assert not ear.is_audible(3.1)


def test_interim_texts_of_the_own_speech_are_replaced() -> None:
    ear = Ear(0.0)
    ask(ear, 0.0, 1.0)
    ear.note_understood("one", "Hello can")
    ear.note_understood("one", "Hello, can you see")
    ear.note_understood("two", "my screen?")
    assert ear.understood == "Hello, can you see my screen?"
    ear.begin_speech(5.0)
    assert ear.understood == ""


def test_an_answer_is_taken_once() -> None:
    ear = Ear(0.0)
    ask(ear, 0.0, 1.0)
    sound(ear, 2.0, 3.0)
    assert ear.take_answer() is not None
    assert ear.take_answer() is None
    assert not ear.has_begun


@given(
    begin_ms=st.integers(0, 5000),
    gaps_ms=st.lists(st.integers(0, 1400), max_size=8),
)
def test_sound_without_long_gaps_is_one_answer(begin_ms: int, gaps_ms: list[int]) -> None:
    ear = Ear(0.0)
    ask(ear, 0.0, 1.0)
    at_s = first_s = 1.0 + begin_ms / 1000
    for gap_ms in (0, *gaps_ms):
        at_s += gap_ms / 1000
        assert not ear.is_over(at_s)
        sound(ear, at_s, at_s + 0.1)
        at_s += 0.1
    assert ear.is_over(at_s + 1.6)
    answer = taken(ear)
    assert answer.first_audio_s == pytest.approx(first_s - 1.0)
    assert answer.audio_s == pytest.approx(at_s - first_s)


def test_a_voice_is_audible_and_a_rooms_noise_is_not() -> None:
    t = np.arange(320) / 16_000
    voice = (3000 * np.sin(2 * np.pi * 200 * t)).astype(np.int16)
    noise = np.random.default_rng(0).integers(-20, 21, 320, np.int16)
    assert is_audible(voice.data)
    assert not is_audible(noise.data)
    assert not is_audible(np.zeros(0, np.int16).data)


def test_the_demo_asks_four_questions_over_five_slides() -> None:
    steps = demo_script()
    questions = [step for step in steps if isinstance(step, Say)]
    assert [step.text for step in questions] == [
        "Hello, can you see my screen?",
        "What has changed on the slide?",
        "How many pictures did you get?",
        "Thank you, that is all. Goodbye.",
    ]
    turned = sum(isinstance(step, ShowNext) for step in steps)
    turned += sum(step.turn_slide_after_s is not None for step in questions)
    assert turned == 4
    assert isinstance(steps[0], WaitForGreeting)
    assert isinstance(steps[-1], Leave)


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (WaitForGreeting(), "waits for the agent's greeting"),
        (Say("Hello."), 'says "Hello."'),
        (Interrupt("Please stop talking"), 'interrupts with "Please stop talking"'),
        (Share(), "shares slides"),
        (ShowNext(), "shows the next slide"),
        (StopSharing("code"), "stops sharing code"),
        (Wait(2.5), "waits 2.5 s"),
        (Leave(), "leaves"),
    ],
)
def test_a_step_says_what_the_person_does(step: Step, sentence: str) -> None:
    assert str(step) == sentence


def test_a_script_with_an_unknown_screen_is_refused_before_anything_is_done() -> None:
    async def perform() -> None:
        news: list[object] = []
        with pytest.raises(UsageError, match="'whiteboard'") as caught:
            await run_script(ScriptedPerson("maya", "Maya"), [Wait(0), Share("whiteboard")], news.append)
        assert caught.value.hint == "there is: slides"
        assert news == []

    asyncio.run(perform())


def test_only_slides_can_be_turned(tmp_path: Path) -> None:
    film = RecordingPictures(tmp_path / "film.mkv")
    with pytest.raises(UsageError, match="turns the slides of 'film'"):
        asyncio.run(
            run_script(
                ScriptedPerson("maya", "Maya"), [Share("film"), ShowNext("film")], screens={"film": film}
            )
        )


def test_a_person_in_no_room_can_neither_speak_nor_share_nor_listen() -> None:
    async def perform() -> None:
        maya = ScriptedPerson("maya", "Maya")
        with pytest.raises(ServiceError, match="maya is in no room"):
            await maya.speak("Hello?")
        with pytest.raises(ServiceError, match="maya is in no room"):
            await maya.wait_for_answer()
        await maya.leave()

    asyncio.run(perform())


def test_a_report_knows_its_answers() -> None:
    answer = Answer(text="Yes.", first_audio_s=1.2, audio_s=0.8)
    asked = Exchange(said="Well?", at_s=3.0, speech_s=0.5, understood="well", answer=answer)
    told = Exchange(said="Bye.", at_s=9.0, speech_s=0.4, understood="", answer=None)
    report = PersonReport(identity="maya", name="Maya", greeting=None, exchanges=(asked, told), problems=())
    assert report.answers == (answer,)
