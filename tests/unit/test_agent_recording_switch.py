"""The recording's switch: what is written while it is on, nothing while it is off, one recorder in all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.meeting_recorder import InMemoryMeetingRecorder

from meetctl.agent.recording_switch import RecordingSwitch
from meetctl.core.config import Recording, parse_recording
from meetctl.domain.live_media import LiveFrame, VideoTrack
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from meetctl.ports import MeetingRecorder

TRACK = VideoTrack(id="TR_a", participant="maya", source="screen_share")
OFF, FULL, SLOW = (parse_recording(text) for text in ("off", "full", "0.5"))


class Desk:
    """A switch, and the recorders that it opened."""

    def __init__(self, recording: Recording) -> None:
        self.opened: list[InMemoryMeetingRecorder] = []
        self.reasons: list[str] = []
        self.switch = RecordingSwitch(recording, open_recorder=self._open, on_stopped=self.reasons.append)

    def _open(self, on_stopped: Callable[[str], None]) -> MeetingRecorder:
        self.opened.append(InMemoryMeetingRecorder(on_stopped=on_stopped))
        return self.opened[-1]

    def write(self, t_us: int) -> bool:
        self.switch.write_audio("maya", t_us, 48_000, b"\0\0")
        return self.switch.write_video(TRACK, LiveFrame(t_us=t_us, width=2, height=2, data=bytes(6)))


def test_what_was_never_on_opens_no_recorder_and_ends_with_nothing() -> None:
    desk = Desk(OFF)
    assert not desk.write(0)
    desk.switch.end_video(TRACK.id)
    assert (desk.opened, desk.switch.has_recorded) == ([], False)
    end = desk.switch.finish()
    assert (end.frames, end.dropped, end.segments, end.stopped) == (0, 0, 0, None)


def test_one_recorder_takes_what_comes_while_it_is_on() -> None:
    desk = Desk(OFF)
    assert desk.switch.change(FULL)
    assert desk.write(1000)
    assert desk.switch.change(OFF)
    assert not desk.write(2000)
    assert desk.switch.change(SLOW)
    assert desk.write(3000)
    (recorder,) = desk.opened
    assert [list(segment.times_us) for segment in recorder.segments] == [[1000, 3000]]
    assert [t_us for t_us, *_ in recorder.voices["maya"]] == [1000, 3000]
    assert desk.switch.finish().frames == 2
    assert recorder.is_finished


def test_a_segment_can_be_ended_in_a_pause() -> None:
    desk = Desk(FULL)
    desk.write(1000)
    desk.switch.change(OFF)
    desk.switch.end_video(TRACK.id)
    desk.switch.change(FULL)
    desk.write(2000)
    assert [list(segment.times_us) for segment in desk.opened[0].segments] == [[1000], [2000]]


def test_listeners_are_told_of_changes_alone() -> None:
    desk = Desk(FULL)
    told: list[str] = []
    desk.switch.listen(lambda recording: told.append(recording.text))
    assert not desk.switch.change(parse_recording("full"))
    for recording in (SLOW, OFF, FULL):
        desk.switch.change(recording)
    assert told == ["1/2", "off", "full"]
    assert desk.switch.recording == FULL


def test_a_recording_that_has_stopped_cannot_go_on_and_says_why() -> None:
    desk = Desk(FULL)
    desk.opened[0].stop("no space is left")
    assert desk.reasons == ["no space is left"]
    desk.switch.change(OFF)
    with pytest.raises(OutputError, match="no space is left"):
        desk.switch.change(FULL)
    assert desk.switch.recording == OFF
    assert len(desk.opened) == 1
