"""Telling damaged, cut off and unfinished recordings apart: FFmpeg reads on silently in all three."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import av.logging
from av.container import InputContainer
from av.packet import Packet

from meetctl.adapters.media_av.matroska import segment_end
from meetctl.adapters.media_av.opening import announced_end_us
from meetctl.domain.recording import Track

_SLACK_US = 1_000_000
"""How much earlier than announced a recording may end: muxers round, codecs pad."""

_END_OF_FILE = "ended prematurely"
"""What the Matroska demuxer says where a file stops: no damage in one that is still being written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong with a file, for people and for the exit code."""

    damaged: bool
    warnings: tuple[str, ...] = ()


class DamageWatch:
    """Listens to what the demuxer complains of while packets are read."""

    def __init__(self) -> None:
        # From all threads: what a decoder's thread says would otherwise end up on stderr.
        self._capture = av.logging.Capture(local=False)
        self._logs: list[tuple[int, str, str]] = []
        self._broke_off: str | None = None
        self._corrupt = 0
        self._before: tuple[int | None, bool] = (None, True)

    def __enter__(self) -> DamageWatch:
        self._before = (av.logging.get_level(), av.logging.get_skip_repeated())
        # PyAV leaves out a message that equals the one before, even that of another file.
        av.logging.set_skip_repeated(False)
        av.logging.set_level(av.logging.ERROR)
        self._logs = self._capture.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._capture.__exit__(None, None, None)
        level, skip_repeated = self._before
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skip_repeated)

    def survive(self, packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
        """Pass packets on up to the point where the demuxer gives up."""
        try:
            for packet in packets:
                if packet.is_corrupt:
                    self._corrupt += 1
                yield packet
        except av.error.FFmpegError as error:
            self._broke_off = error.strerror or "unreadable data"

    def judge(self, path: Path, container: InputContainer, tracks: Sequence[Track], origin: int) -> Finding:
        """Say in one line what is missing, if anything is."""
        end_us = max(track.t_us[-1] + track.frame_us for track in tracks)
        read_to = f"read up to {end_us / 1_000_000:.1f} s"
        if self._broke_off:
            return Finding(damaged=True, warnings=(f"{path} is damaged: {self._broke_off}; {read_to}",))
        announced_us = announced_end_us(container)
        complaint = self._complaint(is_unfinished=announced_us is None)
        if announced_us is None and not complaint:
            note = f"{path} is not finished: it is still being written, or its writer was killed; {read_to}"
            return Finding(damaged=False, warnings=(note,))
        if announced_us is not None and _is_cut(path, container, announced_us, end_us + origin):
            cut = f"{path} is cut off: {read_to} of {(announced_us - origin) / 1_000_000:.1f} s"
            return Finding(damaged=True, warnings=(cut,))
        if complaint:
            where = _describe_gap(tracks) or read_to
            return Finding(damaged=True, warnings=(f"{path} is damaged ({complaint}); {where}",))
        return Finding(damaged=False)

    def _complaint(self, *, is_unfinished: bool) -> str | None:
        """Return what the demuxer said first, if it was about damage."""
        for _, _, message in self._logs:
            if not (is_unfinished and _END_OF_FILE in message):
                return message.strip()
        return f"{self._corrupt} corrupt packets" if self._corrupt and not is_unfinished else None


def _is_cut(path: Path, container: InputContainer, announced_us: int, end_us: int) -> bool:
    """Tell whether the file ends before what it announces, both on the container's own clock."""
    whole_bytes = segment_end(path)
    if whole_bytes is not None and whole_bytes <= container.size:
        return False
    slack_us = _SLACK_US if whole_bytes is None else _SLACK_US // 100
    if announced_us - end_us <= slack_us:
        return False
    return whole_bytes is not None or _ends_before(container, announced_us - slack_us)


def _ends_before(container: InputContainer, t_us: int) -> bool:
    """Tell whether no stream reaches `t_us`: a video track alone may well end before the audio."""
    for stream in container.streams:
        stream.discard = av.stream.Discard.default
    try:
        container.seek(max(0, t_us))
        for packet in container.demux():
            if packet.pts is not None and packet.pts * packet.time_base * 1_000_000 >= t_us:
                return False
    except av.error.FFmpegError:
        return True
    return True


def _describe_gap(tracks: Sequence[Track]) -> str | None:
    """Describe the longest stretch without a frame, which is where the damage most likely is."""
    gaps = [(b - a, a, track) for track in tracks for a, b in pairwise(track.t_us)]
    gap_us, at_us, track = max(gaps, key=lambda gap: gap[0], default=(0, 0, tracks[0]))
    if gap_us <= 2 * track.frame_us:
        return None
    return f"the longest gap is {gap_us / 1_000_000:.1f} s, from {at_us / 1_000_000:.1f} s on"
