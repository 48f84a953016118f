"""Recordings through PyAV: times and sizes from packets, pixels only when something needs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.domain.recording import Recording, SpeechSpan
    from meetctl.ports import Picture, Progress

__all__ = ["AvFrameSource"]


class AvFrameSource:
    """The FrameSource port on PyAV."""

    def read(self, path: Path, progress: Progress) -> Recording:
        """Read every video track of a media file, or of a bundle's directory.

        Raises:
            MediaError: Nothing there is media, or it has no video.
        """
        from meetctl.adapters.media_av.bundle import read_bundle
        from meetctl.adapters.media_av.opening import translate_errors
        from meetctl.adapters.media_av.packets import read_file

        with translate_errors(path):
            return read_bundle(path, progress) if path.is_dir() else read_file(path, progress)

    def pictures(
        self, recording: Recording, track: int, progress: Progress, *, coarse: bool = False
    ) -> Iterator[Picture]:
        """Decode one track once, in presentation order.

        Frames that cannot be decoded, or only with parts made up, are left out. `coarse` pictures may
        have visible block edges: good enough for comparing small ones, and faster to make.

        Raises:
            MediaError: The file is gone, or is no longer what was read.
        """
        from meetctl.adapters.media_av.pictures import decode_track

        return decode_track(recording, recording.tracks[track], progress, coarse=coarse)

    def speech(self, recording: Recording, progress: Progress) -> list[SpeechSpan]:
        """Find speech in the first audio track; empty without one."""
        from meetctl.adapters.media_av.speech import detect_speech

        return detect_speech(recording, progress)
