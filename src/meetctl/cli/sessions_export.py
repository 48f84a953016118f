"""What `meetctl sessions export` and `import` do."""

from __future__ import annotations

import json as json_format
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meetctl import __version__, bootstrap
from meetctl.bootstrap.sessions import import_session_archive, write_session_archive
from meetctl.cli.diagnostics import note, warn
from meetctl.cli.output import print_json, print_lines
from meetctl.cli.prices import price_document, rule_document
from meetctl.cli.sessions_finding import find_bundle, place_of_sessions
from meetctl.domain.content_removal import ContentRemover
from meetctl.domain.session_reading import SessionReading
from meetctl.domain.state import fold_events
from meetctl.errors import UsageError
from meetctl.reports.html.session import render_session
from meetctl.reports.session_facts import next_commands
from meetctl.reports.sizes import format_bytes
from meetctl.services.session_prices import find_session_prices
from meetctl.services.sessions import read_session

if TYPE_CHECKING:
    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.services.prices import PriceCatalogue

SUFFIX = ".meetctl.zip"
"""What archives are called where no name is given."""


def export_sessions(
    wanted: Sequence[str],
    *,
    output: Path | None,
    media: bool,
    content: bool,
    price_files: Sequence[Path],
    sessions: Path | None,
    json: bool,
) -> None:
    """Write an archive of each session.

    Raises:
        UsageError: A session is not known, or several should go to one file.
        MediaError: A bundle cannot be read.
        OutputError: An archive cannot be written.
    """
    bundles = list({one.path: one for one in (find_bundle(name, sessions) for name in wanted)}.values())
    into = output or Path()
    if len(bundles) > 1 and not into.is_dir():
        raise UsageError(
            f"{len(bundles)} sessions cannot go to one file", hint="-o names a directory that is there"
        )
    book = bootstrap.price_book(price_files)
    written = []
    for bundle in bundles:
        target = into / f"{bundle.path.name}{SUFFIX}" if into.is_dir() else into
        _export(bundle, target, book, media=media, content=content)
        written.append(_document(bundle, target))
        if not json:
            note(f"written: {target} ({format_bytes(target.stat().st_size)})")
    if json:
        print_json({"schema": "meetctl.sessions-export/1", "archives": written})


def import_session(path: Path, *, sessions: Path | None, json: bool) -> None:
    """Put an archive's bundle among the sessions, and say what can be done with it.

    Raises:
        MediaError: It is no archive, or is damaged.
        OutputError: It cannot be written, or such a session is there already.
    """
    place = place_of_sessions(sessions)
    bundle = bootstrap.session_catalogue(place).look_up(import_session_archive(path, place))
    if json:
        print_json(
            {
                "schema": "meetctl.sessions-import/1",
                "session_id": bundle.session_id,
                "path": str(bundle.path),
            }
        )
        return
    print_lines([str(bundle.path)])
    note("every file is what the archive's manifest says; next:")
    for command in next_commands(bundle):
        note(f"  {command}")


def _export(bundle: SessionBundle, target: Path, book: PriceCatalogue, *, media: bool, content: bool) -> None:
    if bundle.state in ("running", "unknown"):
        warn(f"{bundle.session_id} {_runs(bundle)}; the archive has it up to now")
    reading = read_session(bundle, bootstrap.session_catalogue(bundle.path.parent))
    shown = reading if content else _without_content(reading)
    facts = {
        "state": bundle.state,
        "room": bundle.room,
        "tenant_id": bundle.tenant_id,
        "events": reading.state.events,
        "next_seq": reading.state.next_seq,
        "complete": bundle.state in ("ended", "killed") and not reading.is_damaged,
        "media": media and content and bool(bundle.media_bytes),
        "content": content,
        "versions": {"meetctl": __version__, "price_book": book.version},
    }
    pages = {
        "summary.html": render_session(shown, _notes(bundle, facts)).encode(),
        "prices.json": _format(_prices(reading, book)),
    }
    write_session_archive(bundle, target, pages, facts, media=media, content=content)


def _without_content(reading: SessionReading) -> SessionReading:
    """Return the same reading of a journal without content."""
    remover = ContentRemover()
    events = bootstrap.session_catalogue(reading.bundle.path.parent).read_events(reading.bundle)
    state = fold_events(None if event is None else remover.remove(event) for event in events)
    return SessionReading(bundle=reading.bundle, state=state, unreadable=reading.unreadable)


def _notes(bundle: SessionBundle, facts: dict[str, Any]) -> list[str]:
    notes = []
    if bundle.state in ("running", "unknown"):
        notes.append(f"It {_runs(bundle)} when it was exported; this is what there was by then.")
    if not facts["content"]:
        notes.append("What people said, who they are, and the recording were left out.")
    elif not facts["media"]:
        notes.append("The recording is not in this archive.")
    return notes


def _runs(bundle: SessionBundle) -> str:
    return "was running" if bundle.state == "running" else "may have been running"


def _prices(reading: SessionReading, book: PriceCatalogue) -> dict[str, Any]:
    """Return the price book's rows for the models that were used, on the session's day."""
    now = bootstrap.system_clock().now()
    at = reading.bundle.started_at or now
    found = find_session_prices(reading, book, at)
    rows: list[dict[str, object]] = [price_document(price, at) for price in found.prices]
    rules: list[dict[str, object]] = [rule_document(rule, at) for rule in found.rules]
    for row in (*rows, *rules):
        # How old a row is depends on when it is looked at.
        row.pop("age_days", None)
    return {
        "schema": "meetctl.session-prices/1",
        "price_book": {"version": book.version},
        "at": f"{at:%Y-%m-%d}",
        "prices": rows,
        "rules": rules,
    }


def _format(document: dict[str, Any]) -> bytes:
    return json_format.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def _document(bundle: SessionBundle, target: Path) -> dict[str, Any]:
    return {
        "session_id": bundle.session_id,
        "file": str(target),
        "bytes": target.stat().st_size,
        "state": bundle.state,
    }
