"""The shared screen of the code walkthrough: an editor over a terminal, and a document beside them."""

from __future__ import annotations

import keyword
import re
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from PIL import Image

from recordings import code_walkthrough_text as words_shown
from recordings.canvas import Colour, Pen, Planes, text_width, to_planes
from recordings.code_walkthrough import (
    DOCUMENT_SCROLLS,
    EDITED_AT_S,
    EDITOR_SCROLLS,
    PAGES,
    TABS,
    TERMINAL,
)
from recordings.film import smooth
from recordings.meeting import FPS, HEIGHT, WIDTH, frame_time_us

if TYPE_CHECKING:
    from recordings.code_walkthrough import Scroll

T = TypeVar("T")

BAR = 40
EDITOR_WIDTH = 700
CODE_HEIGHT = 480
TERMINAL_TOP = BAR + CODE_HEIGHT
LINE = 24
CODE_SIZE = 17
DOCUMENT_WIDTH = WIDTH - EDITOR_WIDTH
PAGE_HEIGHT = HEIGHT - BAR

DARK: Colour = (30, 33, 41)
DARKER: Colour = (23, 25, 32)
PLAIN: Colour = (214, 218, 226)
DIM: Colour = (96, 104, 120)
KEYWORD: Colour = (198, 140, 220)
STRING: Colour = (152, 196, 126)
NUMBER: Colour = (222, 166, 106)
NAME: Colour = (108, 178, 236)
RED: Colour = (236, 112, 112)
PAPER: Colour = (253, 253, 251)
INK: Colour = (36, 40, 50)
GREY: Colour = (98, 106, 120)

TOKEN = re.compile(
    r'(?P<string>"""[^"]*"""|"[^"]*")|(?P<number>\b\d[\d_.]*\b)|(?P<word>@?\b\w+\b)|(?P<rest>\s+|.)'
)
TERMINAL_TEXTS = (
    words_shown.BRANCH,
    words_shown.TESTS_RUN,
    words_shown.TESTS_FAILED,
    words_shown.TESTS_RUN_AGAIN,
    words_shown.TESTS_PASSED,
)


class WorkspaceScreen:
    """Editor, terminal and document, each in the state that its own timetable gives."""

    def planes(self, index: int) -> Planes:
        """Return the screen at frame `index`."""
        t_s = frame_time_us(index) / 1_000_000
        tab = _latest(TABS, t_s, "retry_queue.py")
        page = _latest(PAGES, t_s, 0)
        edited = t_s >= EDITED_AT_S
        code_px = _offset(EDITOR_SCROLLS, t_s) if tab == "retry_queue.py" else 0
        page_px = _offset(DOCUMENT_SCROLLS, t_s) if page == 0 else 0
        return _workspace(tab, edited, code_px, page, page_px, _latest(TERMINAL, t_s, 0))


@lru_cache(maxsize=4)
def _workspace(tab: str, edited: bool, code_px: int, page: int, page_px: int, terminal: int) -> Planes:
    screen = Planes.blank(WIDTH, HEIGHT)
    screen.paste(_bars(tab, edited, page), 0, 0)
    screen.paste(_code(tab, edited).crop(0, code_px, EDITOR_WIDTH, CODE_HEIGHT), 0, BAR)
    screen.paste(_terminal(terminal), 0, TERMINAL_TOP)
    screen.paste(_page(page).crop(0, page_px, DOCUMENT_WIDTH, PAGE_HEIGHT), EDITOR_WIDTH, BAR)
    return screen


def _latest(timetable: tuple[tuple[float, T], ...], t_s: float, first: T) -> T:
    """Return the last value whose time has come."""
    current = first
    for starts_s, value in timetable:
        if t_s >= starts_s:
            current = value
    return current


def _offset(scrolls: tuple[Scroll, ...], t_s: float) -> int:
    """Return a pane's scroll position in even pixels; it moves from the first frame of a scroll on."""
    position = 0
    for scroll in scrolls:
        if t_s >= scroll.end_s:
            position = scroll.offset_px
        elif t_s >= scroll.start_s:
            frame_s = 1 / FPS
            share = smooth((t_s - scroll.start_s + frame_s) / (scroll.end_s - scroll.start_s + frame_s))
            return position + 2 * round((scroll.offset_px - position) * share / 2)
    return position


@lru_cache(maxsize=16)
def _bars(tab: str, edited: bool, page: int) -> Planes:
    image = Image.new("RGB", (WIDTH, BAR), DARKER)
    pen = Pen(image)
    x = 0
    for name, width in (("retry_queue.py", 168), ("settings.py", 140), ("test_retry_queue.py", 196)):
        if name == tab:
            pen.box(x, 0, width, BAR, DARK)
            pen.box(x, 0, width, 3, NAME)
        pen.text(x + 18, 11, name, size=16, colour=PLAIN if name == tab else DIM)
        if name == "retry_queue.py" and edited:
            pen.dot(x + width - 16, 21, 4, NUMBER)
        x += width
    pen.box(EDITOR_WIDTH, 0, DOCUMENT_WIDTH, BAR, (232, 235, 240))
    pen.text(EDITOR_WIDTH + 24, 11, "Design note 14: retry queue", size=16, colour=INK)
    pen.text(WIDTH - 54, 11, f"page {page + 1} of 5", size=16, colour=GREY, anchor="ra")
    pen.box(WIDTH - 42, 7, 32, 26, (212, 217, 226), 6)
    pen.draw.polygon(((WIDTH - 30, 14), (WIDTH - 30, 26), (WIDTH - 21, 20)), fill=INK)
    return to_planes(image)


@lru_cache(maxsize=4)
def _code(tab: str, edited: bool) -> Planes:
    """Draw a whole file, as long as scrolling needs it."""
    source = (
        words_shown.SETTINGS
        if tab == "settings.py"
        else words_shown.FIXED_RETRY_QUEUE
        if edited
        else words_shown.RETRY_QUEUE
    )
    lines = source.splitlines()
    height = max(EDITOR_SCROLLS[-1].offset_px + CODE_HEIGHT, len(lines) * LINE + 16)
    image = Image.new("RGB", (EDITOR_WIDTH, height), DARK)
    pen = Pen(image)
    for number, line in enumerate(lines, start=1):
        y = 8 + (number - 1) * LINE
        pen.text(44, y + 2, str(number), size=14, colour=DIM, anchor="ra")
        _draw_code_line(pen, 64, y, line)
    return to_planes(image)


def _draw_code_line(pen: Pen, x: float, y: int, line: str) -> None:
    """Write one line of Python; a leading space is as wide as half an em, for the font is proportional."""
    body = line.lstrip(" ")
    x += (len(line) - len(body)) * CODE_SIZE * 0.5
    previous = ""
    for match in TOKEN.finditer(body):
        token = match.group()
        colour = _token_colour(match, previous)
        pen.text(x, y, token, size=CODE_SIZE, colour=colour)
        x += text_width(token, CODE_SIZE) + (2 if token.isspace() else 0)
        previous = token if not token.isspace() else previous


def _token_colour(match: re.Match[str], previous: str) -> Colour:
    token = match.group()
    if match.lastgroup == "string":
        return STRING
    if match.lastgroup == "number":
        return NUMBER
    if previous in {"def", "class"} or token.startswith("@"):
        return NAME
    if match.lastgroup == "word" and (keyword.iskeyword(token) or token == "self"):
        return KEYWORD
    return PLAIN


@lru_cache(maxsize=len(TERMINAL_TEXTS))
def _terminal(state: int) -> Planes:
    image = Image.new("RGB", (EDITOR_WIDTH, HEIGHT - TERMINAL_TOP), DARKER)
    pen = Pen(image)
    pen.box(0, 0, EDITOR_WIDTH, 2, (52, 57, 68))
    pen.text(20, 10, "TERMINAL", size=12, colour=DIM)
    for place, line in enumerate(TERMINAL_TEXTS[state]):
        colour = PLAIN
        if line.startswith(("FAILED", "E ", "1 failed")):
            colour = RED
        elif "15 passed" in line:
            colour = STRING
        y = 34 + place * 25
        if line.startswith("$"):
            pen.text(20, y, "$", size=CODE_SIZE, colour=STRING)
            pen.text(38, y, line[2:], size=CODE_SIZE, colour=PLAIN)
        else:
            pen.text(20, y, line, size=CODE_SIZE, colour=colour)
    return to_planes(image)


@lru_cache(maxsize=len(words_shown.PAGES))
def _page(number: int) -> Planes:
    """Draw a page of the document, the first one long enough to be scrolled."""
    scrolled = DOCUMENT_SCROLLS[-1].offset_px if number == 0 else 0
    image = Image.new("RGB", (DOCUMENT_WIDTH, PAGE_HEIGHT + scrolled), PAPER)
    pen = Pen(image)
    y = 34
    for style, words in words_shown.PAGES[number]:
        y = _draw_paragraph(pen, y, style, words)
    return to_planes(image)


def _draw_paragraph(pen: Pen, y: int, style: str, words: str) -> int:
    """Draw a paragraph and return where the next one begins."""
    left = 40
    if style == "title":
        pen.text(left, y, words, size=36, colour=INK, bold=True)
        return y + 62
    if style == "heading":
        pen.text(left, y + 12, words, size=23, colour=(24, 92, 148), bold=True)
        return y + 50
    indent = 24 if style == "bullet" else 0
    if style == "bullet":
        pen.dot(left + 8, y + 13, 4, (24, 92, 148))
    for line in _wrap(words, 19, DOCUMENT_WIDTH - 2 * left - indent):
        pen.text(left + indent, y, line, size=19, colour=INK)
        y += 28
    return y + 8


def _wrap(words: str, size: int, width: int) -> list[str]:
    """Break a text into lines that fit into `width` pixels."""
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".strip(" ") if lines[-1] else word
        if lines[-1] and text_width(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
