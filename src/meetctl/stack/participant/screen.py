"""A shared screen: pictures published at a steady rate."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from livekit import rtc

from meetctl.errors import MeetctlError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from meetctl.ports import Clock
    from meetctl.stack.participant.pictures import PictureSource, ScreenPicture

_MAX_BITRATE = 2_500_000
"""Bits a second: about what LiveKit's clients allow for a screen share of 720p and above."""

_UNPUBLISH_LIMIT_S = 5.0


class ScreenShare:
    """One screen that a person shares; `ScriptedPerson.share_screen` makes it.

    When its pictures come to an end, the last one stays until `stop`, as on a screen that stands still.
    """

    def __init__(
        self,
        room: rtc.Room,
        pictures: PictureSource,
        fps: float,
        clock: Clock,
        on_failure: Callable[[str], None],
    ) -> None:
        self._room = room
        self._pictures = pictures
        self._fps = fps
        self._clock = clock
        self._on_failure = on_failure
        self._stopping = asyncio.Event()
        self._source: rtc.VideoSource | None = None
        self._publication: rtc.LocalTrackPublication | None = None
        self._pump: asyncio.Task[None] | None = None
        self._frames = 0

    @property
    def track_id(self) -> str:
        """LiveKit's id of the track, such as "TR_VSc3N8"; empty before it is published."""
        return self._publication.sid if self._publication else ""

    @property
    def frames(self) -> int:
        """Frames handed to the encoder so far."""
        return self._frames

    async def start(self) -> None:
        """Publish the track at the size of the first picture.

        Raises:
            MeetctlError: There is nothing to show.
            ServiceError: The LiveKit server refuses the track.
        """
        first = await asyncio.to_thread(self._pictures.picture, 0.0)
        if first is None:
            raise MeetctlError("there is nothing to share: the source has no picture")
        self._source = rtc.VideoSource(first.width, first.height, is_screencast=True)
        track = rtc.LocalVideoTrack.create_video_track("screen", self._source)
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_SCREENSHARE,
            video_codec=rtc.VideoCodec.VP8,
            simulcast=False,
            video_encoding=rtc.VideoEncoding(max_bitrate=_MAX_BITRATE, max_framerate=max(1.0, self._fps)),
        )
        try:
            self._publication = await self._room.local_participant.publish_track(track, options)
        except rtc.participant.PublishTrackError as error:
            await self._source.aclose()
            raise ServiceError(f"the LiveKit server refused a screen share: {error.message}") from error
        self._pump = asyncio.create_task(self._run(self._source))

    async def stop(self) -> None:
        """Take the screen away; a second call does nothing."""
        self._stopping.set()
        pump, self._pump = self._pump, None
        if pump is None:
            return
        await pump
        if self._publication is not None and self._room.isconnected():
            with suppress(rtc.participant.UnpublishTrackError, TimeoutError):
                # The connection may end at any moment: then there is nothing left to take away, and
                # the call that was to do it may never return.
                await asyncio.wait_for(
                    self._room.local_participant.unpublish_track(self._publication.sid), _UNPUBLISH_LIMIT_S
                )
        if self._source is not None:
            await self._source.aclose()

    async def _run(self, source: rtc.VideoSource) -> None:
        begin_s = self._clock.monotonic()
        place = 0
        try:
            while not self._stopping.is_set():
                now_s = self._clock.monotonic()
                # Drawing and decoding take longer than an event loop may be kept waiting.
                picture = await asyncio.to_thread(self._pictures.picture, now_s - begin_s)
                if picture is None:
                    return
                self._capture(source, picture, now_s)
                # A late picture is left out, not sent after the others in a hurry.
                place = max(place + 1, int((self._clock.monotonic() - begin_s) * self._fps))
                delay_s = begin_s + place / self._fps - self._clock.monotonic()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), max(0.0, delay_s))
        except MeetctlError as error:
            self._on_failure(f"a screen share ended: {error.message}")
        finally:
            await asyncio.to_thread(self._pictures.close)

    def _capture(self, source: rtc.VideoSource, picture: ScreenPicture, now_s: float) -> None:
        frame = rtc.VideoFrame(picture.width, picture.height, rtc.VideoBufferType.I420, picture.data)
        source.capture_frame(frame, timestamp_us=round(now_s * 1_000_000))
        self._frames += 1
