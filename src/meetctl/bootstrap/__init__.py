"""The only package that names concrete adapters; each is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meetctl.agent.adapters import BundleAdapters, MeetingAdapters
    from meetctl.core.config import AgentSettings, BackendAccess
    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.core.worker_options import WorkerOptions, WorkerRegistration
    from meetctl.domain.audit import Audit, RecordingAudit
    from meetctl.domain.reconciliation import ProviderAccount
    from meetctl.domain.vision_tokens import ImageRule
    from meetctl.errors import MeetctlError
    from meetctl.ports import (
        Backend,
        Clock,
        FrameSink,
        FrameSource,
        Ledger,
        LogFinder,
        Progress,
        RoomAdmin,
        SessionCatalogue,
        SpendingBook,
        TokenSigner,
    )
    from meetctl.recorder.service import RecordingService, Watcher
    from meetctl.recorder.settings import RecorderSettings
    from meetctl.services.prices import PriceCatalogue
    from meetctl.services.replay import AuditRequest


def system_clock() -> Clock:
    """Return the machine's clock."""
    from meetctl.adapters.system_clock import SystemClock

    return SystemClock()


def frame_source() -> FrameSource:
    """Return recordings through PyAV."""
    from meetctl.adapters.media_av import AvFrameSource

    return AvFrameSource()


def price_book(user_files: Sequence[Path]) -> PriceCatalogue:
    """Return the price book: the user's files, then the bundled ones, then genai-prices.

    Raises:
        UsageError: A file is missing or wrong.
    """
    from meetctl.adapters.price_book import load_price_book

    return load_price_book(user_files)


def session_catalogue(sessions: Path) -> SessionCatalogue:
    """Return the sessions' bundles in a directory."""
    from meetctl.adapters.delivery_state import usage_waits
    from meetctl.adapters.session_catalogue import DirectoryCatalogue

    return DirectoryCatalogue(sessions, usage_waits=usage_waits)


def frame_directory(directory: Path, folder: str) -> FrameSink:
    """Return a directory that one recording's kept frames are written to, in a folder of their own."""
    from meetctl.adapters.frame_directory import FrameDirectory

    return FrameDirectory(directory, folder)


def machine_logs(sessions: Path, logs: Path | None) -> LogFinder:
    """Return the journals in a directory of sessions, and the workers' logs in another; None for none."""
    from meetctl.adapters.log_files import JournalFinder
    from meetctl.adapters.session_directory import JOURNAL

    return JournalFinder(sessions, JOURNAL, logs)


def named_logs(paths: Sequence[Path]) -> LogFinder:
    """Return the logs and journals in the files, bundles and directories that a user names; `-` is stdin."""
    from meetctl.adapters.log_files import NamedLogs
    from meetctl.adapters.session_directory import JOURNAL

    return NamedLogs(paths, JOURNAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditTask:
    """One recording to audit, with all that a process of its own needs for it."""

    path: Path
    request: AuditRequest
    price_files: tuple[Path, ...]
    frames_directory: Path | None
    """Where kept frames are exported to; None for nowhere."""
    frames_folder: str
    """The recording's own folder there."""


def audit_recordings(
    tasks: Sequence[AuditTask], *, jobs: int, progress_of: Callable[[int], Progress]
) -> Iterator[tuple[int, RecordingAudit | MeetctlError]]:
    """Audit recordings, several at a time, and yield each with its place as it is finished.

    `progress_of` gives where a recording's steps are told. An error stands for a recording that failed.

    Raises:
        UsageError: The request is wrong.
    """
    from meetctl.errors import MeetctlError, UsageError

    if jobs == 1 or len(tasks) == 1:
        for place, task in enumerate(tasks):
            audit = audit_one(task, progress_of(place))
            if isinstance(audit, UsageError):
                raise audit
            yield place, audit
        return
    from meetctl.adapters.worker_processes import run_in_processes

    for done in run_in_processes(audit_one, tasks, jobs=jobs, progress_of=progress_of):
        if isinstance(done.result, UsageError):
            raise done.result
        killed = MeetctlError(
            f"{tasks[done.task].path}: the process that audited it was killed",
            hint="if memory ran out, --jobs 1 needs the least",
        )
        yield done.task, done.result or killed


def audit_one(task: AuditTask, progress: Progress) -> RecordingAudit | MeetctlError:
    """Audit one recording; a failure is returned, so that the others are not lost."""
    from meetctl.errors import MeetctlError
    from meetctl.services.replay import audit_recording

    directory = task.frames_directory
    try:
        return audit_recording(
            task.path,
            task.request,
            source=frame_source(),
            book=price_book(task.price_files),
            progress=progress,
            sink=frame_directory(directory, task.frames_folder) if directory else None,
        )
    except MeetctlError as error:
        return error


def refuse_foreign_database(path: Path) -> None:
    """Check, before an audit is made, that it may be saved in this file.

    Raises:
        OutputError: Another file is there.
    """
    from meetctl.adapters import audit_duckdb

    audit_duckdb.refuse_foreign_file(path)


def save_audit(audit: Audit, path: Path) -> None:
    """Keep an audit's tables in a DuckDB file.

    Raises:
        OutputError: It cannot be written, or is a file that is not ours.
    """
    from meetctl.adapters import audit_duckdb

    audit_duckdb.save_audit(audit, path)


def export_audit(audit: Audit, directory: Path) -> None:
    """Write an audit's tables as Parquet files.

    Raises:
        OutputError: They cannot be written.
    """
    from meetctl.adapters import audit_duckdb

    audit_duckdb.export_parquet(audit, directory)


def ledger(sessions: Path | None, on_waiting: Callable[[str], None]) -> Ledger:
    """Return the ledger of the sessions there; of the user's own where None is given.

    `on_waiting` is told what a command waits for, where it has to.
    """
    from meetctl.adapters.ledger_duckdb import DuckLedger
    from meetctl.core.places import ledger_file, sessions_directory

    place = sessions or sessions_directory()
    return DuckLedger(ledger_file(place), place, clock=system_clock(), on_waiting=on_waiting)


def write_parquet(columns: Sequence[str], rows: Sequence[Sequence[str]], path: Path) -> None:
    """Write rows of texts as a Parquet file, with the types that their columns have.

    Raises:
        OutputError: It cannot be written.
    """
    from meetctl.adapters.ledger_duckdb import parquet

    parquet.write_parquet(columns, rows, path)


def read_provider_export(path: Path, provider: str | None) -> ProviderAccount:
    """Read what a provider says it billed.

    Raises:
        MediaError: The file cannot be read.
        UsageError: It has no shape that is known.
    """
    from meetctl.adapters.provider_exports import read_export

    return read_export(path, provider)


def backend(settings: AgentSettings) -> Backend | None:
    """Return the platform's backend; None where none is configured. It is used by one event loop.

    Raises:
        UsageError: A procedure is given another name that is none of ours.
    """
    return open_backend(settings.backend) if settings.backend is not None else None


def open_backend(access: BackendAccess) -> Backend:
    """Return the platform's backend at an address. It is used by one event loop.

    Raises:
        UsageError: A procedure is given another name that is none of ours.
    """
    from meetctl.adapters.backend_trpc import TrpcBackend

    return TrpcBackend(access, system_clock())


def spending_book() -> SpendingBook:
    """Return what the sessions of this machine have spent."""
    from meetctl.adapters.spending_files import FileSpendingBook
    from meetctl.core.places import spending_directory

    return FileSpendingBook(spending_directory())


def room_admin(access: LiveKitAccess) -> RoomAdmin:
    """Return a LiveKit server's rooms. It is used by one event loop, and to be closed there."""
    from meetctl.adapters.livekit_admin import LiveKitAdmin

    return LiveKitAdmin(access)


def token_signer(access: LiveKitAccess) -> TokenSigner:
    """Return what makes and checks tokens of a LiveKit server."""
    from meetctl.adapters.livekit_tokens import LiveKitTokens

    return LiveKitTokens(access)


def bundle_adapters(price_files: Sequence[Path] = ()) -> BundleAdapters:
    """Return what a bundle is written with.

    Raises:
        UsageError: A price file is missing or wrong.
    """
    from meetctl.adapters.event_log import EventLog
    from meetctl.adapters.recorder_av.recorder import AvMeetingRecorder
    from meetctl.adapters.session_directory import JOURNAL, make_session_directory, write_session
    from meetctl.agent.adapters import BundleAdapters

    clock = system_clock()
    return BundleAdapters(
        clock=clock,
        book=price_book(price_files),
        make_directory=make_session_directory,
        open_journal=lambda directory, owner, media_us: EventLog(
            directory / JOURNAL, owner, clock=clock, media_us=media_us
        ),
        open_recorder=lambda directory, media_us, on_stopped: AvMeetingRecorder(
            directory, now_us=media_us, on_stopped=on_stopped
        ),
        write_session=write_session,
    )


def meeting_adapters(settings: AgentSettings) -> MeetingAdapters:
    """Return what the agent of a meeting is given, in its job's process.

    Raises:
        UsageError: A price file is missing or wrong.
    """
    from meetctl.adapters.delivery_state import begin_outbox
    from meetctl.adapters.journal_reader import JournalReader
    from meetctl.adapters.recorder_av.jpeg import AvFrameEncoder
    from meetctl.adapters.session_directory import JOURNAL
    from meetctl.agent.adapters import MeetingAdapters

    bundle = bundle_adapters(settings.price_files)
    return MeetingAdapters(
        clock=bundle.clock,
        book=bundle.book,
        make_directory=bundle.make_directory,
        open_journal=bundle.open_journal,
        open_recorder=bundle.open_recorder,
        write_session=bundle.write_session,
        encoder=AvFrameEncoder(),
        read_journal=lambda directory: JournalReader(directory / JOURNAL),
        backend=backend(settings),
        spending=spending_book(),
        begin_outbox=lambda directory: begin_outbox(
            directory, JOURNAL, backend=settings.backend.url if settings.backend else ""
        ),
    )


def recording_service(settings: RecorderSettings, watcher: Watcher) -> RecordingService:
    """Return what records a room, one meeting or one after the other.

    Raises:
        OutputError: Sessions cannot be kept where they should be.
    """
    from meetctl.adapters.session_directory import check_sessions_directory
    from meetctl.recorder.adapters import RecorderAdapters
    from meetctl.recorder.service import RecordingService

    check_sessions_directory(settings.sessions)
    adapters = RecorderAdapters(
        bundle=bundle_adapters(), admin=room_admin(settings.livekit), signer=token_signer(settings.livekit)
    )
    return RecordingService(settings, adapters, watcher)


def check_agent_settings(settings: AgentSettings) -> None:
    """Check, before any meeting, what would fail in each: prices, the model's image rule, the directory.

    Raises:
        UsageError: The price book has no rule for the model, or the model does not know the detail.
        OutputError: Sessions cannot be kept where they should be.
    """
    from meetctl.adapters.session_directory import check_sessions_directory
    from meetctl.domain.vision_tokens import resolve_detail

    book = price_book(settings.price_files)
    for model in (settings.llm, *settings.llm_fallbacks):
        rule = book.image_rule(model.priced_model, system_clock().now())
        resolve_detail(rule, settings.policy.detail)
        _check_step_details(settings, rule)
    check_sessions_directory(settings.sessions)
    # A process that cannot prepare itself for a meeting would be started again and again.
    meeting_adapters(settings)


def _check_step_details(settings: AgentSettings, rule: ImageRule) -> None:
    """Check that a model knows the details of the budget's steps; the usual ones leave an unknown one out.

    Raises:
        UsageError: It does not.
    """
    from meetctl.domain.budget import DEFAULT_STEPS
    from meetctl.domain.vision_tokens import resolve_detail
    from meetctl.errors import UsageError

    if settings.budgets.steps == DEFAULT_STEPS:
        return
    for step in settings.budgets.steps:
        try:
            resolve_detail(rule, step.restraint.detail or rule.auto)
        except UsageError as error:
            raise UsageError(f"MEETCTL_BUDGET_STEPS: {error.message}", hint=error.hint) from None


def serve_meetings(
    settings: AgentSettings,
    options: WorkerOptions,
    *,
    on_registered: Callable[[WorkerRegistration], None],
) -> None:
    """Run the agent's worker until a signal.

    Raises:
        ServiceError: The LiveKit server cannot be reached, or refuses us.
        UsageError: A port is taken.
    """
    import asyncio
    from contextlib import nullcontext

    from meetctl.adapters.worker_file import WorkerFile
    from meetctl.core.shared_metrics import share_metrics

    # The library that keeps metrics decides when it is imported where, so it may be imported only now.
    with WorkerFile() as state, share_metrics() if options.prometheus_port is not None else nullcontext():
        from meetctl.agent.worker import serve

        def registered(worker: WorkerRegistration) -> None:
            state.write(worker)
            on_registered(worker)

        asyncio.run(
            serve(
                settings,
                options,
                make_adapters=meeting_adapters,
                clock=system_clock(),
                on_registered=registered,
                on_killed=state.remove,
                beside=_work_beside_meetings(settings),
            )
        )


def _work_beside_meetings(settings: AgentSettings) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return what a worker does while its meetings run."""
    deliver = _delivery_of_what_was_left(settings)

    async def work() -> None:
        await restore_days_spending(settings)
        if deliver is not None:
            await deliver()

    return work


async def restore_days_spending(settings: AgentSettings) -> None:
    """Let what killed sessions have spent today count, as far as their journals say more than the book."""
    import asyncio
    import logging
    import threading
    from datetime import UTC, datetime, time, timedelta
    from itertools import takewhile

    from meetctl.adapters.session_directory import JOURNAL
    from meetctl.adapters.spending_files import read_journals
    from meetctl.services.spending import restore_spending

    book, today, is_over = spending_book(), system_clock().now().date(), threading.Event()
    journals = read_journals(settings.sessions, JOURNAL, datetime.combine(today, time(), UTC))

    def restore() -> None:
        book.forget_before(today - timedelta(days=1))
        restore_spending(book, takewhile(lambda _: not is_over.is_set(), journals), today)

    try:
        await asyncio.to_thread(restore)
    except Exception:
        # Whatever is wrong with a journal or the book, the worker serves; new spending is counted.
        logging.getLogger(__name__).exception("what was spent before could not be restored")
    finally:
        is_over.set()


def _delivery_of_what_was_left(settings: AgentSettings) -> Callable[[], Coroutine[Any, Any, None]] | None:
    """Return what delivers the usage that ended sessions have left; None without a backend."""
    from meetctl.adapters.delivery_state import FileOutboxes
    from meetctl.adapters.session_directory import JOURNAL
    from meetctl.services.left_behind import LeftBehind

    platform = backend(settings)
    if platform is None or settings.backend is None:
        return None
    outboxes = FileOutboxes(settings.sessions, JOURNAL, backend=settings.backend.url)
    return LeftBehind(outboxes, platform, system_clock()).run
