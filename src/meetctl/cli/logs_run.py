"""From the options of `meetctl logs` to lines on stdout."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from meetctl import bootstrap
from meetctl.cli.diagnostics import note
from meetctl.cli.output import print_stream, shows_colour
from meetctl.core.places import choose_logs_directory, sessions_directory
from meetctl.domain.log_filter import LogFilter
from meetctl.domain.log_line import format_time
from meetctl.domain.log_where import parse_where
from meetctl.domain.time_spans import parse_moment
from meetctl.domain.turn_stages import find_stages
from meetctl.errors import ExitCode, UsageError
from meetctl.reports.log_json import format_lines
from meetctl.reports.log_text import name_session, show_lines
from meetctl.reports.turn_waterfall import draw_turn
from meetctl.services.log_reading import LogReading

if TYPE_CHECKING:
    from datetime import datetime

    from meetctl.domain.log_filter import LineTest
    from meetctl.domain.log_level import Level
    from meetctl.domain.log_line import LogLine
    from meetctl.ports import LogFinder

TAIL = "tail"
"""The word that stands for --follow, as in other programs."""
USUAL_LAST = 10
POLL_INTERVAL_S = 0.1
"""A person does not notice the wait, and a look at a hundred files takes a thousandth of a second."""
LONGEST_TURN = 10_000
"""Lines of a turn that are kept in memory to draw it; whatever has more is no turn of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChoices:
    """What the user chose."""

    paths: tuple[str, ...]
    follow: bool
    last: int | None
    since: str | None
    until: str | None
    level: Level | None
    types: tuple[str, ...]
    tenant: str | None
    session: str | None
    room: str | None
    turn: int | None
    grep: tuple[str, ...]
    without: tuple[str, ...]
    where: tuple[str, ...]
    sessions: Path | None
    log_directory: str | None
    json: bool

    @property
    def follows(self) -> bool:
        """Whether to go on with what comes."""
        return self.follow or self.paths[:1] == (TAIL,)

    @property
    def files(self) -> tuple[Path, ...]:
        """What is read instead of this machine's own journals and logs."""
        named = self.paths[1:] if self.paths[:1] == (TAIL,) else self.paths
        return tuple(map(Path, named))


def run_logs(choices: LogChoices) -> None:
    """Print the lines that were asked for, and those that come, until all are read or Ctrl-C.

    Raises:
        UsageError: An option is wrong, or two do not go together.
        LogError: What was named is not there, or cannot be read.
    """
    wanted = make_filter(choices, bootstrap.system_clock().now())
    try:
        if choices.turn is not None and not choices.json and not choices.follows:
            print_stream(_show_turn(choices, wanted))
        else:
            print_stream(_show_lines(choices, wanted))
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def make_filter(choices: LogChoices, now: datetime) -> LogFilter:
    """Return which lines are wanted.

    What is asked for by its content is shown however little it matters; other than that people are spared
    each frame and each guess of the ears, and programs get everything.

    Raises:
        UsageError: An option is wrong, or two do not go together.
    """
    if choices.until is not None and choices.follows:
        raise UsageError("--until and --follow do not go together", hint="leave one of them out")
    is_searched = choices.types or choices.where or choices.grep
    return LogFilter(
        since=_moment("--since", choices.since, now),
        until=_moment("--until", choices.until, now),
        level=choices.level or ("debug" if choices.json or is_searched else "info"),
        tenant=choices.tenant,
        session=choices.session,
        room=choices.room,
        turn=choices.turn,
        types=choices.types,
        patterns=tuple(_pattern("--grep", text) for text in choices.grep),
        unwanted=tuple(_pattern("--not", text) for text in choices.without),
        where=tuple(map(parse_where, choices.where)),
    )


def _moment(option: str, text: str | None, now: datetime) -> str:
    if text is None:
        return ""
    try:
        return format_time(parse_moment(text, now))
    except UsageError as error:
        raise UsageError(f"{option}: {error.message}", hint=error.hint) from None


def _pattern(option: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        hint = "a backslash takes a sign literally: \\("
        raise UsageError(f"{option} {text!r} is no regular expression: {error}", hint=hint) from None


def _find(choices: LogChoices) -> LogFinder:
    if choices.files:
        return bootstrap.named_logs(choices.files)
    logs = choose_logs_directory(choices.log_directory)
    return bootstrap.machine_logs(choices.sessions or sessions_directory(), logs)


def _show_lines(choices: LogChoices, wanted: LogFilter) -> Iterator[str | bytes]:
    """Yield what to print; an empty text where there is nothing new."""
    last = choices.last
    if choices.follows and last is None and not wanted.since:
        last = USUAL_LAST
    reading = LogReading(_find(choices), wanted, last=last, follows=choices.follows)
    show: Callable[[Iterable[LogLine]], str | bytes]
    show = format_lines if choices.json else partial(show_lines, colour=shows_colour())
    with closing(reading):
        yield from map(show, reading.history())
        if not reading.found:
            note(f"no sessions in {choices.sessions or sessions_directory()}, and no logs of workers, so far")
        while choices.follows:
            came = reading.poll()
            yield show(came)
            if not came:
                time.sleep(POLL_INTERVAL_S)


def _show_turn(choices: LogChoices, wanted: LogFilter) -> Iterator[str | bytes]:
    """Yield a turn's waterfall, where it is one session's, and then its lines."""
    whole = replace(wanted, level="debug", types=(), patterns=(), unwanted=(), where=())
    show = partial(_show_admitted, wanted.make_test(), colour=shows_colour())
    reading = LogReading(_find(choices), whole, last=None, follows=False)
    kept: list[LogLine] = []
    batches = reading.history()
    for batch in batches:
        kept += batch
        if len(kept) > LONGEST_TURN:
            break
    else:
        yield _draw(kept, wanted)
    yield show(kept, last=choices.last)
    for batch in batches:
        yield show(batch)


def _show_admitted(test: LineTest, lines: Iterable[LogLine], *, colour: bool, last: int | None = None) -> str:
    shown = [line for line in lines if test.admits(line)]
    return show_lines(shown if last is None else shown[len(shown) - min(last, len(shown)) :], colour=colour)


def _draw(lines: Sequence[LogLine], wanted: LogFilter) -> str:
    sessions = sorted({line.session for line in lines if line.event_type is not None})
    if len(sessions) != 1:
        if sessions:
            note(f"turn {wanted.turn} is in {len(sessions)} sessions; --session draws the one of one")
        return ""
    events = [line.document for line in lines if line.event_type and line.document is not None]
    stages = find_stages(events)
    if stages is None:
        return ""
    room = next(line.room for line in lines if line.event_type is not None)
    title = f"turn {wanted.turn} in {name_session(room, sessions[0])}"
    columns = shutil.get_terminal_size().columns
    return "".join(f"{line}\n" for line in (*draw_turn(stages, title, columns=columns), ""))
