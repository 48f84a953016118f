"""Joins a room and shares a drawn screen for a while: the load that other benchmarks put on an agent.

    LIVEKIT_URL=… LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=… \\
        .venv/bin/python benchmarks/load_participant.py ROOM [--seconds 60] [--speak-every 15]

Prints one line of JSON when it ends: what was sent, and what sending it cost this process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
import time
from datetime import timedelta

from meetctl.errors import MeetctlError
from meetctl.stack.participant.person import ScriptedPerson
from meetctl.stack.participant.pictures import SlidePictures

SENTENCE = "How many pictures did you get?"
SLIDE_S = 5.0


def main() -> int:
    """Share until the time is up; return the exit status."""
    options = parse_options()
    try:
        result = asyncio.run(share(options))
    except MeetctlError as error:
        print(f"load_participant: {error.message}", file=sys.stderr)
        return int(error.exit_code)
    print(json.dumps(result))
    return 0


def parse_options() -> argparse.Namespace:
    """Read the command line; the server and its key come from LiveKit's own variables."""
    parser = argparse.ArgumentParser(description="Share a drawn screen in a room, as load.")
    parser.add_argument("room")
    parser.add_argument("--identity", default=f"load-{os.getpid()}")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--speak-every", type=float, default=0.0, metavar="SECONDS", help="0: never")
    options = parser.parse_args()
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        if not os.environ.get(name):
            parser.error(f"{name} is not set; `eval $(meetctl status --env)` sets it for the local stack")
    return options


async def share(options: argparse.Namespace) -> dict[str, object]:
    """Join, share a screen whose slides turn, speak now and then, leave, and say what it took."""
    slides = SlidePictures(options.width, options.height)
    async with ScriptedPerson(options.identity, "Load") as person:
        await person.join(os.environ["LIVEKIT_URL"], make_token(options.room, options.identity))
        screen = await person.share_screen(slides, options.fps)
        cpu_before_s, begin_s = cpu_s(), time.monotonic()
        end_s = begin_s + options.seconds
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(turn_slides(slides, end_s))
            if options.speak_every > 0:
                tasks.create_task(speak(person, options.speak_every, end_s))
        seconds = time.monotonic() - begin_s
        used_s = cpu_s() - cpu_before_s
        frames = screen.frames
    return {
        "identity": options.identity,
        "seconds": round(seconds, 2),
        "frames": frames,
        "fps": round(frames / seconds, 2),
        "cpu_s": round(used_s, 2),
        "cores": round(used_s / seconds, 3),
        "problems": list(person.report().problems),
    }


async def turn_slides(slides: SlidePictures, end_s: float) -> None:
    """Show another slide every SLIDE_S until the end."""
    while (left_s := end_s - time.monotonic()) > 0:
        await asyncio.sleep(min(SLIDE_S, left_s))
        slides.show_next()


async def speak(person: ScriptedPerson, every_s: float, end_s: float) -> None:
    """Ask the same question again and again; whether it is answered is the agent's business."""
    while end_s - time.monotonic() > every_s:
        await asyncio.sleep(every_s)
        await person.speak(SENTENCE)


def make_token(room: str, identity: str) -> str:
    """Return a token for the room, made with the key in the environment."""
    from livekit import api

    token = api.AccessToken(os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"])
    grants = api.VideoGrants(room_join=True, room=room)
    return token.with_identity(identity).with_grants(grants).with_ttl(timedelta(hours=6)).to_jwt()


def cpu_s() -> float:
    """Return the CPU time that this process has used, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
