"""The small camera picture: a drawn person who sways, blinks, and moves the mouth while speaking."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw

from recordings.canvas import Colour, Pen, Planes, text_width, to_planes

WIDTH = 208
HEIGHT = 118
MARGIN = 16
DETAIL = 4
"""The picture is drawn this many times as large, then scaled down, for smooth edges."""
SWAY_FRAMES = 210
BLINK_EVERY_FRAMES = 127
BLINK_FRAMES = 4
MOUTH_STEPS = (0, 1, 3, 2, 3, 1, 2, 0)
"""How far the mouth is open (0 to 3), one step for every three frames of speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is in the picture, and in which colours."""

    identity: str
    name: str
    skin: Colour
    hair: Colour
    clothes: Colour
    wall: Colour
    long_hair: bool = False


@dataclass(frozen=True, slots=True)
class Pose:
    """What differs between two pictures of a person."""

    sway: int
    mouth: int
    eyes_closed: bool


def pose_at(index: int, speaking_since: int | None) -> Pose:
    """Return the pose at frame `index`; `speaking_since` is the frame where a running speech began."""
    mouth = 0
    if speaking_since is not None:
        mouth = MOUTH_STEPS[(index - speaking_since) // 3 % len(MOUTH_STEPS)]
    return Pose(index % SWAY_FRAMES, mouth, index % BLINK_EVERY_FRAMES < BLINK_FRAMES)


@lru_cache(maxsize=2048)
def camera_planes(person: Person, pose: Pose) -> Planes:
    """Return the camera picture, WIDTH x HEIGHT, with square corners; do not write into it."""
    large = Image.new("RGB", (WIDTH * DETAIL, HEIGHT * DETAIL), person.wall)
    draw = ImageDraw.Draw(large)
    _draw_room(draw, person)
    angle = 2 * math.pi * pose.sway / SWAY_FRAMES
    _draw_person(draw, person, pose, round(20 * math.sin(angle)), round(6 * math.sin(2 * angle)))
    small = large.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    pen = Pen(small)
    pen.box(6, HEIGHT - 23, 14 + text_width(person.name, 11), 17, (28, 32, 40), 4)
    pen.text(13, HEIGHT - 21, person.name, size=11, colour=(240, 242, 246))
    return to_planes(small)


def paste_camera(target: Planes, person: Person, pose: Pose) -> None:
    """Put the picture into the lower right corner, in place."""
    height, width = target.y.shape
    target.paste(camera_planes(person, pose), width - WIDTH - MARGIN, height - HEIGHT - MARGIN)


def _draw_room(draw: ImageDraw.ImageDraw, person: Person) -> None:
    """A shelf and a window, so that the person is not in front of nothing."""
    darker = _shade(person.wall, 0.86)
    draw.rectangle((560, 60, 832, 74), fill=darker)
    for x, colour in (
        (590, (178, 92, 78)),
        (618, (88, 120, 150)),
        (646, (206, 170, 96)),
        (674, (98, 134, 104)),
    ):
        draw.rectangle((x, 8, x + 22, 60), fill=_shade(colour, 0.95))
    draw.ellipse((742, 14, 792, 60), fill=(104, 140, 100))
    draw.rectangle((50, 0, 250, 170), fill=_shade(person.wall, 1.1))
    draw.rectangle((146, 0, 154, 170), fill=darker)
    draw.rectangle((40, 170, 260, 182), fill=darker)


def _draw_person(draw: ImageDraw.ImageDraw, person: Person, pose: Pose, dx: int, dy: int) -> None:
    """Draw around the middle of the enlarged picture; `dx` and `dy` move the head, half the body."""
    x, y = 416 + dx, 196 + dy
    body = 416 + dx // 2
    hair, skin = person.hair, person.skin
    if person.long_hair:
        draw.rounded_rectangle((x - 104, y - 118, x + 104, y + 150), 96, fill=hair)
    draw.rounded_rectangle((body - 200, 326, body + 200, 620), 130, fill=person.clothes)
    draw.polygon(((body - 62, 326), (body + 62, 326), (body, 410)), fill=_shade(skin, 0.92))
    draw.rounded_rectangle((x - 40, y + 70, x + 40, y + 160), 34, fill=_shade(skin, 0.88))
    draw.ellipse((x - 86, y - 106, x + 86, y + 118), fill=skin)
    draw.chord((x - 92, y - 120, x + 92, y + 74), 184, 356, fill=hair)
    if person.long_hair:
        draw.pieslice((x - 92, y - 118, x + 60, y + 30), 170, 290, fill=hair)
    else:
        draw.ellipse((x - 100, y - 14, x - 78, y + 34), fill=skin)
        draw.ellipse((x + 78, y - 14, x + 100, y + 34), fill=skin)
    _draw_face(draw, person, pose, x + dx // 4, y)


def _draw_face(draw: ImageDraw.ImageDraw, person: Person, pose: Pose, x: int, y: int) -> None:
    line = _shade(person.hair, 0.8)
    for side in (-36, 36):
        eye = x + side
        draw.line((eye - 18, y - 22, eye + 18, y - 24), fill=line, width=7)
        if pose.eyes_closed:
            draw.line((eye - 14, y + 4, eye + 14, y + 4), fill=line, width=6)
        else:
            draw.ellipse((eye - 15, y - 8, eye + 15, y + 14), fill=(248, 248, 246))
            draw.ellipse((eye - 8, y - 6, eye + 8, y + 12), fill=(52, 44, 40))
    draw.line(
        (x, y + 10, x - 6, y + 36, x + 6, y + 38), fill=_shade(person.skin, 0.8), width=5, joint="curve"
    )
    lips = (168, 84, 80)
    if pose.mouth == 0:
        draw.arc((x - 30, y + 34, x + 30, y + 72), 25, 155, fill=lips, width=8)
    else:
        opening = 6 + 7 * pose.mouth
        draw.ellipse((x - 26, y + 64 - opening // 2, x + 26, y + 64 + opening), fill=lips)
        draw.ellipse((x - 18, y + 67 - opening // 2, x + 18, y + 60 + opening), fill=(84, 34, 36))


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, round(part * factor)) for part in colour)
    return red, green, blue
