"""Measures how well visible changes are found: `decode` and `packets` against the sample recordings' truth.

    .venv/bin/python benchmarks/coverage_accuracy.py [--cache DIR]

Each recording is taken as it is and re-encoded as other programs, and WebRTC above all, would have left it. A
found change is right if it lies within half a second of a true one that no other found change stands for.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av

from measure import machine, markdown_table, report
from meetctl import bootstrap
from meetctl.domain.packet_changes import estimate_changes
from meetctl.domain.policy import Policy
from meetctl.services.replay import AuditRequest, audit_recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meetctl.domain.recording import Track

RECORDINGS = Path(__file__).resolve().parent.parent / "recordings"
TOLERANCE_US = 500_000
FPS = 30
REALTIME_VPX = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """One way in which a recording may have been encoded."""

    title: str
    encoder: str
    options: dict[str, str]
    bit_rate: int | None = None
    keyframe_frames: int = 250


ENCODINGS: dict[str, Encoding | None] = {
    "as-it-is": None,
    "x264-medium": Encoding(
        title="H.264, x264 medium, crf 23", encoder="libx264", options={"preset": "medium", "crf": "23"}
    ),
    "x264-realtime": Encoding(
        title="H.264, baseline, ultrafast, zerolatency, 1.5 Mbit/s",
        encoder="libx264",
        options={"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"},
        bit_rate=1_500_000,
        keyframe_frames=300,
    ),
    "vp8-realtime": Encoding(
        title="VP8, realtime, cpu-used 8, 1.5 Mbit/s",
        encoder="libvpx",
        options=REALTIME_VPX,
        bit_rate=1_500_000,
        keyframe_frames=300,
    ),
    "vp9-realtime": Encoding(
        title="VP9, realtime, cpu-used 8, 1.2 Mbit/s",
        encoder="libvpx-vp9",
        options=REALTIME_VPX | {"row-mt": "1"},
        bit_rate=1_200_000,
        keyframe_frames=300,
    ),
}
"""The recordings as they are (None), then encoded again; the last three as WebRTC encodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """When a recording's picture changed, in microseconds, ascending."""

    held: tuple[int, ...]
    """New looks that stay."""
    with_scrolls: tuple[int, ...]
    """The same and the starts of movements, which coverage does not mean."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What one method found in one encoding of all recordings."""

    found: int = 0
    held: int = 0
    right: int = 0
    with_scrolls: int = 0
    right_with_scrolls: int = 0

    def add(self, found: Sequence[int], truth: Truth) -> None:
        """Add one recording."""
        self.found += len(found)
        self.held += len(truth.held)
        self.right += count_matches(found, truth.held)
        self.with_scrolls += len(truth.with_scrolls)
        self.right_with_scrolls += count_matches(found, truth.with_scrolls)

    def cells(self) -> list[str]:
        """Return recall and precision without and with starts of movements."""
        return [
            share(self.right, self.held),
            share(self.right, self.found),
            share(self.right_with_scrolls, self.with_scrolls),
            share(self.right_with_scrolls, self.found),
        ]


def count_matches(found: Sequence[int], true: Sequence[int]) -> int:
    """Pair found and true times, both ascending, each at most once; return how many pairs there are.

    Taking the earliest partner that is near enough gives as many pairs as there can be.
    """
    pairs = place = 0
    for true_us in true:
        while place < len(found) and found[place] < true_us - TOLERANCE_US:
            place += 1
        if place < len(found) and found[place] <= true_us + TOLERANCE_US:
            pairs += 1
            place += 1
    return pairs


def share(part: int, whole: int) -> str:
    """Return a share with the numbers it comes from."""
    return f"{part / whole:.2f} ({part}/{whole})" if whole else "n/a"


def read_truth(bundle: Path) -> Truth:
    """Read when a bundle's picture really changed."""
    changes = json.loads((bundle / "truth.json").read_text(encoding="utf-8"))["changes"]
    times = [(round(change["t"] * 1_000_000), change["kind"]) for change in changes]
    return Truth(
        held=tuple(t_us for t_us, kind in times if kind != "scroll"),
        with_scrolls=tuple(t_us for t_us, _ in times),
    )


def encode(source: Path, target: Path, encoding: Encoding) -> None:
    """Encode a file's video again, without its audio; the target appears only when it is complete."""
    draft = target.with_name(f"partial-{target.name}")
    with av.open(str(source)) as reader, av.open(str(draft), "w", format="matroska") as writer:
        video = reader.streams.video[0]
        video.thread_type = av.codec.context.ThreadType.AUTO
        stream: Any = writer.add_stream(encoding.encoder, rate=FPS, options=dict(encoding.options))
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        context = stream.codec_context
        context.gop_size, context.thread_count = encoding.keyframe_frames, 0
        if encoding.bit_rate is not None:
            context.bit_rate = encoding.bit_rate
        for index, frame in enumerate(reader.decode(video)):
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            frame.pict_type = av.video.frame.PictureType.NONE  # the encoder decides what is a keyframe
            writer.mux(stream.encode(frame))
        writer.mux(stream.encode(None))
    draft.rename(target)


def encoded(bundle: Path, name: str, encoding: Encoding | None, cache: Path) -> Path:
    """Return a bundle's video in one encoding, made if the cache lacks it."""
    if encoding is None:
        return bundle
    path = cache / f"{bundle.name}-{name}.mkv"
    if not path.exists():
        print(f"  encoding {path.name}", file=sys.stderr)
        encode(bundle / "meeting.mkv", path, encoding)
    return path


def find_changes(path: Path) -> tuple[Sequence[int], Sequence[int]]:
    """Return the times that `decode` and `packets` find, in microseconds.

    The estimate is made for every codec here; replay itself makes none where it is known to be wrong.
    """
    base = Policy(name="base", fps=Fraction(1))
    audit = audit_recording(
        path,
        AuditRequest(base=base, policies=(), coverage="decode"),
        source=bootstrap.frame_source(),
        book=bootstrap.price_book(()),
        progress=ignore,
    )
    track: Track = audit.recording.tracks[0]
    return audit.changes_us[0] or (), estimate_changes(track.t_us, track.size_bytes, track.keyframe)


def ignore(step: str, done: float, total: float, unit: str) -> None:
    """Take progress that nobody watches."""


def measure_all(cache: Path) -> list[list[str]]:
    """Return a row for each encoding and method."""
    bundles = sorted(path.parent for path in RECORDINGS.glob("*/truth.json"))
    rows = []
    for name, encoding in ENCODINGS.items():
        decode, packets = Tally(), Tally()
        for bundle in bundles:
            by_decode, by_packets = find_changes(encoded(bundle, name, encoding, cache))
            truth = read_truth(bundle)
            decode.add(by_decode, truth)
            packets.add(by_packets, truth)
        title = encoding.title if encoding else "the recordings as they are (H.264)"
        rows += [[title, "`decode`", *decode.cells()], ["", "`packets`", *packets.cells()]]
        print(f"  {title}: done", file=sys.stderr)
    return rows


def main() -> None:
    """Measure, print a Markdown table and keep it in results/."""
    from platformdirs import user_cache_path

    parser = argparse.ArgumentParser(description="Measure how well visible changes are found.")
    cache = user_cache_path("meetctl") / "benchmarks"
    parser.add_argument("--cache", type=Path, default=cache, help="where the encoded videos are kept")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    header = ["encoding", "method", "recall", "precision", "recall, scrolls too", "precision, scrolls too"]
    report(
        "coverage_accuracy",
        "\n".join(
            [
                f"All sample recordings together, within {TOLERANCE_US / 1e6:g} s. {machine('av')}.",
                "",
                markdown_table(header, measure_all(options.cache)),
            ]
        ),
    )


if __name__ == "__main__":
    main()
