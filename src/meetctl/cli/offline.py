"""`meetctl offline-providers`: what `meetctl up` starts where no key is set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")]
ReadyFile = Annotated[
    Path | None, typer.Option("--ready-file", metavar="FILE", help="Gets the URL as JSON once it serves.")
]
Phrases = Annotated[
    Path | None,
    typer.Option("--phrases", metavar="FILE", help="What it shall understand best, one phrase a line."),
]
Faults = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        metavar="PROVIDER:KIND[:NAME=VALUE…]",
        help="Go wrong, such as openai:429:share=0.5:count=3; repeatable.",
    ),
]


def offline_providers(
    port: Port = 0, ready_file: ReadyFile = None, phrases: Phrases = None, fault: Faults = None
) -> None:
    """Stand in for OpenAI, Deepgram, Cartesia and Rime on this machine, until stopped.

    Example: meetctl offline-providers --port 8100 --fault openai:slow:delay_s=3
    """
    import asyncio
    import signal

    from meetctl import bootstrap
    from meetctl.errors import ExitCode
    from meetctl.stack.offline.faults import parse_fault
    from meetctl.stack.offline.recognition import read_phrases

    faults = [parse_fault(text) for text in fault or []]
    known_phrases = read_phrases(phrases)
    from meetctl.stack.offline.server import serve

    stopped_by = asyncio.run(
        serve(
            clock=bootstrap.system_clock(),
            book=bootstrap.price_book(()),
            port=port,
            ready_file=ready_file,
            phrases=known_phrases,
            faults=faults,
        )
    )
    if stopped_by is signal.SIGINT:
        raise typer.Exit(ExitCode.INTERRUPTED)
