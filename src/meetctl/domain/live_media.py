"""Video as it arrives in a meeting, and what became of its recording."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoTrack:
    """One published video track, from its publication to its end."""

    id: str
    """LiveKit's track id, such as "TR_VSc3N8": a track that is published again gets another one."""
    participant: str
    """Identity of who publishes it."""
    source: str
    """"screen_share" or "camera"."""

    @property
    def name(self) -> str:
        """What a person would call it.

        >>> VideoTrack(id="TR_1", participant="maya", source="screen_share").name
        'screen of maya'
        """
        return f"{'screen' if self.source == 'screen_share' else self.source} of {self.participant}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFrame:
    """One decoded frame in I420: a plane of luma, then two of chroma with each side halved and rounded up."""

    t_us: int
    """Time on the media clock in microseconds, always whole milliseconds: what Matroska can hold."""
    width: int
    height: int
    data: bytes | bytearray | memoryview
    """width*height + 2*ceil(width/2)*ceil(height/2) bytes, planes without padding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingEnd:
    """What a recording holds when it is finished."""

    frames: int
    """Frames written."""
    dropped: int
    """Frames not written because writing was behind or had stopped."""
    segments: int
    stopped: str | None = None
    """Why it stopped before the meeting's end, such as "no space is left"; None when it did not."""
