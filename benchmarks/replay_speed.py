"""Measures `meetctl replay` against ffmpeg on the same files, both in one run and in turn.

    .venv/bin/python benchmarks/replay_speed.py [--quick] [--cache DIR]

The videos are drawn once (scripts/draw_recordings.py) and kept in the cache directory. Whole processes are
measured; where a row says "beyond start-up", the time of the same command on a second of video is taken off.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from measure import MEETCTL, Cost, least, machine, markdown_table, median, report, rss, run, run_in_turn, wall

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Command = Sequence[str | Path]
    Costs = dict[str, list[Cost]]

DRAW = Path(__file__).resolve().parent.parent / "scripts" / "draw_recordings.py"
FAST_ROUNDS = 7
SLOW_ROUNDS = 3
TEN_POLICIES = ("0.1", "0.2", "0.25", "0.5", "1", "2", "3", "5", "10", "15")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the result; each side as (least, median), in seconds or MB."""

    what: str
    ours: tuple[float, float]
    theirs: tuple[float, float]
    limit: float
    """The largest ratio ours / theirs that is still good; 1/25 is shown as "25x faster"."""

    def cells(self) -> list[str]:
        """Return the line as text."""
        ratios = [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]
        in_times_faster = self.limit < 0.5
        return [
            self.what,
            " / ".join(f"{value:.2f}" for value in self.ours),
            " / ".join(f"{value:.2f}" for value in self.theirs),
            " / ".join(
                f"{1 / ratio:.1f}x faster" if in_times_faster else f"{ratio:.2f}x" for ratio in ratios
            ),
            f"{1 / self.limit:.0f}x faster" if in_times_faster else f"at most {self.limit:g}x",
            "yes" if ratios[0] <= self.limit else "no",
        ]


def replay(video: Path, *options: str) -> Command:
    """Return the command that audits a video."""
    return [MEETCTL, "replay", *options, video]


def replay_off(video: Path) -> Command:
    """Return the audit that every comparison starts from: two policies, no coverage."""
    return replay(video, "--fps", "1", "--fps", "0.5", "--coverage", "off")


def ffmpeg(video: Path, *options: str) -> Command:
    """Return ffmpeg's pass over a video, its output thrown away."""
    return ["ffmpeg", "-nostdin", "-v", "error", "-i", video, *options, "-f", "null", "-"]


def ffmpeg_decode(video: Path) -> Command:
    """Return what people run today to sample one frame a second."""
    return ffmpeg(video, "-vf", "fps=1")


def ffmpeg_copy(video: Path) -> Command:
    """Return ffmpeg's pass that decodes nothing: the demuxing alone."""
    return ffmpeg(video, "-map", "0:v", "-c", "copy")


def drawn(cache: Path, minutes: int) -> Path:
    """Return a video of 720p30 H.264 of that length, drawn if the cache lacks it."""
    path = cache / f"h264-720p30-{minutes}min.mkv"
    if not path.exists():
        # Drawn under another name first: a broken-off run must not leave half a video behind.
        partial = path.with_name(f"partial-{path.name}")
        options = ["--long", str(minutes), "--codec", "h264", "--height", "720", str(partial)]
        subprocess.run([sys.executable, str(DRAW), *options], check=True, stdout=sys.stderr)
        partial.rename(path)
    return path


def first_second(cache: Path, video: Path) -> Path:
    """Return the first second of a video, packets unchanged."""
    path = cache / "h264-720p30-1s.mkv"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", video, "-t", "1", "-map", "0:v", "-c", "copy"]
    subprocess.run([*map(str, command), str(path)], check=True)
    return path


def both(costs: Sequence[Cost], field: Callable[[Cost], float] = wall) -> tuple[float, float]:
    """Return (least, median) of one measure."""
    return least(costs, field), median(costs, field)


def beyond(costs: Sequence[Cost], start_up: Sequence[Cost]) -> tuple[float, float]:
    """Return (least, median) of the wall time without what starting takes."""
    (low, middle), (start_low, start_middle) = both(costs), both(start_up)
    return max(low - start_low, 0.0), max(middle - start_middle, 0.0)


def measure_ten_minutes(video: Path, second: Path) -> list[Row]:
    """Measure everything that is promised for ten minutes of video."""
    ten = [option for fps in TEN_POLICIES for option in ("--fps", fps)]
    fast = run_in_turn(
        {
            "replay": replay_off(video),
            "replay, one second": replay_off(second),
            "ffmpeg -c copy": ffmpeg_copy(video),
            "replay --coverage packets": replay(video, "--fps", "1", "--fps", "0.5", "--coverage", "packets"),
            "replay, one policy": replay(video, "--fps", "1", "--coverage", "off"),
            "replay, ten policies": replay(video, *ten, "--coverage", "off"),
        },
        FAST_ROUNDS,
    )
    slow = run_in_turn(
        {
            "replay": replay_off(video),
            "replay --coverage decode": replay(video, "--fps", "1", "--fps", "0.5", "--coverage", "decode"),
            "ffmpeg fps=1": ffmpeg_decode(video),
        },
        SLOW_ROUNDS,
        warm_up=False,
    )
    return [
        Row(
            what="10 min: `--coverage off` against `ffmpeg -vf fps=1`, s",
            ours=both(slow["replay"]),
            theirs=both(slow["ffmpeg fps=1"]),
            limit=1 / 25,
        ),
        copy_row("10 min", fast["replay"], fast["replay, one second"], fast["ffmpeg -c copy"]),
        Row(
            what="10 min: `--coverage packets` against `off`, s",
            ours=both(fast["replay --coverage packets"]),
            theirs=both(fast["replay"]),
            limit=1.3,
        ),
        Row(
            what="10 min: `--coverage decode` against `ffmpeg -vf fps=1`, s",
            ours=both(slow["replay --coverage decode"]),
            theirs=both(slow["ffmpeg fps=1"]),
            limit=1,
        ),
        Row(
            what="10 min: ten policies against one, s",
            ours=both(fast["replay, ten policies"]),
            theirs=both(fast["replay, one policy"]),
            limit=1.2,
        ),
    ]


def copy_row(length: str, ours: Sequence[Cost], start_up: Sequence[Cost], theirs: Sequence[Cost]) -> Row:
    """Return the comparison with ffmpeg's demuxing, ours without start-up, theirs whole."""
    return Row(
        what=f"{length}: `--coverage off` beyond start-up against `ffmpeg -c copy`, s",
        ours=beyond(ours, start_up),
        theirs=both(theirs),
        limit=2,
    )


def measure_hours(hour: Path, three_hours: Path, second: Path) -> list[Row]:
    """Measure an hour against ffmpeg, and the memory of one hour and of three."""
    costs = run_in_turn(
        {
            "replay, one hour": replay_off(hour),
            "replay, one second": replay_off(second),
            "ffmpeg -c copy, one hour": ffmpeg_copy(hour),
            "replay, three hours": replay_off(three_hours),
        },
        FAST_ROUNDS,
    )
    print("  once: ffmpeg fps=1, one hour", file=sys.stderr)
    decode = [run(ffmpeg_decode(hour))]
    one, three = costs["replay, one hour"], costs["replay, three hours"]
    return [
        Row(
            what="1 h: `--coverage off` against `ffmpeg -vf fps=1` (run once), s",
            ours=both(one),
            theirs=both(decode),
            limit=1 / 80,
        ),
        copy_row("1 h", one, costs["replay, one second"], costs["ffmpeg -c copy, one hour"]),
        Row(
            what="peak memory on 1 h, against 150 MB",
            ours=both(one, rss),
            theirs=(150.0, 150.0),
            limit=1,
        ),
        Row(
            what="peak memory on 3 h against 1 h, MB",
            ours=both(three, rss),
            theirs=both(one, rss),
            limit=1.2,
        ),
    ]


def ffmpeg_version() -> str:
    """Return ffmpeg's name and version, as it says them."""
    process = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True)
    return "ffmpeg " + process.stdout.split()[2]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    from platformdirs import user_cache_path

    parser = argparse.ArgumentParser(description="Measure meetctl replay against ffmpeg.")
    parser.add_argument("--quick", action="store_true", help="ten minutes of video only, no hours")
    parser.add_argument(
        "--cache",
        type=Path,
        default=user_cache_path("meetctl") / "benchmarks",
        help="where the videos are kept",
    )
    return parser.parse_args()


def main() -> None:
    """Measure, print a Markdown table and keep it in results/."""
    options = arguments()
    if shutil.which("ffmpeg") is None:
        sys.exit("replay_speed: ffmpeg is not on PATH; it is what replay is compared with")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    options.cache.mkdir(parents=True, exist_ok=True)
    ten_minutes = drawn(options.cache, 10)
    second = first_second(options.cache, ten_minutes)
    rows = measure_ten_minutes(ten_minutes, second)
    if not options.quick:
        rows += measure_hours(drawn(options.cache, 60), drawn(options.cache, 180), second)
    header = ["what", "meetctl, least / median", "other, least / median", "ratio", "target", "holds (least)"]
    report(
        "replay_speed",
        "\n".join(
            [
                f"Whole processes, run in turn, 720p30 H.264. {machine('av')}, {ffmpeg_version()}.",
                "",
                markdown_table(header, [row.cells() for row in rows]),
            ]
        ),
    )


if __name__ == "__main__":
    main()
