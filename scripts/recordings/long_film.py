"""Long films for the benchmarks: two drawn minutes, encoded once, their packets repeated."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import av

from recordings.bundle import MKV_OPTIONS, add_video, to_video_frame
from recordings.catalogue import catalogue
from recordings.film import frames
from recordings.meeting import FPS, HEIGHT, WIDTH, frame_time_us

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS = (("quarterly-review", 75), ("code-walkthrough", 45))
"""What one loop consists of: the first seconds of each meeting."""
LOOP_S = sum(seconds for _, seconds in PARTS)
REALTIME_BIT_RATE = 1_500_000

# libvpx as WebRTC runs it: realtime, no look-ahead, a constant bit rate.
REALTIME_VPX = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "1"}
CODECS: dict[str, tuple[str, dict[str, str], int | None]] = {
    "h264": ("libx264", {"preset": "veryfast", "crf": "23"}, None),
    "vp8": ("libvpx", REALTIME_VPX, REALTIME_BIT_RATE),
    "vp9": ("libvpx-vp9", {**REALTIME_VPX, "row-mt": "1"}, REALTIME_BIT_RATE),
    "av1": ("libsvtav1", {"preset": "11", "svtav1-params": "pred-struct=1:rc=2"}, REALTIME_BIT_RATE),
}
"""For each name: the encoder, its options, and its bit rate (None: by quality)."""


def write_long_film(path: Path, *, minutes: float, codec: str, height: int) -> None:
    """Write a video without audio of `minutes`, less a few frames at most, and its truth.

    `codec` is a key of CODECS; 1080 lines are the 720 drawn ones enlarged. The truth stands next to the
    video as NAME.truth.json.
    """
    frame_count = round(minutes * 60 * FPS)
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as directory:
        loop = Path(directory) / "loop.mkv"
        loop_frames = min(frame_count, LOOP_S * FPS)
        _encode_loop(loop, codec, height, loop_frames)
        frame_count = _repeat(loop, path, frame_count)
    truth = path.with_name(path.name.removesuffix(path.suffix) + ".truth.json")
    truth.write_text(json.dumps(_truth(frame_count), indent=1) + "\n", encoding="utf-8", newline="\n")


def _loop_frames() -> Iterator[bytes]:
    for name, seconds in PARTS:
        meeting, screen = catalogue()[name]
        yield from frames(meeting, screen, seconds * FPS)


def _encode_loop(path: Path, codec: str, height: int, count: int) -> None:
    encoder, options, bit_rate = CODECS[codec]
    width = WIDTH * height // HEIGHT
    with av.open(str(path), "w", format="matroska", options=MKV_OPTIONS) as container:
        stream = add_video(container, encoder, options, width, height)
        stream.codec_context.thread_count = 0
        if bit_rate is not None:
            stream.codec_context.bit_rate = bit_rate
        for index, raw in enumerate(itertools.islice(_loop_frames(), count)):
            frame = to_video_frame(raw, index)
            if height != HEIGHT:
                frame = frame.reformat(width=width, height=height)
                frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _repeat(loop: Path, path: Path, frame_count: int) -> int:
    """Copy the loop's packets again and again, each time later; returns how many frames were written.

    Those are up to a few fewer than `frame_count`: the film ends where no shown frame is left out.
    """
    with (
        av.open(str(loop)) as source,
        av.open(str(path), "w", format="matroska", options=MKV_OPTIONS) as target,
    ):
        template = source.streams.video[0]
        stream: Any = target.add_stream_from_template(template, opaque=True)
        packets = [
            (bytes(packet), packet.pts, packet.duration, packet.is_keyframe)
            for packet in source.demux(template)
            if packet.pts is not None
        ]
        # Decoding times run on without a gap, as much ahead of showing as the loop's reordering needs.
        ahead_ms = max(_time_ms(place) - pts for place, (_, pts, _, _) in enumerate(packets))
        shown_ms = [pts for _, pts, _, _ in packets]
        while (rest := frame_count % len(packets)) and max(shown_ms[:rest]) > _time_ms(rest - 1):
            frame_count -= 1
        for number in range(frame_count):
            turn, place = divmod(number, len(packets))
            contents, pts, duration, is_keyframe = packets[place]
            packet = av.Packet(contents)
            packet.stream, packet.time_base = stream, Fraction(1, 1_000)
            packet.pts, packet.dts = pts + turn * LOOP_S * 1_000, _time_ms(number) - ahead_ms
            packet.duration, packet.is_keyframe = duration, is_keyframe
            target.mux(packet)
    return frame_count


def _time_ms(index: int) -> int:
    return frame_time_us(index) // 1_000


def _truth(frame_count: int) -> dict[str, Any]:
    duration_s = frame_count / FPS
    changes: list[dict[str, Any]] = []
    start_s = 0.0
    for name, seconds in itertools.cycle(PARTS):
        if start_s >= duration_s:
            break
        if start_s > 0:
            changes.append({"t": round(start_s, 3), "kind": "slide", "what": f"{name} begins"})
        for change in catalogue()[name][0].changes:
            if change.t_s < seconds:
                shifted = replace(change, t_s=round(start_s + change.t_s, 3))
                changes.append({"t": shifted.t_s, "kind": shifted.kind, "what": shifted.what})
        start_s += seconds
    kept = [change for change in changes if change["t"] < duration_s]
    return {
        "schema": "meetctl.truth/1",
        "duration_s": round(duration_s, 3),
        "frames": frame_count,
        "fps": FPS,
        "changes": kept,
        "speech": [],
    }
