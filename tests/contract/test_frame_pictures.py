"""What everything that gives frames' pictures promises, held against the fake and recordings."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.dashboards import RECORDINGS, make_meeting, read_recording
from tests.fakes.frame_pictures import FakePictures

from meetctl.adapters.media_av.frame_pictures import RecordedPictures

if TYPE_CHECKING:
    from meetctl.domain.frame_picture import FramePicture
    from meetctl.domain.view.dashboard import Meeting
    from meetctl.ports import FramePictures

NAME = "live-demo"
GONE = "frame-nobody-kept"


@pytest.fixture(params=["fake", "recorded"])
def pictures(request: pytest.FixtureRequest) -> FramePictures:
    return FakePictures(missing=[GONE]) if request.param == "fake" else RecordedPictures()


@pytest.fixture
def meeting() -> Meeting:
    return replace(make_meeting(read_recording(NAME)), bundle=RECORDINGS / NAME)


def read(pictures: FramePictures, meeting: Meeting, *, side: int = 64) -> FramePicture | None:
    return asyncio.run(pictures.read(meeting, meeting.state.frames.recent[-1], side=side))


def test_a_kept_frame_is_as_large_as_was_asked_for(pictures: FramePictures, meeting: Meeting) -> None:
    picture = read(pictures, meeting)

    assert picture is not None
    assert (picture.width, picture.height) == (64, 36)
    assert len(picture.rgb) == 64 * 36 * 3


def test_a_frame_is_never_enlarged(pictures: FramePictures, meeting: Meeting) -> None:
    picture = read(pictures, meeting, side=5000)

    assert picture is not None
    assert (picture.width, picture.height) == (1280, 720)


def test_a_meeting_that_is_not_on_this_machine_has_no_pictures(
    pictures: FramePictures, meeting: Meeting
) -> None:
    assert read(pictures, replace(meeting, bundle=None)) is None


def test_a_frame_that_is_in_no_recording_has_no_picture(pictures: FramePictures, meeting: Meeting) -> None:
    frame = replace(meeting.state.frames.recent[-1], frame=GONE, t_us=10**12)

    assert asyncio.run(pictures.read(meeting, frame, side=64)) is None


def test_different_frames_have_different_pictures(pictures: FramePictures, meeting: Meeting) -> None:
    first, *_, last = meeting.state.frames.recent

    async def both() -> tuple[FramePicture | None, FramePicture | None]:
        return await pictures.read(meeting, first, side=64), await pictures.read(meeting, last, side=64)

    one, other = asyncio.run(both())
    assert one is not None
    assert one != other
