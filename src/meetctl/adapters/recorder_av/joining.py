"""Joining a recording's segments into one file, without encoding anything again."""

from __future__ import annotations

import heapq
import os
import shutil
from array import array
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import av

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction
    from pathlib import Path

    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

_OPTIONS = {
    "avoid_negative_ts": "disabled",  # times stay what they are
    "max_interleave_delta": "100000",  # packets come in order of time: hardly any need to wait for others
    "cluster_time_limit": "1000",
}

_RESERVE_BYTES = 32_000_000
"""What joining leaves free on the disk: the meeting's journal, or another meeting, may still need it."""

_LEAST_BYTES = 4_096
"""A file that cannot be read and is smaller was cut off before its first packet was there."""


@dataclass(slots=True)
class _Part:
    """One segment, opened, and the times of its packets as they are read."""

    container: InputContainer
    stream: Any
    times: array[int] = field(default_factory=lambda: array("q"))

    def packets(self, number: int) -> Iterator[tuple[Fraction, int, Packet[Any]]]:
        """Read to the end, or to where a writer that was killed left off: when, `number`, and the packet."""
        try:
            for packet in self.container.demux(self.stream):
                if packet.pts is None:
                    continue
                if packet.dts is None:
                    # FFmpeg guesses when H.264 is to be decoded, and of a short segment may not find it;
                    # the recorder never reorders frames.
                    packet.dts = packet.pts
                self.times.append(packet.pts)
                yield packet.dts * packet.time_base, number, packet
        except av.error.FFmpegError:
            return


def join_segments(bundle: Path) -> bool:
    """Make `meeting.mkv` of a bundle's segments, and remove them when it holds all that they do.

    For a meeting that has just ended, and for a bundle whose worker was killed. Each video segment becomes a
    video track, in the order in which they were begun, with its name and its tags; the audio comes last. All
    packets keep their times. Returns whether the recording is one file now; otherwise, as on a full disk,
    the segments stay as they are and are the recording.
    """
    meeting, directory = bundle / "meeting.mkv", bundle / "segments"
    paths = sorted(directory.glob("*.mkv"))  # digits before letters: the audio is the last
    part = bundle / "meeting.mkv.part"
    try:
        if meeting.exists():
            joined = _read_times(meeting)
            if not all(times in joined for times in _read_segments(paths)):
                return False
        elif not paths or not _has_room(bundle, paths):
            return False
        else:
            try:
                if not _write_joined(part, paths):
                    return False
                part.rename(meeting)
            finally:
                part.unlink(missing_ok=True)
            _sync(bundle)
        _remove(directory, paths)
    except (OSError, av.error.FFmpegError):
        return False  # the segments, or what is left of them, can be read as well as before
    return True


def _has_room(bundle: Path, paths: Sequence[Path]) -> bool:
    needed = sum(path.stat().st_size for path in paths)
    return shutil.disk_usage(bundle).free > needed + needed // 50 + _RESERVE_BYTES


def _write_joined(target: Path, paths: Sequence[Path]) -> bool:
    """Write all packets in order of time; say whether the file, read again, has exactly those."""
    with ExitStack() as stack:
        parts = [part for path in paths if (part := _open_part(path, stack)) is not None]
        if not parts:
            return False
        with av.open(f"file:{target}", "w", format="matroska", options=_OPTIONS) as output:
            _copy(parts, output)
    _sync(target)
    return _read_times(target) == [part.times for part in parts]


def _read_segments(paths: Sequence[Path]) -> list[array[int]]:
    """Return the times of every segment's packets."""
    with ExitStack() as stack:
        parts = [part for path in paths if (part := _open_part(path, stack)) is not None]
        for part in parts:
            deque(part.packets(0), maxlen=0)
        return [part.times for part in parts]


def _read_times(path: Path) -> list[array[int]]:
    """Return the times of every track's packets."""
    with av.open(f"file:{path}", options={"protocol_whitelist": "file"}) as container:
        times = [array("q") for _ in container.streams]
        for packet in container.demux():
            if packet.pts is not None:
                times[packet.stream_index].append(packet.pts)
        return times


def _open_part(path: Path, stack: ExitStack) -> _Part | None:
    """Open a segment; None for one that a killed writer had hardly begun.

    Raises:
        FFmpegError: It holds more than that and cannot be read.
    """
    try:
        container = stack.enter_context(av.open(f"file:{path}", options={"protocol_whitelist": "file"}))
    except av.error.FFmpegError:
        if path.stat().st_size < _LEAST_BYTES:
            return None
        raise
    if not container.streams:
        return None
    return _Part(container=container, stream=container.streams[0])


def _copy(parts: Sequence[_Part], output: OutputContainer) -> None:
    streams = []
    for part in parts:
        stream: Any = output.add_stream_from_template(part.stream)
        stream.metadata.update(
            {key: value for key, value in part.stream.metadata.items() if key.upper() != "DURATION"}
        )
        streams.append(stream)
    runs = [part.packets(number) for number, part in enumerate(parts)]
    for _, number, packet in heapq.merge(*runs, key=lambda item: item[:2]):
        packet.stream = streams[number]
        output.mux_one(packet)


def _remove(directory: Path, paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink()
    with suppress(OSError):  # somebody else's file may be in it
        directory.rmdir()


def _sync(path: Path) -> None:
    """Have the system write a file, or a directory's entries, to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
