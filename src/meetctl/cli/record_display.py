"""How far a recording is, on stderr, and what came of it, on stdout."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from meetctl.cli.diagnostics import note, warn
from meetctl.cli.output import print_data, print_json, print_text
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from meetctl.domain.events import Event
    from meetctl.domain.state import SessionState
    from meetctl.errors import ServiceError
    from meetctl.ports import Clock
    from meetctl.recorder.bundle import RoomBundle
    from meetctl.recorder.outcome import RecordedRoom
    from meetctl.recorder.settings import RecorderSettings

SCHEMA = "meetctl.record/1"
PLAIN_EVERY_S = 60.0
"""How often a line is written where there is no terminal."""
_PEOPLE = ("standard", "sip")


class RecordDisplay:
    """The Watcher of the command line: one row on a terminal, elsewhere a line now and then."""

    def __init__(self, settings: RecorderSettings, clock: Clock, *, as_json: bool) -> None:
        self._settings = settings
        self._clock = clock
        self._as_json = as_json
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._bars: Bars | None = None
        self._row: TaskID | None = None
        self._begun_s = 0.0
        self._told_s = 0.0

    def __enter__(self) -> RecordDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the row off the terminal."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def waits(self, room: str) -> None:
        """Tell that a person is waited for."""
        note(f"waiting for somebody in {room!r}")

    def begins(self, bundle: RoomBundle) -> None:
        """Tell that a recording begins, and follow its journal."""
        self._begun_s = self._told_s = self._clock.monotonic()
        told = "people are not told of it (--silent)" if self._settings.is_silent else "people are told"
        note(f"recording {self._settings.room!r} into {bundle.directory}; {told}")
        bundle.journal.listen(self._follow)
        if self._is_terminal:
            self._bars = _make_bars()
            self._row = self._bars.add_task("", total=None)
            self._bars.start()

    def ticks(self, bundle: RoomBundle) -> None:
        """Tell how far it is."""
        now_s = self._clock.monotonic()
        if self._bars is not None and self._row is not None:
            self._bars.update(self._row, description=self._describe(bundle, now_s))
        elif now_s - self._told_s >= PLAIN_EVERY_S:
            self._told_s = now_s
            note(f"  {self._describe(bundle, now_s)}")

    def ends(self, recorded: RecordedRoom) -> None:
        """Print what came of it."""
        self.stop()
        if recorded.error is not None and self._settings.repeats:
            warn(recorded.error.message)
        document = document_recorded(self._settings, recorded)
        if not self._as_json:
            print_text(summarize(self._settings, recorded))
        elif self._settings.repeats:
            print_data(json.dumps(document, ensure_ascii=True) + "\n")
        else:
            print_json(document)

    def fails(self, error: ServiceError) -> None:
        """Tell that the server has gone away."""
        warn(f"{error.message}; waiting for it")

    def _follow(self, event: Event) -> None:
        match event.type:
            case "connection.lost":
                warn("the connection to the room is lost; trying to return")
            case "connection.restored":
                note(f"back in the room after {event.fields['after_s']:.1f} s")
            case "error":
                warn(f"{event.fields['component']}: {event.fields['error']}; the rest is recorded")

    def _describe(self, bundle: RoomBundle, now_s: float) -> str:
        state = bundle.state
        return ", ".join(
            (
                show_duration(now_s - self._begun_s),
                _count(count_people(state), "person", "people"),
                _count(len(state.tracks.live), "track"),
                _count(state.frames.seen, "frame"),
                show_size(bundle.size_bytes),
            )
        )


def document_recorded(settings: RecorderSettings, recorded: RecordedRoom) -> dict[str, Any]:
    """Return what `--json` prints of one recording."""
    state = recorded.state
    return {
        "schema": SCHEMA,
        "room": settings.room,
        "session_id": state.about.session_id,
        "bundle": str(recorded.bundle),
        "reason": str(recorded.reason),
        "started_at": state.about.started_at,
        "ended_at": state.about.ended_at,
        "duration_s": recorded.duration_s,
        "size_bytes": recorded.size_bytes,
        "tenant_id": settings.tenant_id,
        "told": {
            "silent": settings.is_silent,
            "mark": recorded.is_shown,
            "participants": list(recorded.told),
        },
        "participants": [
            {"identity": one.identity, "name": one.name, "kind": one.kind} for one in state.people.everyone
        ],
        "tracks": [
            {
                "track": one.id,
                "participant": one.participant,
                "source": one.source,
                "kind": one.kind,
                "frames": one.seen,
                "kept": one.kept,
            }
            for one in state.tracks.all
        ],
        "frames": state.frames.seen,
        "frames_kept": state.frames.kept,
        "recorded": recorded.recorded,
        "lost_events": state.about.lost_events,
        "error": recorded.error.message if recorded.error else None,
    }


def summarize(settings: RecorderSettings, recorded: RecordedRoom) -> str:
    """Return what people read of one recording."""
    state, written = recorded.state, recorded.recorded
    videos = [track for track in state.tracks.all if track.kind == "video"]
    sounds = [track for track in state.tracks.all if track.kind == "audio"]
    lines = [
        f"{settings.room}: {show_duration(recorded.duration_s)} recorded; {recorded.reason}",
        f"  video   {_count(len(videos), 'track')}, {_count(state.frames.seen, 'frame')} seen, "
        f"{written.get('frames', 0):,} recorded, {state.frames.kept:,} kept",
        f"  sound   {_count(len(sounds), 'track') if settings.has_audio else 'not recorded'}",
        f"  people  {_count(_everybody(state), 'person', 'people')}; {_describe_told(settings, recorded)}",
        f"  bundle  {recorded.bundle} ({show_size(recorded.size_bytes)})",
    ]
    if dropped := written.get("dropped"):
        lines.insert(2, f"          {_count(dropped, 'frame')} could not be written in time")
    return "".join(f"{show_plain(line)}\n" for line in lines)


def count_people(state: SessionState) -> int:
    """Return how many people are in the room now."""
    return sum(one.kind in _PEOPLE for one in state.people.present)


def show_duration(seconds: float) -> str:
    """Return a duration as minutes and seconds, with hours where there are any.

    >>> show_duration(76.2), show_duration(3605)
    ('1:16', '1:00:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def show_size(size_bytes: int) -> str:
    """Return a size in the unit that fits.

    >>> show_size(950), show_size(12_345), show_size(3_400_000), show_size(2_500_000_000)
    ('950 B', '12 kB', '3.4 MB', '2.5 GB')
    """
    if size_bytes < 1_000:
        return f"{size_bytes} B"
    if size_bytes < 1_000_000:
        return f"{size_bytes / 1e3:.0f} kB"
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes < 1_000_000_000 else f"{size_bytes / 1e9:.1f} GB"


def _everybody(state: SessionState) -> int:
    return sum(one.kind in _PEOPLE for one in state.people.everyone)


def _describe_told(settings: RecorderSettings, recorded: RecordedRoom) -> str:
    if settings.is_silent:
        return "nobody was told"
    mark = "the room was marked as recorded" if recorded.is_shown else "the room was not marked as recorded"
    return f"{mark}, {len(recorded.told)} got a message"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _make_bars() -> Bars:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=4,
    )
