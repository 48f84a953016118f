"""What a drawn meeting is: its screen, its visible changes, its conversation, its clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from recordings.camera import Person
    from recordings.canvas import Planes

WIDTH = 1280
HEIGHT = 720
FPS = 30


def frame_time_us(index: int) -> int:
    """Return when frame `index` is shown, in microseconds, as Matroska stores it: to the millisecond.

    >>> [frame_time_us(i) for i in (0, 1, 2, 3, 30)]
    [0, 33000, 67000, 100000, 1000000]
    """
    return (index * 2_000 + FPS) // (2 * FPS) * 1_000


def frame_at(t_s: float) -> int:
    """Return the index of the first frame that is shown at or after `t_s` seconds.

    >>> frame_at(0.1), frame_at(12.0)
    (3, 360)
    """
    return -(-round(t_s * 1_000) * FPS // 1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A moment from which the screen shows something else; pointer and camera do not count."""

    t_s: float
    """Media-clock seconds; a multiple of 0.1, where frames fall on a whole millisecond."""
    kind: str
    """slide, bullet, chart, highlight, scroll, settle, tab, page, terminal or edit."""
    what: str
    """What a person would say had changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """Something that one side says, with a span that its synthesized speech must fit into."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A question about the screen and the agent's answer."""

    question: Utterance
    answer: Utterance


@dataclass(frozen=True, slots=True, kw_only=True)
class Waypoint:
    """Where the pointer's tip rests from `t_s` on; it travels there in the `travel_s` before."""

    t_s: float
    x: int
    y: int
    travel_s: float = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceSettings:
    """How one side sounds; see `SpeechSynthesizer.speak`."""

    voice: str
    rate: int
    pitch: int


class Screen(Protocol):
    """What is shared: the picture without pointer and camera."""

    def planes(self, index: int) -> Planes:
        """Return the screen at frame `index`; the caller must not write into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Everything that decides a bundle's contents."""

    name: str
    title: str
    duration_s: int
    room: str
    tenant_id: str
    session_id: str
    started_at: datetime
    person: Person
    person_voice: VoiceSettings
    agent_voice: VoiceSettings
    changes: tuple[Change, ...]
    turns: tuple[Turn, ...]
    pointer: tuple[Waypoint, ...]

    @property
    def frame_count(self) -> int:
        """How many frames the recording has."""
        return self.duration_s * FPS

    def changes_until(self, index: int) -> int:
        """Return how many changes have happened by frame `index`."""
        t_us = frame_time_us(index)
        return sum(1 for change in self.changes if round(change.t_s * 1_000_000) <= t_us)
