"""The code walkthrough: when what changes on the screen, and who says what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from recordings.camera import Person
from recordings.meeting import Change, Meeting, Turn, Utterance, VoiceSettings, Waypoint


class Scroll(NamedTuple):
    """A pane moves from where it is to `offset_px` (even) between two moments."""

    start_s: float
    end_s: float
    offset_px: int


EDITOR_SCROLLS = (Scroll(4.3, 5.1, 432), Scroll(40.3, 41.1, 888), Scroll(41.4, 42.2, 1248))
DOCUMENT_SCROLLS = (Scroll(12.6, 13.2, 360),)
TABS = ((31.2, "settings.py"), (31.8, "retry_queue.py"))
EDITED_AT_S = 53.7
PAGES = ((62.1, 1), (62.5, 2), (62.9, 3), (82.4, 4))
TERMINAL = ((19.4, 1), (22.1, 2), (71.2, 3), (72.9, 4))

CHANGES = (
    Change(t_s=4.3, kind="scroll", what="the code scrolls down"),
    Change(t_s=5.1, kind="settle", what="the code stands at next_delay"),
    Change(t_s=12.6, kind="scroll", what="the design note scrolls down"),
    Change(t_s=13.2, kind="settle", what="the design note stands at Limits"),
    Change(t_s=19.4, kind="terminal", what="the tests start"),
    Change(t_s=22.1, kind="terminal", what="one test has failed"),
    Change(t_s=31.2, kind="tab", what="settings.py, opened by mistake"),
    Change(t_s=31.8, kind="tab", what="back to retry_queue.py"),
    Change(t_s=40.3, kind="scroll", what="the code scrolls down two screens"),
    Change(t_s=41.1, kind="settle", what="the code stands at RetryQueue"),
    Change(t_s=42.2, kind="settle", what="the code stands at schedule"),
    Change(t_s=53.7, kind="edit", what="two lines of schedule swapped"),
    Change(t_s=62.1, kind="page", what="design note, page 2: Life of a job"),
    Change(t_s=62.5, kind="page", what="design note, page 3: Metrics"),
    Change(t_s=62.9, kind="page", what="design note, page 4: Failure modes"),
    Change(t_s=71.2, kind="terminal", what="the tests start again"),
    Change(t_s=72.9, kind="terminal", what="all tests have passed"),
    Change(t_s=82.4, kind="page", what="design note, page 5: Rollout plan"),
)


def _turn(question: str, start_s: float, end_s: float, answer: str, answer_s: float, done_s: float) -> Turn:
    return Turn(
        question=Utterance(start_s=start_s, end_s=end_s, text=question),
        answer=Utterance(start_s=answer_s, end_s=done_s, text=answer),
    )


TURNS = (
    _turn(
        "What does this function return?",
        *(6.2, 8.1),
        "The delay before the next attempt, doubled each time.",
        *(9.0, 12.2),
    ),
    _turn(
        "What limit does the design note give?",
        *(14.2, 16.4),
        "At most six attempts in ten minutes.",
        *(17.3, 19.7),
    ),
    _turn(
        "Which test failed?",
        *(23.4, 24.7),
        "The test of the delay cap failed. It got sixty two seconds.",
        *(25.6, 29.5),
    ),
    _turn(
        "Which file did I open by mistake?",
        *(33.0, 35.2),
        "No frame of it reached me. It was open for less than a second.",
        *(36.1, 39.8),
    ),
    _turn(
        "Where is the cap applied?",
        *(43.6, 45.1),
        "Before the jitter is added, so a delay can pass the cap.",
        *(46.0, 49.3),
    ),
    _turn(
        "Is this fix right?",
        *(55.0, 56.3),
        "Yes. The cap now comes after the jitter.",
        *(57.2, 60.0),
    ),
    _turn(
        "And the tests?",
        *(74.0, 75.0),
        "All fifteen tests pass now.",
        *(75.9, 77.9),
    ),
    _turn(
        "When do we roll it out?",
        *(83.6, 85.1),
        "On Tuesday, to ten percent of the workers first.",
        *(86.0, 89.1),
    ),
)

POINTER = (
    Waypoint(t_s=0.0, x=520, y=300),
    Waypoint(t_s=3.6, x=420, y=330),
    Waypoint(t_s=6.9, x=332, y=382, travel_s=1.0),
    Waypoint(t_s=12.3, x=980, y=420, travel_s=1.1),
    Waypoint(t_s=15.2, x=1064, y=268),
    Waypoint(t_s=19.2, x=200, y=640, travel_s=1.2),
    Waypoint(t_s=24.2, x=496, y=618),
    Waypoint(t_s=31.1, x=212, y=22, travel_s=1.0),
    Waypoint(t_s=31.7, x=84, y=22, travel_s=0.4),
    Waypoint(t_s=34.0, x=390, y=250),
    Waypoint(t_s=40.0, x=430, y=330),
    Waypoint(t_s=44.6, x=466, y=304, travel_s=1.2),
    Waypoint(t_s=52.9, x=112, y=334, travel_s=1.0),
    Waypoint(t_s=55.9, x=466, y=330, travel_s=1.1),
    Waypoint(t_s=61.8, x=1250, y=22, travel_s=1.2),
    Waypoint(t_s=66.2, x=1210, y=300, travel_s=1.0),
    Waypoint(t_s=71.0, x=240, y=640, travel_s=1.1),
    Waypoint(t_s=75.2, x=192, y=614),
    Waypoint(t_s=82.2, x=1250, y=22, travel_s=1.2),
    Waypoint(t_s=85.0, x=1072, y=246, travel_s=1.0),
)

MEETING = Meeting(
    name="code-walkthrough",
    title="A code review: an editor, a terminal, a design note",
    duration_s=90,
    room="code-walkthrough",
    tenant_id="northwind",
    session_id="drawn-code-walkthrough",
    started_at=datetime(2026, 11, 16, 13, 30, 0, tzinfo=UTC),
    person=Person(
        identity="daniel",
        name="Daniel Ortiz",
        skin=(186, 132, 98),
        hair=(36, 32, 34),
        clothes=(120, 62, 66),
        wall=(188, 200, 206),
    ),
    person_voice=VoiceSettings(voice="en-us+m7", rate=165, pitch=40),
    agent_voice=VoiceSettings(voice="en+f2", rate=172, pitch=50),
    changes=CHANGES,
    turns=TURNS,
    pointer=POINTER,
)
