"""The options of `meetctl replay`, each with its help text."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Coverage(StrEnum):
    """How visible changes are found."""

    DECODE = "decode"
    PACKETS = "packets"
    OFF = "off"


class Turns(StrEnum):
    """Where the times of requests come from."""

    AUTO = "auto"
    EVENTS = "events"
    VAD = "vad"
    RATE = "rate"


class Format(StrEnum):
    """How the audit is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MD = "md"
    HTML = "html"
    PARQUET = "parquet"


class Meaning(StrEnum):
    """Which of the three meanings of cost the answer, the sweep and --assert speak of."""

    PER_TURN = "per_turn"
    EVERY_FRAME = "every_frame"
    HISTORY = "history"


Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE", help="Recordings: media files, or bundles' directories."),
]

Fps = Annotated[
    list[str] | None,
    typer.Option(
        metavar="RATE",
        help="A rate to audit: 1, 0.5, 30000/1001, every-frame. May be repeated; 1 if none is given.",
    ),
]

PolicyTexts = Annotated[
    list[str] | None,
    typer.Option(
        metavar="POLICY",
        help="A full policy, such as 'gated: fps=2 gate=4 detail=low side=1024'. May be repeated.",
    ),
]

PolicyFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A TOML file with a table [policies.NAME] each.")
]

Model = Annotated[str, typer.Option(metavar="NAME", help="The model whose image tokens are counted.")]

Detail = Annotated[
    str,
    typer.Option(metavar="DETAIL", help="How closely the model looks: auto, low, high, original and others."),
]

Window = Annotated[int, typer.Option(metavar="FRAMES", min=0, help="Kept frames attached to each request.")]

Side = Annotated[
    int | None,
    typer.Option(metavar="PIXELS", min=16, help="Longest side of a sent image; own size if not given."),
]

Sweep = Annotated[
    bool, typer.Option("--sweep", help="Try a grid of rates and gates; mark the cheapest good one.")
]

Target = Annotated[float, typer.Option(metavar="SHARE", min=0, max=1, help="The coverage a sweep asks for.")]

MeaningChoice = Annotated[Meaning, typer.Option(help="Which cost the answer, --sweep and --assert speak of.")]

CoverageChoice = Annotated[
    Coverage,
    typer.Option(help="Find visible changes in pictures, by packet sizes (fast, H.264 only), or not."),
]

TurnsChoice = Annotated[
    Turns, typer.Option(help="Where the requests' times come from; auto: the journal, else a rate.")
]

TurnsPerMin = Annotated[
    str, typer.Option(metavar="NUMBER", help="Requests a minute where no journal says so.")
]

At = Annotated[
    str | None,
    typer.Option(metavar="DAY", help="Prices of this day (2026-11-22); of the recording's if not given."),
]

PriceFiles = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        envvar="MEETCTL_PRICES",
        help="A TOML file with prices of your own. May be repeated.",
    ),
]

Json = Annotated[bool, typer.Option("--json", help="One JSON document; the same as --format json.")]

FormatChoice = Annotated[
    Format | None, typer.Option("--format", help="How to write the audit; a table if not given.")
]

OutputPath = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to this file (for parquet: directory)."),
]

SaveFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Keep frames, policies and results in this DuckDB file."),
]

FramesDirectory = Annotated[
    Path | None,
    typer.Option(
        metavar="DIRECTORY", help="Export the first policy's kept frames as JPEG to this directory."
    ),
]

Timestamps = Annotated[bool, typer.Option("--timestamps", help="Add each policy's kept times to the JSON.")]

Assertions = Annotated[
    list[str] | None,
    typer.Option(
        "--assert",
        metavar="EXPRESSION",
        help="Exit 4 unless it holds: 'usd_per_hour<1.20 and coverage>0.95'. May be repeated.",
    ),
]

Jobs = Annotated[
    int, typer.Option(metavar="NUMBER", min=0, help="Recordings audited at a time; 0: one a core.")
]

Verify = Annotated[
    bool,
    typer.Option(
        "--verify",
        help="Check that bundles' recordings give what their journals say; exit 4 at the first difference.",
    ),
]
