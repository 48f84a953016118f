"""Joins many rooms with one person each, who all share the same screen: the cheap side of other benchmarks.

    LIVEKIT_URL=… LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=… .venv/bin/python benchmarks/audience.py ROOM…

The screen is drawn and encoded once, and its packets are sent again and again, so that a further person costs
little more than its packets. Prints a line once everybody shares, and goes on until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from livekit import rtc

from load_participant import make_token
from meetctl.errors import MeetctlError
from meetctl.stack.participant.connection import connect
from meetctl.stack.participant.pictures import SlidePictures
from meetctl.stack.supervisor import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from live_meetings import LiveStack

WIDTH, HEIGHT, FPS = 1280, 720, 5
"""What LiveKit's clients offer as h720fps5 for a screen with text."""
FILM_S = 20
SLIDE_S = 5
KEY_FRAME_S = 2
BITRATE = 1_000_000
READY = "everybody shares a screen"
PERSON = "audience"
START_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One encoded picture of the film."""

    data: bytes
    is_key: bool


def audience_part(stack: LiveStack, name: str, rooms: Sequence[str]) -> Part:
    """Return a process that holds a person in each of these rooms; it is ready once everybody shares."""
    log = stack.directory / f"{name}.log"

    async def probe(_pid: int) -> str | None:
        return name if READY in log.read_text(encoding="utf-8") else None

    return Part(
        name=name,
        command=(sys.executable, str(Path(__file__)), *rooms),
        environment=stack.livekit_environment,
        log=log,
        ready=probe,
        start_limit_s=START_LIMIT_S,
    )


def encode_film() -> list[Packet]:
    """Draw slides under a moving pointer, and encode them as VP8; the film may be repeated from its end."""
    encoder = av.VideoCodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.bit_rate, encoder.gop_size = BITRATE, KEY_FRAME_S * FPS
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "1"}
    slides = SlidePictures(WIDTH, HEIGHT)
    packets = []
    for place in range(FILM_S * FPS):
        if place and place % (SLIDE_S * FPS) == 0:
            slides.show_next()
        planes = np.frombuffer(slides.picture(place / FPS).data, np.uint8).reshape(HEIGHT * 3 // 2, WIDTH)
        frame = av.VideoFrame.from_ndarray(planes.copy(), format="yuv420p")
        frame.pts = place
        packets += [Packet(data=bytes(one), is_key=one.is_keyframe) for one in encoder.encode(frame)]
    return packets


async def share(film: Sequence[Packet], room_name: str, delay_s: float) -> asyncio.Task[None]:
    """Join a room, publish the screen, and send the film from then on, its first packet after `delay_s`."""
    room = rtc.Room()
    token = make_token(room_name, PERSON)
    await connect(room, os.environ["LIVEKIT_URL"], token, PERSON)
    source = rtc.EncodedVideoSource(WIDTH, HEIGHT)
    await room.local_participant.publish_track(
        rtc.LocalVideoTrack.create_video_track("screen", source),
        rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_SCREENSHARE,
            video_codec=rtc.VideoCodec.VP8,
            video_encoder=rtc.VideoEncoderBackend.ENCODER_BACKEND_PRE_ENCODED,
            simulcast=False,
        ),
    )
    return asyncio.create_task(send(film, room, source, delay_s))


async def send(
    film: Sequence[Packet], room: rtc.Room, source: rtc.EncodedVideoSource, delay_s: float
) -> None:
    """Send the film over and over; who has just come, or has lost something, is given a key frame next."""
    begin_s = time.monotonic() + delay_s
    place = sent = 0
    while room.isconnected():
        await asyncio.sleep(max(0.0, begin_s + sent / FPS - time.monotonic()))
        if source.take_feedback().keyframe_requested:
            place = next_key(film, place)
        packet = film[place]
        source.capture_frame(
            rtc.EncodedVideoFrame(
                data=packet.data,
                width=WIDTH,
                height=HEIGHT,
                codec=rtc.VideoCodec.VP8,
                frame_type=(
                    rtc.EncodedFrameType.ENCODED_FRAME_KEY
                    if packet.is_key
                    else rtc.EncodedFrameType.ENCODED_FRAME_DELTA
                ),
                timestamp_us=round(time.monotonic() * 1_000_000),
            )
        )
        place, sent = (place + 1) % len(film), sent + 1


def next_key(film: Sequence[Packet], place: int) -> int:
    """Return where the next key frame is, from `place` on."""
    places = range(place, place + len(film))
    return next(one % len(film) for one in places if film[one % len(film)].is_key)


async def attend(rooms: Sequence[str]) -> None:
    """Share in one room after the other, and then in all of them until this process is ended."""
    film = await asyncio.to_thread(encode_film)
    sending = []
    for number, room in enumerate(rooms):
        # People's clocks are not in step: without this all rooms would send at the same moment.
        sending.append(await share(film, room, number / len(rooms) / FPS))
    print(READY, flush=True)
    await asyncio.gather(*sending)
    # The rooms are gone, and whoever started this process ends it.
    await asyncio.Event().wait()


def main() -> int:
    """Share until ended; return the exit status."""
    parser = argparse.ArgumentParser(description="Share a screen in many rooms, as load.")
    parser.add_argument("rooms", nargs="+", metavar="ROOM")
    try:
        asyncio.run(attend(parser.parse_args().rooms))
    except MeetctlError as error:
        print(f"audience: {error.message}", file=sys.stderr)
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
