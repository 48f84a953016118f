"""`meetctl replay`: the cost audit of recordings."""

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


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Recordings: media files, or bundles' directories."),
    ],
    fps: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RATE",
            help="A rate to audit: 1, 0.5, 30000/1001, every-frame. May be repeated; 1 if none is given.",
        ),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="POLICY",
            help="A full policy, such as 'gated: fps=2 gate=4 detail=low side=1024'. May be repeated.",
        ),
    ] = None,
    policies: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A TOML file with a table [policies.NAME] each.")
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="NAME", help="The model whose image tokens are counted.")
    ] = "gpt-4.1",
    detail: Annotated[
        str,
        typer.Option(
            metavar="DETAIL", help="How closely the model looks: auto, low, high, original and others."
        ),
    ] = "high",
    window: Annotated[
        int, typer.Option(metavar="FRAMES", min=0, help="Kept frames attached to each request.")
    ] = 5,
    side: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", min=16, help="Longest side of a sent image; own size if not given."),
    ] = None,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Try a grid of rates and gates; mark the cheapest good one.")
    ] = False,
    target: Annotated[
        float, typer.Option(metavar="SHARE", min=0, max=1, help="The coverage a sweep asks for.")
    ] = 0.95,
    meaning: Annotated[
        Meaning, typer.Option(help="Which cost the answer, --sweep and --assert speak of.")
    ] = Meaning.PER_TURN,
    coverage: Annotated[
        Coverage,
        typer.Option(help="Find visible changes in pictures, by packet sizes (fast, H.264 only), or not."),
    ] = Coverage.DECODE,
    turns: Annotated[
        Turns, typer.Option(help="Where the requests' times come from; auto: the journal, else a rate.")
    ] = Turns.AUTO,
    turns_per_min: Annotated[
        str, typer.Option(metavar="NUMBER", help="Requests a minute where no journal says so.")
    ] = "2",
    at: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="Prices of this day (2026-11-22); of the recording's if not given."),
    ] = None,
    prices: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            envvar="MEETCTL_PRICES",
            help="A TOML file with prices of your own. May be repeated.",
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON document; the same as --format json.")
    ] = False,
    format_: Annotated[
        Format | None, typer.Option("--format", help="How to write the audit; a table if not given.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to this file (for parquet: directory)."),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep frames, policies and results in this DuckDB file."),
    ] = None,
    frames: Annotated[
        Path | None,
        typer.Option(
            metavar="DIRECTORY", help="Export the first policy's kept frames as JPEG to this directory."
        ),
    ] = None,
    timestamps: Annotated[
        bool, typer.Option("--timestamps", help="Add each policy's kept times to the JSON.")
    ] = False,
    assertion: Annotated[
        list[str] | None,
        typer.Option(
            "--assert",
            metavar="EXPRESSION",
            help="Exit 4 unless it holds: 'usd_per_hour<1.20 and coverage>0.95'. May be repeated.",
        ),
    ] = None,
    jobs: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, help="Recordings audited at a time; 0: one a core.")
    ] = 0,
) -> None:
    """Say what a recording's vision costs at other frame rates, and what they would miss.

    The agent's own sampler runs over the recorded frames. Each policy is priced in three meanings:
    every kept frame billed once, the last frames attached to each request, and frames left in the history.

    Example: meetctl replay --fps 1 --fps 0.5 recording.mkv
    """
    from meetctl.cli.replay_output import Output
    from meetctl.cli.replay_request import make_request
    from meetctl.cli.replay_run import run_replay
    from meetctl.errors import UsageError

    if json and format_ not in (None, Format.JSON):
        raise UsageError(f"--json and --format {format_.value} contradict each other")
    chosen = Format.JSON if json else format_ or Format.TABLE

    request = make_request(
        fps=fps or (),
        policy_texts=policy or (),
        policy_file=policies,
        model=model,
        detail=detail,
        window=window,
        side=side,
        sweep=sweep,
        coverage=coverage.value,
        turns=turns.value,
        turns_per_min=turns_per_min,
        at=at,
        thumbnails=chosen is Format.HTML,
    )
    run_replay(
        files,
        request,
        Output(
            format=chosen.value,
            path=output,
            save=save,
            frames=frames,
            timestamps=timestamps,
            assertions=tuple(assertion or ()),
            meaning=meaning.value,
            target=target,
        ),
        price_files=tuple(prices or ()),
        jobs=jobs,
    )
