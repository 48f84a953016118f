"""The doctor's checks: what each finds, what it advises, and that nothing of it stays or costs anything."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.backend import FakeBackend
from tests.fakes.clock import LoopClock, ManualClock, run_virtually
from tests.fakes.machine import FakeMachine
from tests.fakes.media_probe import FakeMediaProbe
from tests.fakes.remote_clock import FakeRemoteClock
from tests.fakes.room_admin import FakeRoomAdmin
from tests.fakes.worker_census import FakeWorkerCensus

from meetctl import bootstrap
from meetctl.domain.diagnosis import (
    BilledUse,
    Diagnosis,
    Finding,
    LocalPrograms,
    MediaPath,
    MediaPaths,
)
from meetctl.domain.dispatch_check import CHECK_METADATA, is_check
from meetctl.domain.rooms import Job
from meetctl.domain.tenancy import Tenant
from meetctl.domain.workers import LocalWorker
from meetctl.services import doctor_checks as at_home
from meetctl.services import doctor_services as away
from meetctl.services.doctor import Check, run_checks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meetctl.domain.diagnosis import Blame, FindingStatus
    from meetctl.domain.rooms import Dispatch, JobStatus
    from meetctl.ports import Clock

AGENT = "meetctl"
URL = "ws://127.0.0.1:7880"
UDP = MediaPath(protocol="udp", address="192.0.2.1:7882")
TCP = MediaPath(protocol="tcp", address="192.0.2.1:7881")
HERE = MediaPath(protocol="udp", address="127.0.0.1:7882")
GB = 1_000_000_000


def finding(check: str, status: FindingStatus = "pass", blame: Blame = "machine") -> Finding:
    return Finding(check=check, status=status, message="", blame=blame)


def check(
    name: str, status: FindingStatus = "pass", *, needs: tuple[str, ...] = (), finds: tuple[str, ...] = ()
) -> Check:
    async def examine() -> Sequence[Finding]:
        return [finding(name, status)]

    return Check(name=name, examine=examine, needs=needs, finds=finds)


def run(*checks: Check) -> tuple[Diagnosis, list[str]]:
    told: list[str] = []
    diagnosis = asyncio.run(
        run_checks(
            checks,
            clock=ManualClock(),
            begun=lambda name: told.append(f"begun {name}"),
            found=lambda one: told.append(f"{one.status} {one.check}"),
        )
    )
    return diagnosis, told


def test_findings_are_told_in_order_as_they_come() -> None:
    diagnosis, told = run(check("a"), check("b", "warn"))
    assert told == ["begun a", "pass a", "begun b", "warn b"]
    assert diagnosis.failed == ()
    assert diagnosis.blame is None
    assert diagnosis.counts == {"pass": 1, "warn": 1}


def test_what_needs_a_failed_check_is_skipped_and_what_needs_that_too() -> None:
    diagnosis, _ = run(check("a", "fail"), check("b", needs=("a",)), check("c", needs=("b",)), check("d"))
    assert [(one.check, one.status) for one in diagnosis.findings] == [
        ("a", "fail"),
        ("b", "skipped"),
        ("c", "skipped"),
        ("d", "pass"),
    ]
    assert diagnosis.findings[1].message == "needs a"


def test_a_skipped_check_has_all_of_its_findings() -> None:
    diagnosis, _ = run(check("a", "fail"), check("b", needs=("a",), finds=("c", "d")))
    assert [one.check for one in diagnosis.findings] == ["a", "c", "d"]


def test_what_needs_a_check_that_was_not_asked_for_is_made() -> None:
    diagnosis, _ = run(check("b", needs=("a",)))
    assert diagnosis.findings[0].status == "pass"


@pytest.mark.parametrize(
    ("blames", "gravest"),
    [
        (("machine", "service", "configuration"), "configuration"),
        (("machine", "service"), "service"),
        (("machine",), "machine"),
    ],
)
def test_the_gravest_failure_is_blamed(blames: tuple[Blame, ...], gravest: Blame) -> None:
    failures = tuple(finding(blame, "fail", blame) for blame in blames)
    diagnosis = Diagnosis(findings=(*failures, finding("warned", "warn", "configuration")))
    assert diagnosis.blame == gravest
    assert diagnosis.failed == blames


class Rooms(FakeRoomAdmin):
    """A server on which a worker takes dispatches of the agent, after a few looks."""

    def __init__(self, status: JobStatus | None = "running", *, looks: int = 3) -> None:
        super().__init__()
        self.metadata: list[str] = []
        self.made: list[str] = []
        self._status = status
        self._looks = looks

    async def create_room(self, name: str, **settings: Any) -> Any:
        self.made.append(name)
        return await super().create_room(name, **settings)

    async def create_dispatch(self, room: str, agent_name: str, *, metadata: str = "") -> Dispatch:
        self.metadata.append(metadata)
        return await super().create_dispatch(room, agent_name, metadata=metadata)

    async def list_dispatches(self, room: str) -> tuple[Dispatch, ...]:
        self._looks -= 1
        for dispatch in await super().list_dispatches(room):
            job = Job(id="AJ_1", status="pending", error="", participant="", worker="AW_1")
            self.run_job(room, dispatch.id, job)
            if self._looks <= 0 and self._status is not None:
                taken = Job(id="AJ_1", status=self._status, error="", participant="", worker="AW_1")
                self.run_job(room, dispatch.id, taken)
        return await super().list_dispatches(room)


async def check_dispatch(admin: FakeRoomAdmin, clock: Clock) -> Finding:
    return await away.check_dispatch(admin, FakeWorkerCensus(), clock, agent_name=AGENT, url=URL)


def dispatch_to(admin: Rooms) -> Finding:
    found: list[Finding] = []

    async def examine() -> None:
        found.append(await check_dispatch(admin, LoopClock()))
        assert await admin.list_rooms() == ()

    run_virtually(examine())
    return found[0]


def test_a_dispatch_that_is_taken_passes_and_leaves_no_room() -> None:
    admin = Rooms()
    made = dispatch_to(admin)
    assert made.status == "pass"
    assert "worker AW_1 took a dispatch of agent 'meetctl' after" in made.message
    assert admin.made[0].startswith("meetctl-doctor-")


def test_a_dispatch_says_that_it_is_a_check() -> None:
    admin = Rooms()
    dispatch_to(admin)
    assert admin.metadata == [CHECK_METADATA]
    assert is_check(admin.metadata[0])


@pytest.mark.parametrize(
    "metadata", ["", " ", "null", "{}", '{"meetctl.check": 1}', "[true]", "{", "[" * 9999]
)
def test_no_other_dispatch_is_a_check(metadata: str) -> None:
    assert not is_check(metadata)


def test_a_dispatch_that_nobody_takes_fails_and_leaves_no_room() -> None:
    made = dispatch_to(Rooms(None))
    assert (made.status, made.blame) == ("fail", "service")
    assert made.message == (
        "nobody took a dispatch of agent 'meetctl' within 15 s: "
        "no worker on this machine serves 'meetctl' for ws://127.0.0.1:7880"
    )
    assert "meetctl agent start" in made.hint


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_job_that_fails_is_told(status: JobStatus) -> None:
    made = dispatch_to(Rooms(status))
    assert made.status == "fail"
    assert f"and it {status}" in made.message


def test_a_room_is_removed_when_the_examination_is_interrupted() -> None:
    admin = Rooms(None)

    async def interrupt() -> None:
        examining = asyncio.create_task(check_dispatch(admin, LoopClock()))
        await asyncio.sleep(1)
        assert len(await admin.list_rooms()) == 1
        examining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await examining
        assert await admin.list_rooms() == ()

    run_virtually(interrupt())


def test_a_server_that_goes_away_is_a_finding_everywhere() -> None:
    admin = FakeRoomAdmin()
    admin.is_reachable = False
    clock = FakeRemoteClock(ManualClock())
    clock.is_reachable = False

    async def examine() -> list[Finding]:
        return [
            await away.check_livekit(admin, ManualClock(), URL),
            await check_dispatch(admin, ManualClock()),
            *await away.check_media(admin, FakeMediaProbe(admin)),
            await away.check_clock(clock, ManualClock()),
        ]

    found = asyncio.run(examine())
    assert [(one.check, one.status) for one in found] == [
        ("livekit", "fail"),
        ("dispatch", "fail"),
        ("udp", "fail"),
        ("tcp", "skipped"),
        ("clock", "fail"),
    ]
    assert {one.blame for one in found if one.status == "fail"} == {"service"}


def test_a_server_that_takes_the_key_passes() -> None:
    async def examine() -> Finding:
        admin = FakeRoomAdmin()
        await admin.create_room("one")
        return await away.check_livekit(admin, ManualClock(), URL)

    assert "takes the key and has one room" in asyncio.run(examine()).message


@pytest.mark.parametrize(
    ("ahead_s", "status", "words"),
    [
        (0.0, "pass", "within 5 s"),
        (-4.0, "pass", "within 5 s"),
        (30.0, "warn", "behind the server's"),
        (-30.0, "warn", "ahead of the server's"),
        (120.0, "fail", "tokens are refused"),
        (None, "skipped", "does not tell"),
    ],
)
def test_a_clock_that_is_wrong_is_told(ahead_s: float | None, status: str, words: str) -> None:
    clock = ManualClock()
    clock.advance(round(timedelta(milliseconds=500).total_seconds() * 1_000_000))
    made = asyncio.run(away.check_clock(FakeRemoteClock(clock, ahead_s=ahead_s), clock))
    assert made.status == status
    assert words in made.message


def worker(name: str = AGENT, *, meetings: int | None = 0) -> LocalWorker:
    return LocalWorker(worker_id="AW_1", agent_name=name, url=URL, pid=1, max_meetings=2, meetings=meetings)


@pytest.mark.parametrize(
    ("workers", "status", "words"),
    [
        ((), "warn", "no worker on this machine serves 'meetctl' for ws://127.0.0.1:7880"),
        ((worker(),), "pass", "AW_1 (0 of 2 meetings)"),
        ((worker("other"),), "warn", "only 'other'"),
        ((worker(meetings=2),), "warn", "worker full"),
        ((worker(meetings=None),), "warn", "does not answer"),
    ],
)
def test_a_worker_of_this_machine_is_looked_for(
    workers: tuple[LocalWorker, ...], status: str, words: str
) -> None:
    made = asyncio.run(away.check_worker(FakeWorkerCensus(*workers), URL, AGENT))
    assert made.status == status
    assert words in made.message
    assert bool(made.hint) == (status == "warn")


@pytest.mark.parametrize(
    ("paths", "udp", "tcp"),
    [
        (MediaPaths(usual=UDP, tcp=TCP), "pass", "pass"),
        (MediaPaths(usual=UDP, tcp=None), "pass", "warn"),
        (MediaPaths(usual=HERE, tcp=None), "pass", "skipped"),
        (MediaPaths(usual=TCP, tcp=TCP), "warn", "pass"),
        (
            MediaPaths(usual=MediaPath(protocol="udp", address="1.2.3.4:3478", is_relayed=True), tcp=TCP),
            "warn",
            "pass",
        ),
        (MediaPaths(usual=None, tcp=None), "fail", "warn"),
    ],
)
def test_ways_of_media_are_judged(paths: MediaPaths, udp: str, tcp: str) -> None:
    async def examine() -> None:
        admin = FakeRoomAdmin()
        probe = FakeMediaProbe(admin, paths=paths)
        found = await away.check_media(admin, probe)
        assert [(one.check, one.status) for one in found] == [("udp", udp), ("tcp", tcp)]
        assert all(one.hint for one in found if one.status in ("warn", "fail"))
        assert await admin.list_rooms() == ()
        assert probe.joined[0].startswith("meetctl-doctor-")

    asyncio.run(examine())


def test_the_backend_is_asked_something_that_changes_nothing() -> None:
    async def examine() -> None:
        backend = FakeBackend()
        made = await away.check_backend(backend, "http://api")
        assert (made.status, made.message) == ("pass", "http://api speaks tRPC and takes the key")
        assert backend.calls == [("get_tenant_by_room", None)]
        assert (await away.check_backend(None, "")).status == "skipped"

    asyncio.run(examine())


def test_a_backend_that_fails_is_told_with_its_remedy() -> None:
    backend = FakeBackend()
    backend.break_with("refused")
    made = asyncio.run(away.check_backend(backend, "http://api"))
    assert (made.status, made.blame) == ("fail", "service")


def test_what_is_wrong_with_the_configuration_is_the_users() -> None:
    made = at_home.check_configuration(["a is not set", "b is malformed"], "set them")
    assert (made.status, made.blame) == ("fail", "configuration")
    assert made.message == "a is not set; b is malformed"
    assert at_home.check_configuration([], "").status == "pass"


@pytest.mark.parametrize(
    ("keys", "offline", "other", "status", "words"),
    [
        ({"OPENAI_API_KEY": "sk-1"}, ["rime"], False, "pass", "OPENAI_API_KEY; offline, $0: rime"),
        ({"OPENAI_API_KEY": "1"}, [], False, "warn", "OPENAI_API_KEY does not begin with sk-"),
        ({"OPENAI_API_KEY": "1"}, [], True, "pass", "set, not tried: OPENAI_API_KEY"),
        ({}, [], False, "skipped", "no provider"),
    ],
)
def test_keys_are_looked_at_and_never_shown(
    keys: dict[str, str], offline: list[str], other: bool, status: str, words: str
) -> None:
    made = at_home.check_keys(keys, offline, has_other_address=other)
    assert made.status == status
    assert words in made.message


def test_models_need_prices_and_image_rules() -> None:
    book, at = bootstrap.price_book(()), bootstrap.system_clock().now()
    tokens = ("input_tokens", "output_tokens")
    good = BilledUse(use="model", model="gpt-4.1", units=tokens, detail="high")
    ears = BilledUse(use="ears", model="nova-3", units=("minutes",))
    made = at_home.check_prices(book, [good, ears], at)
    assert (made.status, made.message) == ("pass", f"priced by price book {book.version}: gpt-4.1 and nova-3")
    unpriced = BilledUse(use="voice", model="no-such-voice", units=("characters",))
    made = at_home.check_prices(book, [good, unpriced], at)
    assert made.status == "warn"
    assert "no price for no-such-voice (characters)" in made.message
    blind = BilledUse(use="model", model="no-such-model", units=tokens, detail="high")
    made = at_home.check_prices(book, [blind], at)
    assert (made.status, made.blame) == ("fail", "configuration")
    closer = BilledUse(use="model", model="gpt-4.1", units=tokens, detail="original")
    assert at_home.check_prices(book, [closer], at).status == "fail"
    assert at_home.check_prices(book, [], at).status == "skipped"


@pytest.mark.parametrize(
    ("free_bytes", "status"), [(100 * GB, "pass"), (5 * GB, "pass"), (4 * GB, "warn"), (GB // 4, "fail")]
)
def test_little_room_is_warned_of(free_bytes: int, status: str) -> None:
    made = at_home.check_disk(FakeMachine(free_bytes=free_bytes), Path("/sessions"))
    assert made.status == status
    assert "GB free for sessions in /sessions" in made.message


def test_a_place_that_cannot_be_written_fails() -> None:
    made = at_home.check_disk(FakeMachine(read_only=(Path("/kept"),)), Path("/kept/sessions"))
    assert (made.status, made.blame) == ("fail", "machine")


def test_missing_codecs_fail() -> None:
    made = at_home.check_codecs(FakeMachine(missing_codecs=("an encoder for libx264", "a decoder for vp9")))
    assert (made.status, made.message) == (
        "fail",
        "PyAV lacks an encoder for libx264 and a decoder for vp9",
    )
    assert at_home.check_codecs(FakeMachine()).status == "pass"


@pytest.mark.parametrize(
    ("server", "go", "speech", "environment", "has_server", "status"),
    [
        ("1.13.5", None, True, "development", False, "pass"),
        (None, "1.26", True, "development", False, "pass"),
        (None, None, True, "development", False, "warn"),
        (None, None, True, "development", True, "skipped"),
        ("1.13.5", None, False, "development", True, "warn"),
        (None, None, False, "production", False, "skipped"),
    ],
)
def test_programs_matter_only_to_the_local_stack(
    server: str | None, go: str | None, speech: bool, environment: str, has_server: bool, status: str
) -> None:
    programs = LocalPrograms(livekit_server=server, go=go, has_speech=speech)
    made = at_home.check_programs(programs, environment=environment, has_server=has_server)
    assert made.status == status


def test_a_backend_that_knows_every_room_is_told() -> None:
    class Knowing(FakeBackend):
        async def get_tenant_by_room(self, room: str) -> Tenant | None:  # noqa: ARG002  whatever the room
            return Tenant(id="acme", tier="standard")

    made = asyncio.run(away.check_backend(Knowing(), "http://api"))
    assert "it says that any room is 'acme''s" in made.message
