"""Telling damaged, cut off and unfinished recordings apart: FFmpeg reads on silently in all three."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import av.logging
from av.container import InputContainer
from av.packet import Packet

from meetctl.domain.recording import Track

_SLACK_US = 1_000_000
"""How much earlier than announced a recording may end: muxers round, codecs pad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong with a file, for people and for the exit code."""

    damaged: bool
    warnings: tuple[str, ...] = ()


class DamageWatch:
    """Listens to what the demuxer complains of while packets are read."""

    def __init__(self) -> None:
        self._capture = av.logging.Capture()
        self._logs: list[tuple[int, str, str]] = []
        self._broke_off: str | None = None
        self._corrupt = 0

    def __enter__(self) -> DamageWatch:
        av.logging.set_level(av.logging.ERROR)
        self._logs = self._capture.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._capture.__exit__(None, None, None)
        av.logging.set_level(None)

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
        if container.duration is None:
            note = f"{path} is not finished: it is still being written, or its writer was killed; {read_to}"
            return Finding(damaged=False, warnings=(note,))
        announced_us = container.duration + min(0, container.start_time or 0) - origin
        if announced_us - end_us > _SLACK_US and _ends_before(container, announced_us - _SLACK_US + origin):
            cut = f"{path} is cut off: {read_to} of {announced_us / 1_000_000:.1f} s"
            return Finding(damaged=True, warnings=(cut,))
        complaints = [message for _, _, message in self._logs]
        if complaints or self._corrupt:
            what = complaints[0].strip() if complaints else f"{self._corrupt} corrupt packets"
            gap = _longest_gap(tracks)
            return Finding(damaged=True, warnings=(f"{path} is damaged ({what}); {gap}",))
        return Finding(damaged=False)


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


def _longest_gap(tracks: Sequence[Track]) -> str:
    """Describe the longest stretch without a frame, which is where the damage most likely is."""
    gap_us, at_us = max(
        (b - a, a)
        for track in tracks
        for a, b in zip(track.t_us, [*track.t_us[1:], track.t_us[-1]], strict=True)
    )
    return f"the longest gap is {gap_us / 1_000_000:.1f} s, from {at_us / 1_000_000:.1f} s on"
