"""A meeting's frames: the shared screen, the camera picture on it, and the pointer on top."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from recordings.camera import paste_camera, pose_at
from recordings.canvas import Sprite, to_sprite
from recordings.meeting import FPS, frame_at, frame_time_us

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recordings.meeting import Meeting, Screen, Waypoint

POINTER_OUTLINE = ((0, 0), (0, 17), (4, 13.2), (7, 20), (9.6, 18.8), (6.8, 12.2), (12.4, 12))
POINTER_SIZE = (20, 26)
POINTER_DETAIL = 8


def frames(meeting: Meeting, screen: Screen, count: int | None = None) -> Iterator[bytes]:
    """Yield the first `count` frames (all of them by default) as raw I420, WIDTH x HEIGHT.

    The same meeting gives the same bytes each time, with the same versions of Pillow and NumPy.
    """
    total = meeting.frame_count if count is None else min(count, meeting.frame_count)
    for index in range(total):
        picture = screen.planes(index).copy()
        paste_camera(picture, meeting.person, pose_at(index, _speaking_since(meeting, index)))
        x, y = pointer_at(meeting.pointer, frame_time_us(index) / 1_000_000)
        _pointer(x % 2, y % 2).blend(picture, x - x % 2, y - y % 2)
        yield picture.tobytes()


def pointer_at(waypoints: tuple[Waypoint, ...], t_s: float) -> tuple[int, int]:
    """Return where the pointer's tip is, in pixels: at rest, or on a slightly bent way to the next place."""
    here = waypoints[0]
    for there in waypoints[1:]:
        leaves_s = there.t_s - there.travel_s
        if t_s < leaves_s:
            break
        if t_s < there.t_s:
            share = smooth((t_s - leaves_s) / there.travel_s)
            bend = 0.12 * share * (1 - share)
            dx, dy = there.x - here.x, there.y - here.y
            return round(here.x + dx * share - dy * bend), round(here.y + dy * share + dx * bend)
        here = there
    return here.x, here.y


def smooth(share: float) -> float:
    """Ease a movement in and out: 0 to 0, 1 to 1, no jerk at either end.

    >>> smooth(0.0), smooth(0.5), smooth(1.0)
    (0.0, 0.5, 1.0)
    """
    return share * share * (3 - 2 * share)


def _speaking_since(meeting: Meeting, index: int) -> int | None:
    for turn in meeting.turns:
        begins = frame_at(turn.question.start_s)
        if begins <= index < round(turn.question.end_s * FPS):
            return begins
    return None


@lru_cache(maxsize=4)
def _pointer(odd_x: int, odd_y: int) -> Sprite:
    width, height = POINTER_SIZE
    large = Image.new("RGBA", (width * POINTER_DETAIL, height * POINTER_DETAIL), (255, 255, 255, 0))
    outline = [
        ((x + 2 + odd_x) * POINTER_DETAIL, (y + 2 + odd_y) * POINTER_DETAIL) for x, y in POINTER_OUTLINE
    ]
    draw = ImageDraw.Draw(large)
    draw.line([*outline, outline[0], outline[1]], fill=(255, 255, 255, 255), width=22, joint="curve")
    draw.polygon(outline, fill=(24, 24, 28, 255))
    return to_sprite(large.resize(POINTER_SIZE, Image.Resampling.BOX))
