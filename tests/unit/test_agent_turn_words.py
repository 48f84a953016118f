"""What people said in a turn: their final words, and nothing that anybody else wrote."""

from __future__ import annotations

from typing import Any

from tests.fakes.clock import ManualClock
from tests.fakes.event_sink import InMemoryEventSink

from meetctl.agent.journal import MeetingJournal
from meetctl.agent.turn_words import TurnWords


def listening() -> tuple[MeetingJournal, TurnWords, list[tuple[int, str]]]:
    heard: list[tuple[int, str]] = []
    words = TurnWords(heard=lambda turn, text: heard.append((turn, text)))
    journal = MeetingJournal(InMemoryEventSink(clock=ManualClock()))
    journal.listen(words.read)
    return journal, words, heard


def say(journal: MeetingJournal, turn: int | None, text: str, **fields: Any) -> None:
    journal.write(
        "transcript",
        {"turn": turn, "role": "user", "participant": "maya", "text": text, "final": True, **fields},
    )


def test_a_turns_finals_are_joined_and_the_next_turn_begins_anew() -> None:
    journal, words, heard = listening()
    say(journal, 1, "What is")
    say(journal, 1, " the price? ", participant="noor")
    assert (words.turn, words.said, words.speakers) == (1, "What is the price?", frozenset({"maya", "noor"}))
    say(journal, 2, "Yes.")
    assert (words.turn, words.said, words.speakers) == (2, "Yes.", frozenset({"maya"}))
    assert heard == [(1, "What is"), (1, "What is the price?"), (2, "Yes.")]


def test_only_peoples_final_words_count() -> None:
    journal, words, heard = listening()
    say(journal, 1, "Yes, leave.", final=False)
    say(journal, 1, "Yes, leave.", role="assistant")
    say(journal, None, "Yes, leave.")
    say(journal, 1, "  ")
    journal.write("log", {"turn": 1, "role": "user", "text": "Yes, leave.", "final": True})
    assert (words.turn, words.said, heard) == (None, "", [])


def test_words_of_an_earlier_turn_come_too_late() -> None:
    journal, words, _ = listening()
    say(journal, 2, "Yes.")
    say(journal, 1, "Leave.")
    assert words.said == "Yes."


def test_an_unknown_speaker_is_nobody_in_particular() -> None:
    journal, words, _ = listening()
    say(journal, 1, "Yes.", participant=None)
    assert words.speakers == {""}
