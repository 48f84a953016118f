"""Reading a file's frames from packets: nothing is decoded but a keyframe for each picture size."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from av.container import InputContainer
from av.video.stream import VideoStream

from meetctl.adapters.media_av.damage import DamageWatch, Finding
from meetctl.adapters.media_av.opening import (
    announced_end_us,
    column_us,
    discard_others,
    has_decoder,
    no_media,
    open_media,
    origin_us,
    translate_errors,
    video_streams,
)
from meetctl.adapters.media_av.sizes import SizeWatch, codec_name, is_hidden
from meetctl.domain.recording import Recording, SizeRun, Track
from meetctl.errors import MediaError

if TYPE_CHECKING:
    from meetctl.ports import Progress

TRACK_TAG = "MEETCTL_TRACK"
"""The stream's tag in which a recorder writes the id that a track had in the meeting."""

_REPORT_EVERY = 4096
"""Packets between two reports of progress."""


@dataclass(slots=True, kw_only=True)
class _Columns:
    """One stream's frames in presentation order, while packets come in decode order."""

    stream: VideoStream
    sizes: SizeWatch
    may_hide: bool
    """Whether there can be packets that nothing is shown of."""
    untimed: int = 0
    """How many packets have no time at all."""
    newest: int = -(2**63)
    """The latest time so far, in the stream's units."""
    pts: array[int] = field(default_factory=lambda: array("q"))
    size_bytes: array[int] = field(default_factory=lambda: array("i"))
    keyframe: bytearray = field(default_factory=bytearray)

    def insert(self, pts: int, size_bytes: int, is_keyframe: bool) -> None:
        """Put a frame that is shown before others that are already there, such as a B-frame, in its place."""
        place = bisect_right(self.pts, pts)
        self.pts.insert(place, pts)
        self.size_bytes.insert(place, size_bytes)
        self.keyframe.insert(place, is_keyframe)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFrames:
    """What one media file holds, before it is told what kind of recording it belongs to."""

    tracks: tuple[Track, ...]
    duration_us: int
    created_at: datetime | None
    has_audio: bool
    finding: Finding


def read_file(path: Path, progress: Progress) -> Recording:
    """Read a plain media file.

    Raises:
        MediaError: It is no media, has no video, or not a single frame is left.
    """
    frames = read_frames(path, progress, on_media_clock=False)
    with translate_errors(path):
        modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return Recording(
        path=path,
        media=(path,),
        kind="file",
        tracks=frames.tracks,
        duration_us=frames.duration_us,
        recorded_at=frames.created_at or modified,
        recorded_at_source="container" if frames.created_at else "file time",
        has_audio=frames.has_audio,
        damaged=frames.finding.damaged,
        warnings=frames.finding.warnings,
    )


def read_frames(path: Path, progress: Progress, *, on_media_clock: bool) -> FileFrames:
    """Read the frames of every video track of one media file.

    Raises:
        MediaError: It is no media, has no video, or not a single frame is left.
    """
    with open_media(path) as container:
        streams = _find_video(path, container)
        discard_others(container, streams)
        columns = {
            stream.index: _Columns(
                stream=stream, sizes=SizeWatch(stream), may_hide=codec_name(stream) == "vp8"
            )
            for stream in streams
        }
        with DamageWatch() as damage:
            _demux(container, columns, damage, progress, step=f"reading {path.name}")
        origin = origin_us(container, on_media_clock=on_media_clock)
        tracks = [
            _make_track(path, c, _track_name(c.stream, i, len(columns)), origin)
            for i, c in enumerate(columns.values())
            if c.pts
        ]
        if not tracks:
            raise _without_frames(path, columns)
        finding = damage.judge(path, container, tracks, origin)
        tracks = [replace(track, has_losses=finding.damaged) for track in tracks]
        return FileFrames(
            tracks=tuple(tracks),
            duration_us=_duration_us(container, tracks, origin, finding),
            created_at=_creation_time(container),
            has_audio=bool(container.streams.audio),
            finding=finding,
        )


def _find_video(path: Path, container: InputContainer) -> list[VideoStream]:
    if not container.streams:
        raise no_media(path)
    streams = video_streams(container)
    if not streams:
        raise MediaError(f"{path} has no video", hint="vision is priced by its frames; audio has none")
    known = [stream for stream in streams if has_decoder(stream)]
    if not known:
        raise MediaError(
            f"{path} has video in a codec that cannot be decoded here", hint="convert it, such as to H.264"
        )
    return known


def _without_frames(path: Path, columns: dict[int, _Columns]) -> MediaError:
    if any(column.untimed for column in columns.values()):
        return MediaError(
            f"{path} does not say when its frames are shown",
            hint="put the bare video stream into a container, such as Matroska",
        )
    return MediaError(f"{path} has a video track but not one frame", hint="the file was cut off")


def _demux(
    container: InputContainer,
    columns: dict[int, _Columns],
    damage: DamageWatch,
    progress: Progress,
    *,
    step: str,
) -> None:
    """Read all packets; this loop is what an audit's time is spent on, so it does only what it must."""
    size = container.size
    count = 0
    only = next(iter(columns.values())) if len(columns) == 1 else None
    for packet in damage.survive(container.demux([c.stream for c in columns.values()])):
        column = only or columns[packet.stream_index]
        pts = packet.pts
        if pts is None:
            pts = packet.dts
            if pts is None:
                column.untimed += packet.size > 0  # the demuxer ends with an empty packet
                continue
        is_keyframe = packet.is_keyframe
        if packet.is_discard or (column.may_hide and is_hidden(packet)):
            continue
        if is_keyframe:
            column.sizes.look(packet, pts)
        if pts >= column.newest:
            column.newest = pts
            column.pts.append(pts)
            column.size_bytes.append(packet.size)
            column.keyframe.append(is_keyframe)
        else:
            column.insert(pts, packet.size, is_keyframe)
        count += 1
        if not count % _REPORT_EVERY:
            progress(step, packet.pos or 0, size, "bytes")


def _track_name(stream: VideoStream, position: int, count: int) -> str:
    return stream.metadata.get("title") or ("video" if count == 1 else f"video {position}")


def _make_track(path: Path, columns: _Columns, name: str, origin: int) -> Track:
    stream = columns.stream
    time_base = stream.time_base
    if time_base is None:
        raise MediaError(f"video stream {stream.index} has no time base")
    return Track(
        name=name,
        media=path,
        stream=stream.index,
        codec=codec_name(stream),
        t_us=column_us(columns.pts, time_base, origin),
        size_bytes=columns.size_bytes,
        keyframe=columns.keyframe,
        runs=_size_runs(columns),
        id=stream.metadata.get(TRACK_TAG, ""),
    )


def _size_runs(columns: _Columns) -> tuple[SizeRun, ...]:
    """Say from which displayed frame on each size holds.

    A new size starts at a keyframe, which every frame decoded later follows in presentation too.
    """
    runs: list[SizeRun] = []
    for pts, width, height in columns.sizes.changes:
        first = bisect_left(columns.pts, pts) if runs else 0
        runs.append(SizeRun(first=first, width=width, height=height))
    return tuple(runs) or (
        SizeRun(
            first=0, width=columns.stream.codec_context.width, height=columns.stream.codec_context.height
        ),
    )


def _duration_us(container: InputContainer, tracks: list[Track], origin: int, finding: Finding) -> int:
    """Trust the container unless the frames say otherwise.

    An audio track that ends a moment later is a codec's padding; a much longer one is a screen that
    stood still or was no longer shared, and the meeting lasted as long.
    """
    frames_us = max(t.t_us[-1] + t.frame_us for t in tracks) - min(0, *(t.t_us[0] for t in tracks))
    container_us = (announced_end_us(container) or 0) - origin
    if finding.damaged or container_us - frames_us < 1_000_000:
        return frames_us
    return container_us


def _creation_time(container: InputContainer) -> datetime | None:
    """Read when the container says it was made; FFmpeg's zero dates mean nobody said."""
    text = container.metadata.get("creation_time", "")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC) if moment.year > 2000 else None
