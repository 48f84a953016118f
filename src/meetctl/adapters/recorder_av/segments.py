"""The files of a recording while the meeting runs: which track's frames go into which."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from meetctl.adapters.recorder_av.audio_track import LATE_US, AudioTrack
from meetctl.adapters.recorder_av.video_segment import VideoSegment

if TYPE_CHECKING:
    from pathlib import Path

    from meetctl.domain.live_media import LiveFrame, VideoTrack

AUDIO_NAME = "audio.mkv"


class Segments:
    """Writes frames and sound into `segments/`: a new file for each track, size and return of a track."""

    def __init__(self, bundle: Path) -> None:
        self._directory = bundle / "segments"
        self._open: dict[str, VideoSegment] = {}
        self._audio: AudioTrack | None = None
        self.count = 0
        """How many video segments were begun."""

    def write_video(self, track: VideoTrack, frame: LiveFrame) -> None:
        """Write a frame into its track's segment, or begin one.

        Raises:
            OSError: It could not be written.
        """
        segment = self._open.get(track.id)
        if segment is not None and (segment.width, segment.height) != (frame.width, frame.height):
            self.end_video(track.id)
            segment = None
        if segment is None:
            self._directory.mkdir(parents=True, exist_ok=True)
            path = self._directory / f"{self.count + 1:04d}-{_file_name(track.id)}.mkv"
            segment = self._open[track.id] = VideoSegment(path, track, frame)
            self.count += 1
        segment.write(frame)

    def end_video(self, track: str) -> None:
        """Finish the track's segment if it has one.

        Raises:
            OSError: The file's length could not be noted in it.
        """
        segment = self._open.pop(track, None)
        if segment is not None:
            segment.close()

    def write_audio(self, voice: str, t_us: int, sample_rate: int, samples: bytes) -> None:
        """Put a piece of one voice into the mix.

        Raises:
            OSError: The audio file could not be begun.
        """
        if self._audio is None:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._audio = AudioTrack(self._directory / AUDIO_NAME, t_us)
        self._audio.add(voice, t_us, sample_rate, samples)

    def advance(self, now_us: int) -> None:
        """Write the sound for which no piece can come any more.

        Raises:
            OSError: It could not be written.
        """
        if self._audio is not None:
            self._audio.write_until(now_us - LATE_US)

    def close(self, now_us: int) -> None:
        """Finish every file, the audio at this moment.

        Raises:
            OSError: Something could not be written; the other files may still be open.
        """
        for track in list(self._open):
            self.end_video(track)
        if self._audio is not None:
            self._audio.close(now_us)
            self._audio = None

    def abandon(self) -> None:
        """Finish every file as it stands, after a failure."""
        for segment in self._open.values():
            with suppress(OSError):  # it lacks its length then, and is readable all the same
                segment.close()
        self._open.clear()
        if self._audio is not None:
            with suppress(OSError):  # the same
                self._audio.abandon()
            self._audio = None


def _file_name(track: str) -> str:
    """Return the track's id without what is no good in a file's name."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in track)[:64]
