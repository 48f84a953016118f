"""Draw the sample recordings, check them, or make a long film for the benchmarks.

python scripts/draw_recordings.py                      both bundles, into recordings/
python scripts/draw_recordings.py --check              draw again and compare with what is stored
python scripts/draw_recordings.py --seconds 10 --out X short variants
python scripts/draw_recordings.py --long 60 --codec vp9 --height 1080 OUT.mkv
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from recordings.bundle import frames_digest, texts, write_bundle
from recordings.catalogue import catalogue, shortened
from recordings.long_film import CODECS, write_long_film
from recordings.voice import SpeechError

STORED = Path(__file__).resolve().parent.parent / "recordings"


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments ask for; returns 0, or 1 when something failed or a check did not hold."""
    options = _parser().parse_args(arguments)
    if options.long is not None:
        if options.film is None:
            print("--long needs the name of the file to write, such as long.mkv", file=sys.stderr)
            return 2
        write_long_film(options.film, minutes=options.long, codec=options.codec, height=options.height)
        print(f"{options.film}: {options.long:g} min, {options.codec}, {options.height} lines")
        return 0
    if options.seconds is not None and options.out.resolve() == STORED:
        print("--seconds would replace the stored bundles by short ones; name another --out", file=sys.stderr)
        return 2
    names = [options.only] if options.only else list(catalogue())
    jobs = [(name, options.out / name, options.seconds) for name in names]
    # A fresh process for each: espeak-ng's sound depends on all that the process has spoken before.
    with ProcessPoolExecutor(
        max_workers=2, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        try:
            return max(pool.map(check if options.check else draw, *zip(*jobs, strict=True)))
        except SpeechError as error:
            print(error, file=sys.stderr)
            return 1


def draw(name: str, directory: Path, seconds: int | None) -> int:
    """Write one bundle, or its first `seconds`; returns 0."""
    meeting, screen = catalogue()[name]
    if seconds is not None:
        meeting = shortened(meeting, seconds)
    digest = write_bundle(meeting, screen, directory)
    size = sum(file.stat().st_size for file in directory.iterdir())
    print(f"{name}: {meeting.duration_s} s, {size / 1_000_000:.2f} MB, frames {digest}")
    return 0


def check(name: str, directory: Path, seconds: int | None) -> int:
    """Draw one bundle's frames and texts again; returns 0 when they are the stored ones, else 1."""
    meeting, screen = catalogue()[name]
    if seconds is not None:
        meeting = shortened(meeting, seconds)
    if not (directory / "session.json").exists():
        print(f"{directory}: no bundle here; draw it first", file=sys.stderr)
        return 1
    digest = frames_digest(meeting, screen)
    stored = {file: (directory / file).read_text(encoding="utf-8") for file in texts(meeting, digest)}
    wrong = [
        file
        for file, text in texts(meeting, digest).items()
        if _comparable(text) != _comparable(stored[file])
    ]
    for file in wrong:
        print(f"{name}: {file} differs from what this script makes", file=sys.stderr)
    if wrong:
        versions = json.loads(stored["session.json"])["versions"]
        print(f"{name}: the stored frames were drawn with {versions}", file=sys.stderr)
        return 1
    print(f"{name}: {meeting.frame_count} frames and {len(stored)} texts as stored")
    return 0


def _comparable(text: str) -> str:
    """Leave out which versions of the libraries were used; the frames' digest says whether it matters."""
    if not text.startswith("{\n"):
        return text
    return json.dumps({key: value for key, value in json.loads(text).items() if key != "versions"})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Draw meetctl's sample recordings.")
    parser.add_argument("--out", type=Path, default=STORED, help="directory for the bundles")
    parser.add_argument("--only", choices=list(catalogue()), help="one bundle instead of all")
    parser.add_argument("--seconds", type=int, help="only the first seconds of each")
    parser.add_argument("--check", action="store_true", help="draw again and compare with what is stored")
    parser.add_argument("--long", type=float, metavar="MINUTES", help="make a long film instead")
    parser.add_argument("--codec", choices=list(CODECS), default="h264")
    parser.add_argument("--height", type=int, choices=(720, 1080), default=720)
    parser.add_argument("film", nargs="?", type=Path, metavar="OUT.mkv", help="the long film's file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
