"""Who spoke: by the microphones themselves, and by the server's word where those don't tell."""

from __future__ import annotations

import pytest

from meetctl.domain.speakers import AUDIBLE_LEVEL, KEPT_US, SERVER_LATENESS_US, SpeakerTimeline

PIECE_US = 50_000
SPEECH = 3000.0
SECOND_US = 1_000_000


class Table:
    """People around a table, whose microphones give pieces of sound at their pace."""

    def __init__(self) -> None:
        self.timeline = SpeakerTimeline()
        self.now_us = 0

    def hear(self, seconds: float, **levels: float) -> None:
        for _ in range(round(seconds * SECOND_US / PIECE_US)):
            self.now_us += PIECE_US
            self.timeline.hear(self.now_us, levels)

    def speaker(self, last_s: float) -> str | None:
        return self.timeline.speaker(self.now_us - round(last_s * SECOND_US), self.now_us)


def test_whoever_spoke_most_in_a_stretch_is_its_speaker() -> None:
    table = Table()
    table.hear(2, maya=SPEECH, noor=10)
    table.hear(1, maya=10, noor=SPEECH)
    assert table.speaker(3) == "maya"
    assert table.speaker(1) == "noor"


def test_where_nobody_speaks_there_is_no_speaker() -> None:
    table = Table()
    assert table.speaker(1) is None
    table.hear(2, maya=AUDIBLE_LEVEL / 2, noor=3)
    assert table.speaker(2) is None


def test_who_is_heard_in_two_microphones_spoke_into_the_nearer_one() -> None:
    table = Table()
    table.hear(2, maya=SPEECH / 4, noor=SPEECH)
    assert table.speaker(2) == "noor"


@pytest.mark.parametrize("noise", [300.0, 800.0])
def test_a_noisy_microphone_is_not_taken_for_a_person(noise: float) -> None:
    table = Table()
    for _ in range(15):
        table.hear(1, maya=noise, noor=10)
    assert table.speaker(1) is None
    table.hear(1, maya=noise, noor=600)
    assert table.speaker(1) == "noor"


def test_who_speaks_on_and_on_is_not_taken_for_noise() -> None:
    table = Table()
    for _ in range(40):
        table.hear(0.35, maya=SPEECH, noor=10)
        table.hear(0.1, maya=20, noor=10)
    assert table.speaker(1) == "maya"


def test_a_short_word_is_its_speakers_though_the_server_never_noticed_it() -> None:
    table = Table()
    table.timeline.announce(0, ["maya"])
    table.hear(2, maya=SPEECH, noor=10)
    table.hear(0.2, maya=10, noor=SPEECH)
    assert table.speaker(0.2) == "noor"


def test_between_two_who_spoke_nearly_as_much_the_server_decides() -> None:
    table = Table()
    table.hear(0.5, maya=SPEECH, noor=10)
    table.hear(0.45, maya=10, noor=SPEECH)
    assert table.speaker(1) == "maya"
    table.timeline.announce(SERVER_LATENESS_US + 100_000, ["noor"])
    assert table.speaker(1) == "noor"


def test_where_no_microphone_tells_the_server_does() -> None:
    timeline = SpeakerTimeline()
    begin_us = 10 * SECOND_US
    timeline.announce(begin_us, ["maya", "noor"])
    timeline.announce(begin_us + 400_000, ["noor"])
    timeline.announce(begin_us + 800_000, [])
    spoken_us = begin_us - SERVER_LATENESS_US
    assert timeline.speaker(spoken_us, spoken_us + SECOND_US) == "noor"
    assert timeline.speaker(spoken_us + 800_000, spoken_us + SECOND_US) is None
    assert timeline.speaker(0, spoken_us) is None


def test_what_was_long_ago_is_forgotten() -> None:
    table = Table()
    table.hear(1, maya=SPEECH)
    table.timeline.announce(table.now_us, ["maya"])
    table.now_us += KEPT_US + 5 * SECOND_US
    table.hear(1, noor=SPEECH)
    table.timeline.announce(table.now_us, ["noor"])
    assert len(table.timeline._loudest) == round(SECOND_US / PIECE_US)
    for second in range(1000):
        table.timeline.announce(table.now_us + second * SECOND_US, ["noor"])
    assert len(table.timeline._active) < 2 * KEPT_US / SECOND_US
