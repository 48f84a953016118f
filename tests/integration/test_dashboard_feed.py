"""The dashboard's feed on a real server: our agent without its journal, and an agent that is not ours."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tests.live_agent import HANG_S
from tests.local_stack import run_livekit_server, run_livekit_server_again
from tests.plain_agent import ANSWER, CACHED_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS, run_plain_agent
from tests.steered_agent import join, take_part

from meetctl import bootstrap
from meetctl.adapters.livekit_admin import LiveKitAdmin
from meetctl.bootstrap.dashboard import live_feed
from meetctl.stack.rooms import dispatch_agent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
    from pathlib import Path

    from tests.plain_agent import PlainAgent
    from tests.steered_agent import Guest

    from meetctl.core.local_stack import LiveKitAccess
    from meetctl.domain.view.dashboard import DashboardView, Meeting

pytestmark = pytest.mark.live

PLAIN = "plain"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitAccess]:
    with run_livekit_server(tmp_path_factory.mktemp("livekit")) as access:
        yield access


@pytest.fixture(scope="module")
def plain(server: LiveKitAccess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainAgent]:
    with run_plain_agent(tmp_path_factory.mktemp("plain"), server, PLAIN) as agent:
        yield agent


class Watching:
    """A feed that is watched, seen from a machine without any journal."""

    def __init__(self, views: AsyncGenerator[DashboardView, None]) -> None:
        self._views = views
        self.view: DashboardView | None = None

    async def meeting(self, room: str, holds: Callable[[Meeting], object]) -> Meeting:
        """Wait until a room's only meeting is as it should be, and return it."""
        try:
            async with asyncio.timeout(HANG_S):
                async for view in self._views:
                    self.view = view
                    found = [one for one in view.meetings if one.room == room]
                    if len(found) == 1 and holds(found[0]):
                        return found[0]
        except TimeoutError:
            pass
        pytest.fail(f"never came about; last: {self.view}")


@asynccontextmanager
async def watch(server: LiveKitAccess, directory: Path) -> AsyncIterator[Watching]:
    async with aclosing(live_feed(directory / "no-sessions", server).watch()) as views:
        yield Watching(views)


@asynccontextmanager
async def admin_of(server: LiveKitAccess) -> AsyncIterator[LiveKitAdmin]:
    admin = LiveKitAdmin(server)
    try:
        yield admin
    finally:
        await admin.aclose()


async def say(guest: Guest, text: str) -> None:
    await guest.room.local_participant.send_text(text, topic="lk.chat")


def words(meeting: Meeting) -> list[tuple[str, str | None, str | None]]:
    return [(one.role, one.participant, one.text) for one in meeting.state.conversation.recent]


async def no_observer_in(admin: LiveKitAdmin, room: str) -> bool:
    return not any(one.is_hidden for one in await admin.list_participants(room))


def test_our_agent_is_seen_from_a_machine_without_its_journal(server: LiveKitAccess, tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            join(server, "maya", room="ours"),
            take_part(server, tmp_path, room="ours", session_id="s1") as agent,
            watch(server, tmp_path) as watching,
        ):
            agent.journal.write("session.started", {"agent": "meetctl"})
            agent.journal.write("transcript", {"role": "user", "text": "Hello", "final": True, "turn": 1})
            meeting = await watching.meeting("ours", lambda one: one.state.conversation.by_people)
            assert (meeting.channel, meeting.key, meeting.session_id) == ("agent", "s1", "s1")
            assert (meeting.is_stale, meeting.bundle) == (False, None)
            assert meeting.room_view is not None
            assert meeting.room_view.people == 1
            agent.journal.write("session.ended", {"reason": "over"})
            meeting = await watching.meeting("ours", lambda one: one.is_over)
            assert meeting.state.about.reason == "over"

    asyncio.run(run())


def test_an_agent_that_is_not_ours_is_shown_with_its_conversation_and_estimated_cost(
    server: LiveKitAccess, plain: PlainAgent, tmp_path: Path
) -> None:
    book = bootstrap.price_book(())
    now = bootstrap.system_clock().now()

    def cost(unit: str, tokens: int) -> Decimal:
        price = book.price("openai/gpt-4.1", unit, now)
        assert price is not None
        return price.usd * tokens / price.per

    each = (
        cost("input_tokens", INPUT_TOKENS - CACHED_TOKENS)
        + cost("cached_input_tokens", CACHED_TOKENS)
        + cost("output_tokens", OUTPUT_TOKENS)
    )

    async def run() -> None:
        async with join(server, "maya", room="theirs") as maya, admin_of(server) as admin:
            await dispatch_agent(server, "theirs", PLAIN, {})
            async with watch(server, tmp_path) as watching:
                meeting = await watching.meeting(
                    "theirs", lambda one: one.state.conversation.agent_state == "listening"
                )
                assert (meeting.channel, meeting.session_id) == ("session", None)
                await say(maya, "What is it?")
                # The first answer takes a tool call and another request.
                meeting = await watching.meeting(
                    "theirs", lambda one: one.state.turns.ended and one.state.requests.input_tokens >= 2400
                )
                assert words(meeting) == [("user", "maya", "What is it?"), ("assistant", None, ANSWER)]
                assert meeting.state.health.tools
                usage = meeting.state.usage
                assert {(line.provider, line.model, line.basis) for line in usage.lines} == {
                    ("openai", "gpt-4.1", "estimated")
                }
                assert (usage.usd, usage.unpriced) == (2 * each, ())
                assert {one.identity for one in meeting.state.people.present} >= {"maya"}
            # Whoever comes late is told what was before, and counts it once.
            async with watch(server, tmp_path) as watching:
                meeting = await watching.meeting("theirs", lambda one: one.state.conversation.by_agent)
                assert words(meeting) == [("user", "maya", "What is it?"), ("assistant", None, ANSWER)]
                meeting = await watching.meeting("theirs", lambda one: one.state.usage.uses)
                assert meeting.state.usage.usd == 2 * each
                await say(maya, "And that?")
                meeting = await watching.meeting("theirs", lambda one: one.state.conversation.by_agent == 2)
                meeting = await watching.meeting("theirs", lambda one: one.state.usage.usd == 3 * each)
                assert [one[2] for one in words(meeting)] == ["What is it?", ANSWER, "And that?", ANSWER]
            assert await no_observer_in(admin, "theirs")
        assert plain.seen() == {"maya"}

    asyncio.run(run())


def test_the_observer_keeps_no_room_open_that_only_the_agent_is_in(
    server: LiveKitAccess, plain: PlainAgent, tmp_path: Path
) -> None:
    async def run() -> None:
        async with admin_of(server) as admin, watch(server, tmp_path) as watching:
            await admin.create_room("brief", empty_timeout_s=2, departure_timeout_s=2)
            async with join(server, "maya", room="brief"):
                await dispatch_agent(server, "brief", PLAIN, {})
                await watching.meeting("brief", lambda one: one.channel == "session" and one.state.events)
            meeting = await watching.meeting("brief", lambda one: one.is_over)
            assert not meeting.is_stale
            assert await admin.find_room("brief") is None
        assert plain.seen() <= {"maya"}

    asyncio.run(run())


def test_an_agent_without_a_session_to_ask_is_watched_by_what_it_shows(
    server: LiveKitAccess, tmp_path: Path
) -> None:
    async def run() -> None:
        async with (
            join(server, "maya", room="mute"),
            join(server, "bot", room="mute", kind="agent", agent=True, can_update_own_metadata=True) as bot,
            watch(server, tmp_path) as watching,
        ):
            show = bot.room.local_participant
            await show.set_attributes({"lk.agent.state": "thinking"})
            meeting = await watching.meeting(
                "mute", lambda one: one.state.conversation.agent_state == "thinking"
            )
            assert not meeting.is_stale
            await show.set_attributes({"lk.agent.state": "speaking"})
            final = {"lk.transcription_final": "true"}
            for sender, text in (("maya", "Hello?"), ("bot", "Hello.")):
                writer = await show.stream_text(
                    topic="lk.transcription", attributes=final, sender_identity=sender
                )
                await writer.write(text)
                await writer.aclose()
            meeting = await watching.meeting("mute", lambda one: one.state.conversation.by_agent)
            assert words(meeting) == [("user", "maya", "Hello?"), ("assistant", None, "Hello.")]
            meeting = await watching.meeting(
                "mute", lambda one: one.state.conversation.agent_state == "speaking"
            )
            assert (meeting.state.usage.uses, meeting.state.turns.ended) == (0, 1)

    asyncio.run(run())


def test_a_server_that_goes_and_comes_back_is_asked_again(tmp_path: Path) -> None:
    async def run() -> None:
        with run_livekit_server(tmp_path / "livekit") as access:
            views = live_feed(tmp_path / "none", access).watch()
            async with admin_of(access) as admin:
                await admin.create_room("standup", empty_timeout_s=600)
            await until_view(views, lambda view: any(one.room == "standup" for one in view.meetings))
        view = await until_view(views, lambda view: any(one.error for one in view.sources))
        (standup,) = view.meetings
        assert standup.is_stale
        assert standup.problem is not None
        assert "cannot be reached" in standup.problem
        with run_livekit_server_again(tmp_path / "livekit", access):
            # It has forgotten its rooms.
            view = await until_view(views, lambda view: not any(one.error for one in view.sources))
            assert view.meetings == ()
            await views.aclose()

    asyncio.run(run())


async def until_view(
    views: AsyncGenerator[DashboardView, None], holds: Callable[[DashboardView], object]
) -> DashboardView:
    async with asyncio.timeout(HANG_S):
        async for view in views:
            if holds(view):
                return view
    pytest.fail("the feed ended")
