"""What the services need from the outside, as small protocols; adapters implement them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from meetctl.domain.control import Acknowledgement
    from meetctl.domain.diagnosis import MediaPaths
    from meetctl.domain.events import Event
    from meetctl.domain.ledger import (
        Completeness,
        Dimension,
        FoldReport,
        ImageRequest,
        Interrupted,
        KeptFrames,
        RequestTokens,
        Selection,
        SentImages,
        Spending,
    )
    from meetctl.domain.live_media import LiveFrame, RecordingEnd, VideoTrack
    from meetctl.domain.log_where import Needles
    from meetctl.domain.pricing import Price
    from meetctl.domain.recording import Recording, SpeechSpan
    from meetctl.domain.rooms import Dispatch, Participant, Room
    from meetctl.domain.session_bundle import SessionBundle
    from meetctl.domain.spending import SessionSpending
    from meetctl.domain.state import SessionState
    from meetctl.domain.tenancy import (
        KnowledgeHit,
        Personality,
        RoomToken,
        SessionEvent,
        Tenant,
        UsageReceipt,
        UsageRecord,
    )
    from meetctl.domain.vision_tokens import ImageRule
    from meetctl.domain.workers import LocalWorker


class Clock(Protocol):
    """The time, so that nothing else asks the machine for it."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards, for measuring durations."""


class LogSource(Protocol):
    """The lines of one file, from a time on, and those that are written later; each exactly once.

    A line is what stands before a newline, without it. A very long one comes in pieces.
    """

    @property
    def name(self) -> str:
        """What the source is called, such as a path."""

    @property
    def can_read_backwards(self) -> bool:
        """Whether its end can be read before its beginning, which a pipe's cannot."""

    def first_time(self) -> str:
        """Return the time of its first line that has one; empty where none is found near the beginning.

        Raises:
            LogError: It cannot be read.
        """

    def lines(self, needles: Needles, *, since: str, follows: bool) -> Iterator[Sequence[bytes]]:
        """Yield the lines that are there, in the order of writing and in batches as they are read.

        Lines that lack one of `needles` may be left out, and so may those from before `since`. What follows
        the last newline is a line too, unless the source is followed and may yet be told the rest.

        Raises:
            LogError: It cannot be read.
        """

    def lines_backwards(self, needles: Needles, *, follows: bool) -> Iterator[Sequence[bytes]]:
        """Yield the lines that are there, the last one first; `poll` goes on after it.

        Lines that lack one of `needles` may be left out.

        Raises:
            LogError: It cannot be read.
        """

    def is_over(self) -> bool:
        """Tell whether nothing will be written any more, as after a session's end."""

    def poll(self) -> Sequence[bytes]:
        """Return the lines that were completed since the last call, however the file was rotated meanwhile.

        Raises:
            LogError: It cannot be read.
        """

    def close(self) -> None:
        """Let go of it; a second call does nothing."""


class LogFinder(Protocol):
    """Which logs and journals there are."""

    def find(self) -> Sequence[LogSource]:
        """Return the sources that no call has returned before.

        Raises:
            LogError: What was named is not there.
        """


class PriceBook(Protocol):
    """Dated prices and image-token rules."""

    @property
    def version(self) -> str:
        """The date of the bundled catalogue, such as "2026-11-22"."""

    def image_rule(self, model: str, at: datetime) -> ImageRule:
        """Return the rule that turned image sizes into tokens for `model` at `at`.

        Raises:
            UnknownModelError: No rule covers the model; the message names close matches.
        """

    def price(self, model: str, unit: str, at: datetime) -> Price | None:
        """Return the price of `unit` for `model` in force at `at`; None when unpriced."""


class Picture(Protocol):
    """One decoded frame, whose pixels are converted only when somebody asks for them."""

    @property
    def index(self) -> int:
        """The frame's place among its track's frames in presentation order."""

    @property
    def t_us(self) -> int:
        """The frame's time on the media clock, in microseconds."""

    def luma(self) -> npt.NDArray[np.uint8]:
        """Return a small picture of the brightness, the same shape for every frame of a track."""

    def jpeg(self, side: int | None = None) -> bytes:
        """Return the frame as JPEG, its longest side at most `side` pixels, never enlarged."""


class Progress(Protocol):
    """Told how far a step has come; free to ignore it."""

    def __call__(self, step: str, done: float, total: float, unit: str) -> None:
        """Report `done` of `total` ("bytes", "frames", "s" …; total 0 when unknown) for the named step."""


class FrameSink(Protocol):
    """Where kept frames go that a user wants to look at."""

    def save(self, recording: str, track: int, index: int, t_us: int, jpeg: bytes) -> None:
        """Keep one frame of the named recording's track.

        Raises:
            OutputError: It cannot be written.
        """

    def label(self, recording: str, request_us: int, labels: Sequence[tuple[int, int, str]]) -> None:
        """Note which frames one request took, oldest first: track, index and label of each."""


class FrameSource(Protocol):
    """Recordings: their frames' times and sizes, and their pixels when something needs them."""

    def read(self, path: Path, progress: Progress) -> Recording:
        """Read every video track's frames from packets alone; nothing is decoded but a few keyframes.

        Raises:
            MediaError: The file is no media, has no video, or does not exist.
        """

    def pictures(
        self, recording: Recording, track: int, progress: Progress, *, coarse: bool = False
    ) -> Iterator[Picture]:
        """Decode one track once, in presentation order.

        Frames that cannot be decoded, or only with parts made up, are left out. `coarse` pictures may
        have visible block edges: good enough for comparing small ones, and faster to make.

        Raises:
            MediaError: The file is gone, or is no longer what was read.
        """

    def speech(self, recording: Recording, progress: Progress) -> list[SpeechSpan]:
        """Find speech in the audio track; empty when there is no audio."""


class EventSink(Protocol):
    """A session's journal, open for writing; it has one writer."""

    def append(self, kind: str, fields: Mapping[str, Any], *, t_us: int | None = None) -> Event:
        """Write one event at once, complete or not at all, and return it.

        `t_us` is its time on the media clock in microseconds; None for now.
        """

    def assign_tenant(self, tenant_id: str) -> None:
        """Let every event from now on say that it is this tenant's."""

    def close(self) -> None:
        """Make everything durable; a second call does nothing."""


class SessionCatalogue(Protocol):
    """The sessions' bundles on this machine."""

    def list_sessions(self) -> Sequence[SessionBundle]:
        """Return all bundles, newest first; one that is broken says how.

        Raises:
            MediaError: The place where they are kept cannot be read.
        """

    def look_up(self, path: Path) -> SessionBundle:
        """Return the bundle in a directory, which may lie elsewhere.

        Raises:
            MediaError: There is no bundle.
        """

    def read_events(self, bundle: SessionBundle) -> Iterator[Event | None]:
        """Yield its journal's events, up to where it was when the bundle was looked at; None for a bad line.

        Raises:
            MediaError: The journal cannot be read.
        """


class SessionPruner(Protocol):
    """Removes sessions from this machine; whatever interrupts it, each is whole, reduced or gone."""

    def clear_leftovers(self) -> int:
        """Remove what an interrupted prune left, and return how many sessions that were."""

    def remove(self, bundle: SessionBundle, is_wanted: Callable[[SessionBundle], bool]) -> bool:
        """Remove a session; False where it is in use, has gone, or is no longer wanted as it is by then.

        Raises:
            OutputError: It cannot be removed.
        """

    def reduce(
        self, bundle: SessionBundle, is_wanted: Callable[[SessionBundle], bool], *, now: datetime
    ) -> bool:
        """Remove its recording and what people said, and keep what it cost; False as `remove` says.

        Raises:
            OutputError: It cannot be written or removed.
        """


class MeetingRecorder(Protocol):
    """Writes what an agent saw and heard; no call but `finish` blocks, and a full disk fails none."""

    def write_video(self, track: VideoTrack, frame: LiveFrame) -> bool:
        """Take one frame; False when it could not be taken because writing is behind or has stopped."""

    def end_video(self, track: str) -> None:
        """Finish a track's segment; frames of the same track may still come later."""

    def write_audio(self, voice: str, t_us: int, sample_rate: int, samples: bytes) -> None:
        """Take a piece of one voice (mono, signed 16 bit, this machine's byte order) that began at `t_us`.

        Pieces of different voices overlap and are mixed; silence need not be written.
        """

    def finish(self) -> RecordingEnd:
        """Write what is still waiting, join the segments, and say what was recorded. Blocks; call it once."""


class SpendingBook(Protocol):
    """What the sessions of this machine have spent, by day and tenant; shared by all their processes.

    Each session writes its own entries and nobody else's. An entry is there whole or not at all, and stays
    when its session's process is killed.
    """

    def write(self, spending: SessionSpending) -> None:
        """Put a session's entry of a day in the place of the one before.

        Raises:
            OutputError: It cannot be written.
        """

    def remove(self, day: date, tenant_id: str | None, session_id: str) -> None:
        """Take out an entry, if there is one: the session turned out to be another tenant's.

        Raises:
            OutputError: It cannot be removed.
        """

    def of_tenant(self, day: date, tenant_id: str | None) -> Sequence[SessionSpending]:
        """Return the entries of a tenant's day; of sessions without a tenant where it is None."""

    def of_day(self, day: date) -> Sequence[SessionSpending]:
        """Return the entries of a day, of all tenants."""

    def forget_before(self, day: date) -> None:
        """Take out all entries of earlier days."""


class FrameEncoder(Protocol):
    """Turns a live frame into what a model is sent."""

    def jpeg(self, frame: LiveFrame, width: int, height: int) -> bytes:
        """Return the frame as JPEG in this size; safe to call from any thread."""


class Ledger(Protocol):
    """What all journals of this machine say that was used, derived from them.

    Every call may raise ServiceError where others use it for too long, and MeetctlError where it is damaged.
    """

    def fold(self, progress: Progress) -> FoldReport:
        """Take in what journals have and it has not; each event counts once, by its session and number."""

    def sum_spending(self, selection: Selection, by: Sequence[Dimension] = ()) -> list[Spending]:
        """Return exact sums of usage, by the dimensions and by provider, model, unit and basis."""

    def count_completeness(self, selection: Selection) -> Completeness:
        """Return what may be missing in the sums of a selection."""

    def sum_tokens(self, selection: Selection, by: Sequence[Dimension] = ()) -> list[RequestTokens]:
        """Return the tokens of billed requests, by the dimensions and by day, provider, model and basis."""

    def count_images(self, selection: Selection, by: Sequence[Dimension] = ()) -> list[SentImages]:
        """Return how many images of each size billed requests sent."""

    def list_image_requests(
        self, selection: Selection, by: Sequence[Dimension] = ()
    ) -> Iterator[ImageRequest]:
        """Yield billed requests, session by session, each session's in its own order."""

    def count_kept(self, selection: Selection, by: Sequence[Dimension] = ()) -> list[KeptFrames]:
        """Return how many frames of each size were kept under which policy."""

    def sum_interrupted(self, selection: Selection) -> list[Interrupted]:
        """Return what requests cost that were cut off, by provider."""

    def query(self, sql: str, *, write: bool = False) -> Iterator[tuple[object, ...]]:
        """Yield the columns' names of a query of the user's, then its rows; it reads nothing but the ledger.

        Without `write` it changes nothing either. The ledger is open until the last row.

        Raises:
            UsageError: It is wrong; the message says where.
        """


class Backend(Protocol):
    """The platform behind the meetings: tenants, knowledge, usage.

    Every call may raise BackendError, whose `reason` says how it failed. Whatever is said to it after the
    first question carries the tenant.
    """

    async def get_tenant_by_room(self, room: str) -> Tenant | None:
        """Return whose room it is; None when the backend does not know the room."""

    async def track_usage(self, tenant_id: str, records: Sequence[UsageRecord]) -> UsageReceipt:
        """Report usage; safe to repeat, because each record's key counts once.

        Raises BackendError too when not every record was counted.
        """

    async def search_knowledge(self, tenant_id: str, query: str, *, limit: int) -> tuple[KnowledgeHit, ...]:
        """Return at most `limit` pieces of the tenant's knowledge, best first."""

    async def check_feature_flag(self, tenant_id: str, flag: str) -> bool:
        """Tell whether the tenant has a feature."""

    async def get_ai_personality(self, tenant_id: str) -> Personality | None:
        """Return how the tenant's agent presents itself; None when nothing is set."""

    async def record_session_event(self, tenant_id: str, event: SessionEvent) -> None:
        """Report what happened in a session; safe to repeat, because its key counts once."""

    async def create_token(self, tenant_id: str, room: str, identity: str, *, name: str = "") -> RoomToken:
        """Return a token for a person; repeated only by whoever wants another one."""

    async def aclose(self) -> None:
        """Let go of its connections."""


class TokenSigner(Protocol):
    """A key of a LiveKit server, for making and checking tokens."""

    @property
    def api_key(self) -> str:
        """The key's id, which a token names as its issuer."""

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a token with these claims."""

    def has_signed(self, token: str) -> bool:
        """Tell whether a token's signature was made with the key's secret; nothing else of it is checked.

        Any text may be given.
        """


class RoomAdmin(Protocol):
    """The rooms of a LiveKit server, who is in them, and which agents were sent there.

    Every call may raise ServiceError: the server cannot be reached, or refuses us or the request. What is not
    there raises NotFoundError, in every call but `find_room`.
    """

    async def list_rooms(self) -> tuple[Room, ...]:
        """Return all rooms, by name."""

    async def find_room(self, name: str) -> Room | None:
        """Return one room; None where it is not there."""

    async def create_room(
        self,
        name: str,
        *,
        metadata: str = "",
        empty_timeout_s: int | None = None,
        departure_timeout_s: int | None = None,
        max_participants: int | None = None,
    ) -> Room:
        """Make a room, and return it; one that is there already is returned as it is, and not changed.

        What is None is as the server is configured.
        """

    async def close_room(self, name: str) -> None:
        """End the room for everybody in it."""

    async def list_participants(self, room: str) -> tuple[Participant, ...]:
        """Return who is in a room, hidden participants too, in the order in which they came."""

    async def remove_participant(self, room: str, identity: str) -> None:
        """Put somebody out of a room; whoever has a token may join again."""

    async def mute_track(self, room: str, identity: str, track: str, *, muted: bool) -> None:
        """Mute a track, or unmute it, which a server allows only where it is configured so."""

    async def list_dispatches(self, room: str) -> tuple[Dispatch, ...]:
        """Return which agents were sent into a room, in the order in which they were."""

    async def create_dispatch(self, room: str, agent_name: str, *, metadata: str = "") -> Dispatch:
        """Send an agent into a room; LiveKit makes the room where it is not there."""

    async def delete_dispatch(self, room: str, dispatch: str) -> None:
        """Take a dispatch back; an agent that has come because of it is taken out of the room."""

    async def aclose(self) -> None:
        """Let go of its connections."""


class MediaProbe(Protocol):
    """Finds out which ways media can go between here and a LiveKit server."""

    async def find_paths(self, room: str) -> MediaPaths:
        """Join a room for a moment, hidden and without publishing anything, and return the ways there.

        Raises:
            ServiceError: The server cannot be reached, or refuses us.
        """


class RemoteClock(Protocol):
    """The time of another machine."""

    async def now(self) -> datetime | None:
        """Return its time to the second, aware and in UTC; None where it does not tell.

        Raises:
            ServiceError: It cannot be reached.
        """


class Machine(Protocol):
    """What this machine has."""

    def free_bytes(self, directory: Path) -> int:
        """Return how much space there is for a directory, which need not exist yet.

        Raises:
            OutputError: It cannot be written to.
        """

    def missing_codecs(self) -> tuple[str, ...]:
        """Return what PyAV lacks of what recordings are written with and read by, in words."""


class EventSource(Protocol):
    """One session's events, from wherever they can be had."""

    def follow(self) -> AsyncGenerator[Event, None]:
        """Yield the events in their order, each once, from the session's first on, as they come.

        It ends with the session's end, or when nothing more can come of it. Close it (`contextlib.aclosing`)
        where it is not read to its end.

        Raises:
            ServiceError: They cannot be had from there.
            MediaError: The journal cannot be read.
        """


class SessionStates(Protocol):
    """What sessions have come to so far, as far as this machine knows."""

    async def read(self, session_id: str) -> SessionState | None:
        """Return a session's state now; None where its journal is not on this machine."""


class WorkerCensus(Protocol):
    """The workers of ours on this machine."""

    async def list_workers(self) -> tuple[LocalWorker, ...]:
        """Return those that run, by agent name."""


class AgentControl(Protocol):
    """Steers our agents from outside their rooms."""

    async def send(
        self, room: str, op: str, args: Mapping[str, Any], *, session_id: str | None = None
    ) -> Acknowledgement:
        """Have the agent in a room perform an operation, and wait until it has.

        Raises:
            UsageError: The operation or its arguments are wrong, or it is not said which of several agents.
            NotFoundError: There is no such room or agent.
            ServiceError: It did not, or has not answered in time, or the server refuses.
        """
