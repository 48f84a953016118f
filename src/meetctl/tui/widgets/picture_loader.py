"""The pictures that a panel wants to show, read one after the other beside everything else."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from meetctl.errors import MeetctlError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from meetctl.domain.frame_picture import FramePicture
    from meetctl.domain.state.looks import KeptFrame
    from meetctl.domain.view.dashboard import Meeting
    from meetctl.ports import FramePictures

_MOST_SHOWN = 64
_RETRY_S = 2.0
"""A frame may be on its way to the recording: it is asked for again after so much media time."""

NOT_HERE = "the recording of this meeting is not on this machine"
NOT_RECORDED = "this meeting is not recorded"
NOT_IN_IT = "this frame is not in the recording"

Wanted = tuple["KeptFrame", int]
"""A frame, and how many pixels its longer side is to have."""


class PictureLoader:
    """Pictures by frame and size, and why there is none."""

    def __init__(self, pictures: FramePictures | None) -> None:
        self._pictures = pictures
        self._found: OrderedDict[Wanted, FramePicture | str] = OrderedDict()
        self._asked_t: dict[Wanted, float] = {}

    def find(self, meeting: Meeting, wanted: Wanted) -> FramePicture | str | None:
        """Return a picture, or why there is none in a few words; None where it has yet to be read."""
        found = self._found.get(wanted)
        if found is not None:
            return found
        if self._pictures is None or meeting.bundle is None:
            return NOT_HERE
        return None

    def missing(self, meeting: Meeting, wanted: Iterable[Wanted]) -> list[Wanted]:
        """Return those that have to be read, or read again."""
        if self._pictures is None or meeting.bundle is None:
            return []
        return [one for one in wanted if self._is_due(meeting, one)]

    async def load(self, meeting: Meeting, wanted: Iterable[Wanted]) -> AsyncIterator[Wanted]:
        """Read pictures, and yield each of `wanted` whose picture has come."""
        for one in wanted:
            frame, side = one
            self._asked_t[one] = meeting.state.t
            try:
                if self._pictures is None:
                    return
                picture = await self._pictures.read(meeting, frame, side=side)
            except MeetctlError as error:
                found: FramePicture | str = self._why_not(meeting, error.message)
            else:
                found = self._why_not(meeting, NOT_IN_IT) if picture is None else picture
            self._found[one] = found
            self._found.move_to_end(one)
            while len(self._found) > _MOST_SHOWN:
                self._asked_t.pop(self._found.popitem(last=False)[0], None)
            yield one

    def _is_due(self, meeting: Meeting, wanted: Wanted) -> bool:
        found = self._found.get(wanted)
        if found is None:
            return True
        is_text = isinstance(found, str)
        later_s = abs(meeting.state.t - self._asked_t.get(wanted, 0.0))
        return is_text and later_s >= _RETRY_S

    @staticmethod
    def _why_not(meeting: Meeting, otherwise: str) -> str:
        return NOT_RECORDED if meeting.state.recording.mode == "off" else otherwise
