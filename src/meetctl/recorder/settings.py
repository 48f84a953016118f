"""What a recorder is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.core.settings import Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderSettings:
    """Which room is recorded, how, and for how long."""

    livekit: LiveKitAccess
    room: str
    fps: Fraction | None
    """Frames kept a second, as an agent would; None keeps every frame."""
    recording: Recording
    """What of the video is recorded besides the kept frames."""
    sessions: Path
    """Where bundles are written."""
    tenant_id: str | None = None
    has_audio: bool = True
    is_silent: bool = False
    """Whether people are not told."""
    grace_s: float = 20.0
    """How long it waits for somebody to return after the last person has left, and for the first one."""
    limit_s: float | None = None
    """After how long a recording ends; None for when the meeting does."""
    waits: bool = False
    """Whether it waits until a person is in the room, which need not be there yet."""
    repeats: bool = False
    """Whether it waits for the next meeting when one has ended."""
