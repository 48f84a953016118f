"""`meetctl record` in a room in which the agent works: both record, and neither disturbs the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.live_meeting import SHARE_FPS, ask, assert_verified, listen_to, run_stack
from tests.recorded_room import start_recorder

from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live_meeting import LiveMeeting
    from tests.recorded_room import Recorder

pytestmark = pytest.mark.live

LOUD = 500


def test_agent_and_recorder_in_one_room(tmp_path: Path) -> None:
    async def run() -> tuple[LiveMeeting, Recorder]:
        meeting = stack.meeting("shared")
        async with ScriptedPerson("maya", "Maya") as maya:
            await meeting.admit(maya)
            await meeting.invite_agent()
            await maya.share_screen(SlidePictures(320, 240), SHARE_FPS)
            with start_recorder(tmp_path / "recorder", stack.livekit, "shared") as recorder:
                await recorder.wait_for("frame.kept", count=2)
                await recorder.wait_for("recording.told", by="message", participant="maya")
                await ask(maya, "Please stop talking.")
                await maya.leave()
                await meeting.end()
                assert await recorder.exit_status() == 0, recorder.said()
                return meeting, recorder

    with run_stack(tmp_path / "stack", "--grace-s", "1", "--record", "sampled") as stack:
        meeting, recorder = asyncio.run(run())
        assert {one["identity"] for one in meeting.session["participants"]} >= {"maya"}
        assert not [one for one in meeting.session["participants"] if "recorder" in one["identity"]]
        # What the recorder writes to people is not taken for something that they have typed.
        assert not meeting.events("transcript", typed=True)
        assert_verified(meeting.bundle)
    (agent,) = recorder.events("participant.joined", kind="agent")
    (voice,) = recorder.events("track.started", kind="audio", participant=agent["participant"])
    assert recorder.events("recording.told", participant=agent["participant"]) == []
    sound = listen_to(recorder.bundle / "meeting.mkv")
    assert sound.loudest(voice["t"], 1000) > LOUD
    assert assert_verified(recorder.bundle).requests == 0
