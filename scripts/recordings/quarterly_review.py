"""The quarterly review: slides with bullets that appear, a bar chart, a table."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import Image

from recordings.camera import Person
from recordings.canvas import Colour, Pen, text_width, to_planes
from recordings.meeting import (
    HEIGHT,
    WIDTH,
    Change,
    Meeting,
    Turn,
    Utterance,
    VoiceSettings,
    Waypoint,
)

if TYPE_CHECKING:
    from recordings.canvas import Planes

PAPER: Colour = (252, 252, 250)
INK: Colour = (30, 38, 54)
GREY: Colour = (104, 113, 130)
PALE: Colour = (226, 230, 236)
TEAL: Colour = (16, 122, 128)
LIGHT_TEAL: Colour = (150, 202, 204)
AMBER: Colour = (212, 128, 28)
LEFT = 88

CHANGES = (
    Change(t_s=6.4, kind="slide", what="slide 2: Q3 at a glance"),
    Change(t_s=9.2, kind="bullet", what="slide 2, bullet 1: revenue"),
    Change(t_s=14.7, kind="bullet", what="slide 2, bullet 2: new customers"),
    Change(t_s=18.3, kind="bullet", what="slide 2, bullet 3: on-time delivery"),
    Change(t_s=26.6, kind="slide", what="slide 3: Revenue by quarter, empty axes"),
    Change(t_s=28.3, kind="chart", what="slide 3, the bars of the chart"),
    Change(t_s=36.4, kind="highlight", what="slide 3, call-out above the last bar"),
    Change(t_s=40.3, kind="slide", what="slide 4: Regions"),
    Change(t_s=47.7, kind="highlight", what="slide 4, the row of Asia Pacific"),
    Change(t_s=51.2, kind="slide", what="slide 5: Late deliveries"),
    Change(t_s=53.6, kind="bullet", what="slide 5, action 1: carrier"),
    Change(t_s=56.1, kind="bullet", what="slide 5, action 2: night shift"),
    Change(t_s=65.3, kind="slide", what="slide 6: Decision"),
)


def _turn(question: str, start_s: float, end_s: float, answer: str, answer_s: float, done_s: float) -> Turn:
    return Turn(
        question=Utterance(start_s=start_s, end_s=end_s, text=question),
        answer=Utterance(start_s=answer_s, end_s=done_s, text=answer),
    )


TURNS = (
    _turn(
        "Hi everyone. Can you see my screen?",
        *(0.9, 3.5),
        "Yes. I see the title slide of the third quarter review.",
        *(4.5, 7.8),
    ),
    _turn(
        "What does the first point say about revenue?",
        *(10.2, 12.8),
        "Revenue grew to four point eight million dollars, up twelve percent.",
        *(13.7, 17.4),
    ),
    _turn(
        "Which number got worse this quarter?",
        *(19.6, 21.7),
        "On-time delivery fell from ninety six to ninety four percent.",
        *(22.6, 26.0),
    ),
    _turn(
        "Which quarter has the tallest bar?",
        *(30.1, 32.2),
        "The third quarter of this year, with four point eight million.",
        *(33.1, 36.3),
    ),
    _turn(
        "Which region grew the fastest?",
        *(42.3, 44.0),
        "Asia Pacific grew the fastest, by sixty percent.",
        *(44.9, 48.2),
    ),
    _turn(
        "What do we do about the late deliveries?",
        *(57.7, 60.0),
        "The plan is a night shift at the Rotterdam hub from December.",
        *(60.9, 64.1),
    ),
    _turn(
        "Please sum up what we have to decide.",
        *(67.2, 69.4),
        "Approve the Rotterdam budget by Friday.",
        *(70.3, 72.5),
    ),
)

POINTER = (
    Waypoint(t_s=0.0, x=860, y=560),
    Waypoint(t_s=2.6, x=604, y=402, travel_s=1.2),
    Waypoint(t_s=6.2, x=1010, y=640, travel_s=1.0),
    Waypoint(t_s=10.0, x=330, y=262),
    Waypoint(t_s=12.2, x=700, y=266, travel_s=1.6),
    Waypoint(t_s=15.6, x=420, y=372),
    Waypoint(t_s=19.4, x=380, y=484),
    Waypoint(t_s=21.4, x=640, y=486, travel_s=1.4),
    Waypoint(t_s=26.4, x=980, y=660, travel_s=1.0),
    Waypoint(t_s=31.2, x=842, y=330, travel_s=1.2),
    Waypoint(t_s=34.2, x=880, y=262, travel_s=1.0),
    Waypoint(t_s=40.0, x=990, y=640, travel_s=1.0),
    Waypoint(t_s=43.2, x=460, y=300, travel_s=1.0),
    Waypoint(t_s=45.0, x=470, y=420, travel_s=1.2),
    Waypoint(t_s=47.5, x=800, y=422, travel_s=1.6),
    Waypoint(t_s=51.0, x=960, y=640),
    Waypoint(t_s=54.8, x=660, y=312),
    Waypoint(t_s=58.6, x=620, y=440, travel_s=1.1),
    Waypoint(t_s=62.5, x=900, y=446, travel_s=1.8),
    Waypoint(t_s=65.0, x=1000, y=610),
    Waypoint(t_s=68.3, x=560, y=350, travel_s=1.2),
    Waypoint(t_s=71.6, x=690, y=420, travel_s=1.0),
)

MEETING = Meeting(
    name="quarterly-review",
    title="A business review: slides, a bar chart, a table",
    duration_s=75,
    room="quarterly-review",
    tenant_id="northwind",
    session_id="drawn-quarterly-review",
    started_at=datetime(2026, 11, 16, 9, 0, 0, tzinfo=UTC),
    person=Person(
        identity="maya",
        name="Maya Chen",
        skin=(224, 178, 146),
        hair=(58, 42, 36),
        clothes=(58, 98, 128),
        wall=(214, 208, 198),
        long_hair=True,
    ),
    person_voice=VoiceSettings(voice="en-us+f3", rate=165, pitch=55),
    agent_voice=VoiceSettings(voice="en+m3", rate=172, pitch=45),
    changes=CHANGES,
    turns=TURNS,
    pointer=POINTER,
)


class SlideScreen:
    """A slide show in full screen; one still picture between two changes."""

    def planes(self, index: int) -> Planes:
        """Return the slide at frame `index`."""
        return _slide(MEETING.changes_until(index))


@lru_cache(maxsize=len(CHANGES) + 1)
def _slide(step: int) -> Planes:
    """Draw the screen after `step` changes."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = Pen(image)
    if step == 0:
        _draw_title(pen)
    elif step <= 4:
        _draw_glance(pen, bullets=step - 1)
    elif step <= 7:
        _draw_chart(pen, bars=step >= 6, call_out=step >= 7)
    elif step <= 9:
        _draw_regions(pen, highlight=step >= 9)
    elif step <= 12:
        _draw_actions(pen, actions=step - 10)
    else:
        _draw_decision(pen)
    return to_planes(image)


def _draw_title(pen: Pen) -> None:
    pen.box(0, 0, WIDTH, HEIGHT, (18, 44, 60))
    pen.box(LEFT, 218, 72, 6, (236, 160, 60))
    pen.text(LEFT, 246, "Quarterly business review", size=62, colour=(250, 250, 248), bold=True)
    pen.text(LEFT, 334, "Third quarter 2026", size=36, colour=LIGHT_TEAL)
    pen.text(LEFT, 438, "Northwind Logistics", size=24, colour=(226, 232, 236))
    pen.text(LEFT, 474, "16 November 2026  ·  Maya Chen, Finance", size=20, colour=(160, 178, 190))


def _draw_page(pen: Pen, number: int, title: str, subtitle: str) -> None:
    pen.box(0, 0, 14, HEIGHT, TEAL)
    pen.text(LEFT, 56, title, size=46, colour=INK, bold=True)
    pen.text(LEFT, 120, subtitle, size=22, colour=GREY)
    pen.box(LEFT, 162, WIDTH - 2 * LEFT, 2, PALE)
    pen.text(LEFT, 682, "Northwind Logistics  ·  Q3 2026", size=15, colour=GREY)
    pen.text(960, 682, f"{number} / 6", size=15, colour=GREY)


def _draw_bullet(pen: Pen, y: int, headline: str, detail: str, figure: str, colour: Colour) -> None:
    pen.dot(LEFT + 10, y + 20, 7, colour)
    pen.text(LEFT + 40, y, headline, size=32, colour=INK)
    pen.text(LEFT + 40, y + 42, detail, size=20, colour=GREY)
    pen.text(WIDTH - LEFT, y + 2, figure, size=40, colour=colour, bold=True, anchor="ra")


def _draw_glance(pen: Pen, bullets: int) -> None:
    _draw_page(pen, 2, "Q3 at a glance", "July to September 2026, compared with the second quarter")
    rows = (
        ("Revenue grew to $4.8 million", "From $4.3 million; three large contracts renewed", "+12 %", TEAL),
        ("38 new customers signed", "Most of them in food and pharmaceuticals", "+38", TEAL),
        ("On-time delivery fell to 94 %", "From 96 %; two weeks of delays at Rotterdam", "-2 pts", AMBER),
    )
    for place, (headline, detail, figure, colour) in enumerate(rows[:bullets]):
        _draw_bullet(pen, 212 + 116 * place, headline, detail, figure, colour)


def _draw_chart(pen: Pen, *, bars: bool, call_out: bool) -> None:
    _draw_page(pen, 3, "Revenue by quarter", "Million US dollars")
    left, bottom, top = 150, 616, 226
    for mark in range(6):
        y = bottom - mark * (bottom - top) // 5
        pen.box(left, y, 830, 1, PALE if mark else GREY)
        pen.text(left - 16, y, f"{mark}.0", size=18, colour=GREY, anchor="rm")
    quarters = (("Q3 25", 3.6), ("Q4 25", 3.9), ("Q1 26", 4.1), ("Q2 26", 4.3), ("Q3 26", 4.8))
    for place, (name, value) in enumerate(quarters):
        x = left + 52 + place * 158
        pen.text(x + 46, bottom + 14, name, size=20, colour=INK, anchor="ma")
        if bars:
            height = round(value * (bottom - top) / 5)
            pen.box(x, bottom - height, 92, height, TEAL if place == 4 else LIGHT_TEAL)
            pen.text(x + 46, bottom - height - 8, f"{value}", size=24, colour=INK, bold=True, anchor="md")
    if call_out:
        pen.frame(946, 196, 262, 96, (255, 244, 224), AMBER, 10, 2)
        pen.text(966, 212, "Best quarter so far", size=22, colour=INK, bold=True)
        pen.text(966, 248, "+12 % over Q2, +33 % in a year", size=16, colour=GREY)


def _draw_regions(pen: Pen, *, highlight: bool) -> None:
    _draw_page(pen, 4, "Regions", "Revenue in the third quarter, million US dollars")
    columns = ((LEFT + 20, "la"), (560, "ra"), (760, "ra"), (960, "ra"))
    rows = (
        ("Region", "Q3 2026", "Q3 2025", "Growth"),
        ("Europe", "2.1", "1.6", "+31 %"),
        ("North America", "1.5", "1.2", "+25 %"),
        ("Asia Pacific", "0.8", "0.5", "+60 %"),
        ("Latin America", "0.4", "0.3", "+33 %"),
        ("Total", "4.8", "3.6", "+33 %"),
    )
    for place, row in enumerate(rows):
        y = 196 + 66 * place
        last = place == len(rows) - 1
        if highlight and row[0] == "Asia Pacific":
            pen.box(LEFT, y - 2, 912, 62, (220, 240, 238), 8)
        pen.box(LEFT, y + 62, 912, 2 if place == 0 or last else 1, GREY if place == 0 else PALE)
        for (x, anchor), cell in zip(columns, row, strict=True):
            size, colour = (20, GREY) if place == 0 else (28, INK)
            pen.text(x, y + 14, cell, size=size, colour=colour, anchor=anchor, bold=last)


def _draw_actions(pen: Pen, actions: int) -> None:
    _draw_page(pen, 5, "Late deliveries", "What went wrong at Rotterdam, and what we do about it")
    pen.text(LEFT, 196, "Cause: 2,140 parcels waited more than a day for unloading.", size=26, colour=INK)
    rows = (
        ("1", "Second carrier for the Hamburg line", "Contract signed; starts on 1 December", "Lena"),
        ("2", "Night shift at the Rotterdam hub", "From December; 14 people, $310,000 a year", "Tomas"),
    )
    for place, (number, headline, detail, owner) in enumerate(rows[:actions]):
        y = 268 + 130 * place
        pen.frame(LEFT, y, 1104, 108, (255, 255, 255), PALE, 12, 2)
        pen.dot(LEFT + 50, y + 54, 24, TEAL)
        pen.text(LEFT + 50, y + 54, number, size=26, colour=(255, 255, 255), bold=True, anchor="mm")
        pen.text(LEFT + 98, y + 20, headline, size=28, colour=INK)
        pen.text(LEFT + 98, y + 62, detail, size=20, colour=GREY)
        pen.text(LEFT + 1080, y + 42, owner, size=22, colour=TEAL, anchor="ra")


def _draw_decision(pen: Pen) -> None:
    _draw_page(pen, 6, "Decision", "Needed from this meeting")
    pen.frame(LEFT, 212, 1104, 240, (236, 246, 245), TEAL, 16, 2)
    pen.text(LEFT + 48, 252, "Approve the budget for Rotterdam", size=40, colour=INK, bold=True)
    text = "$310,000 for the night shift, from the 2026 reserve"
    pen.text(LEFT + 48, 316, text, size=26, colour=INK)
    pen.box(LEFT + 48, 376, int(text_width("By Friday, 20 November", 24)) + 58, 46, AMBER, 10)
    pen.text(LEFT + 68, 385, "By Friday, 20 November", size=24, colour=(255, 255, 255), bold=True)
    pen.text(LEFT, 500, "Next review: 15 February 2027", size=22, colour=GREY)
