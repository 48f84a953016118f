"""Measures what recording a meeting costs: CPU time for each second of it, by frame rate.

    .venv/bin/python benchmarks/recorder_cpu.py [--rounds N] [--seconds N]

Four seconds of a sample recording, to and fro, are handed to the recorder as a live meeting's frames would
be, with one voice, as fast as it takes them. What getting them ready costs is measured too and subtracted.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

from measure import cpu, least, machine, markdown_table, median, report, rss, run_in_turn
from meetctl.adapters.recorder_av.recorder import AvMeetingRecorder
from meetctl.domain.live_media import LiveFrame, VideoTrack

SOURCE = Path(__file__).resolve().parent.parent / "recordings" / "quarterly-review" / "meeting.mkv"
TRACK = VideoTrack(id="TR_screen", participant="maya", source="screen_share")
MODES: dict[str, int | None] = {"off": None, "sound only": 0, "1 fps": 1, "5 fps": 5, "full (30 fps)": 30}
"""How many frames a second are recorded; None is no recorder at all."""
SOURCE_FPS = 30
FROM_S = 8
PIECE_US = 20_000
RATE_HZ = 48_000


def read_pictures() -> tuple[list[bytes], int, int]:
    """Return four seconds of the sample recording in I420, forwards and backwards, and their size."""
    with av.open(str(SOURCE)) as container:
        container.seek(FROM_S * 1_000_000)
        pictures = list(islice(container.decode(video=0), 4 * SOURCE_FPS))
    data = [picture.to_ndarray().tobytes() for picture in pictures]
    return data + data[::-1], pictures[0].width, pictures[0].height


def run_meeting(bundle: Path, fps: int | None, seconds: int) -> None:
    """Record so many seconds, each frame as soon as there is room for it."""
    now_us = spoken_us = 0
    pictures, width, height = read_pictures()
    if fps is None:
        return
    recorder = AvMeetingRecorder(bundle, now_us=lambda: now_us, on_stopped=fail)
    piece = (8000 * np.sin(np.arange(RATE_HZ * PIECE_US // 1_000_000) * 0.05)).astype(np.int16).tobytes()
    for number in range(seconds * SOURCE_FPS):
        now_us = round(number * 1000 / SOURCE_FPS) * 1000
        while spoken_us + PIECE_US <= now_us:
            recorder.write_audio("maya", spoken_us, RATE_HZ, piece)
            spoken_us += PIECE_US
        if fps and number % (SOURCE_FPS // fps) == 0:
            data = pictures[number % len(pictures)]
            frame = LiveFrame(t_us=now_us, width=width, height=height, data=data)
            while not recorder.write_video(TRACK, frame):
                time.sleep(0.005)
    if recorder.finish().frames != fps * seconds:
        raise SystemExit("not every frame was recorded")


def fail(reason: str) -> None:
    """End the measured process: a recording that stopped costs nothing."""
    raise SystemExit(reason)


def main() -> None:
    """Measure, print a Markdown table and keep it in results/."""
    parser = argparse.ArgumentParser(description="Measure the CPU time of recording.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--mode", choices=list(MODES), help="record once, for a measured process")
    parser.add_argument("--bundle", type=Path)
    options = parser.parse_args()
    if options.mode:
        shutil.rmtree(options.bundle, ignore_errors=True)  # the round before wrote the same
        run_meeting(options.bundle, MODES[options.mode], options.seconds)
        return
    with TemporaryDirectory() as directory:
        report("recorder_cpu", measure_modes(Path(directory), options.rounds, options.seconds))


def measure_modes(directory: Path, rounds: int, seconds: int) -> str:
    """Return the report of every mode."""
    files = {mode: directory / str(number) / "meeting.mkv" for number, mode in enumerate(MODES)}
    commands: dict[str, list[str | Path]] = {
        mode: [
            sys.executable,
            __file__,
            "--mode",
            mode,
            "--seconds",
            str(seconds),
            "--bundle",
            file.parent,
        ]
        for mode, file in files.items()
    }
    costs = run_in_turn(commands, rounds, warm_up=False)
    off = costs["off"]
    rows = [
        [
            mode,
            f"{(least(runs, cpu) - least(off, cpu)) / seconds * 1000:.1f}",
            f"{(median(runs, cpu) - median(off, cpu)) / seconds * 1000:.1f}",
            f"{least(runs, rss) - least(off, rss):.0f}",
            f"{files[mode].stat().st_size * 8 / seconds / 1000:.0f}",
        ]
        for mode, runs in costs.items()
        if mode != "off"
    ]
    header = ["recorded", "least ms of CPU a second", "median", "MB of memory", "kbit/s"]
    what = f"{seconds} s of a drawn 720p screen share and one voice, {rounds} runs each, in turn"
    return "\n".join([f"{what}. {machine('av')}.", "", markdown_table(header, rows)])


if __name__ == "__main__":
    main()
