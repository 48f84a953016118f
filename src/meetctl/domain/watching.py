"""Which of the video tracks in a meeting the agent looks at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.domain.live_media import VideoTrack

SCREEN_SHARE = "screen_share"


def choose_watched(tracks: Iterable[VideoTrack]) -> frozenset[str]:
    """Return the ids of the tracks to look at: every shared screen, or every camera where none is shared.

    >>> from meetctl.domain.live_media import VideoTrack
    >>> camera = VideoTrack(id="TR_c", participant="maya", source="camera")
    >>> screen = VideoTrack(id="TR_s", participant="noor", source="screen_share")
    >>> sorted(choose_watched([camera])), sorted(choose_watched([camera, screen]))
    (['TR_c'], ['TR_s'])
    """
    published = list(tracks)
    screens = frozenset(track.id for track in published if track.source == SCREEN_SHARE)
    return screens or frozenset(track.id for track in published)
