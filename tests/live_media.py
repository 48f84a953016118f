"""Frames and sound as they arrive in a meeting, and a process that records them until it is killed.

python -m tests.live_media BUNDLE [--file-bytes N]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from meetctl.adapters.recorder_av.recorder import AvMeetingRecorder
from meetctl.adapters.system_clock import SystemClock
from meetctl.domain.live_media import LiveFrame, VideoTrack

if TYPE_CHECKING:
    import numpy.typing as npt

SCREEN = VideoTrack(id="TR_screen", participant="maya", source="screen_share")
CAMERA = VideoTrack(id="TR_camera", participant="maya", source="camera")
PIECE_US = 20_000


def draw_frame(t_ms: int, width: int = 320, height: int = 180, *, number: int = 0) -> LiveFrame:
    """A screen with fine lines like text, a bar that walks with `number`, and two colours."""
    luma: npt.NDArray[np.uint8] = np.full((height, width), 220, np.uint8)
    luma[::6, :: 1 + number % 5] = 40
    left = 7 * number % max(1, width - 8)
    luma[height // 4 : height // 2, left : left + 8] = 100
    columns, rows = (width + 1) // 2, (height + 1) // 2
    chroma: npt.NDArray[np.uint8] = np.full((2, rows, columns), 128, np.uint8)
    chroma[0, :, : columns // 2] = 90
    return LiveFrame(t_us=t_ms * 1000, width=width, height=height, data=luma.tobytes() + chroma.tobytes())


def noise_frame(t_ms: int, width: int, height: int) -> LiveFrame:
    """A picture that no encoder makes small."""
    size = width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
    data = np.random.default_rng(t_ms).integers(0, 256, size, np.uint8).tobytes()
    return LiveFrame(t_us=t_ms * 1000, width=width, height=height, data=data)


def tone(duration_ms: int, *, rate: int = 48_000, pitch_hz: int = 440, height: int = 8000) -> bytes:
    """A sine, signed 16 bit."""
    samples = np.arange(rate * duration_ms // 1000)
    return (height * np.sin(2 * np.pi * pitch_hz * samples / rate)).astype(np.int16).tobytes()


def _record(bundle: Path, file_bytes: int | None) -> None:
    """Record 720p30 and a voice in real time, a line for each frame that was taken, until stopped."""
    if file_bytes is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    clock = SystemClock()
    begin_s = clock.monotonic()
    stopped: list[str] = []
    recorder = AvMeetingRecorder(
        bundle, now_us=lambda: round((clock.monotonic() - begin_s) * 1e6), on_stopped=stopped.append
    )
    pictures = [draw_frame(0, 1280, 720, number=5 * number) for number in range(12)]
    spoken_us, piece = 0, tone(PIECE_US // 1000)
    with contextlib.suppress(BrokenPipeError):
        for number in range(1800):
            t_us = round(1000 * number / 30) * 1000
            time.sleep(max(0, t_us / 1e6 - (clock.monotonic() - begin_s)))
            picture = noise_frame(t_us // 1000, 1280, 720) if file_bytes else pictures[number % 12]
            frame = LiveFrame(t_us=t_us, width=1280, height=720, data=picture.data)
            while spoken_us + PIECE_US <= t_us:
                recorder.write_audio("maya", spoken_us, 48_000, piece)
                spoken_us += PIECE_US
            if recorder.write_video(SCREEN, frame):
                _say(str(t_us))
            if stopped:
                break
    end = recorder.finish()
    _say(json.dumps({"stopped": end.stopped, "told": stopped, "frames": end.frames, "dropped": end.dropped}))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--file-bytes", type=int)
    options = parser.parse_args()
    _record(options.bundle, options.file_bytes)
    sys.exit(0)
