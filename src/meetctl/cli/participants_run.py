"""What `meetctl participants` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from meetctl import bootstrap
from meetctl.cli.confirmation import confirm
from meetctl.cli.diagnostics import note
from meetctl.cli.output import print_json, print_lines, print_table
from meetctl.cli.room_server import ask_server
from meetctl.errors import UsageError
from meetctl.reports.plain_text import show_plain
from meetctl.reports.rooms import make_participants_table
from meetctl.reports.rooms_document import document_participant, document_track
from meetctl.services.rooms import choose_tracks, find_participant, find_room

if TYPE_CHECKING:
    from meetctl.domain.rooms import Participant, Track, TrackSource
    from meetctl.ports import RoomAdmin

_SOURCES: Mapping[str, tuple[TrackSource, ...]] = {
    "mic": ("microphone",),
    "camera": ("camera",),
    "screen": ("screen_share", "screen_share_audio"),
}


def run_list(room: str, identity: str | None, *, url: str | None, json: bool) -> None:
    """Print who is in a room, or one of them with all that they say of themselves.

    Raises:
        NotFoundError: There is no such room or participant.
        ServiceError: The server cannot be reached, or refuses.
    """
    participants = ask_server(url, lambda rooms: _list(rooms, room))
    if identity is not None:
        participants = (find_participant(participants, room, identity),)
    now = bootstrap.system_clock().now()
    if json:
        print_json(
            {
                "schema": "meetctl.participants/1",
                "at": now.isoformat(),
                "room": room,
                "participants": [document_participant(one) for one in participants],
            }
        )
    elif participants:
        print_table(make_participants_table(participants, now))
        if identity is not None:
            print_lines(_describe(participants[0]))
    else:
        note(f"nobody is in {room}")


def run_remove(room: str, identities: Sequence[str], *, yes: bool, url: str | None, json: bool) -> None:
    """Put participants out of a room, after asking.

    Raises:
        NotFoundError: There is no such room, or one of them is not there; then nobody is put out.
        UsageError: Nobody can be asked.
        MeetctlError: The answer was no.
        ServiceError: The server cannot be reached, or refuses.
    """

    async def remove(rooms: RoomAdmin) -> None:
        for identity in wanted:
            await rooms.remove_participant(room, identity)

    wanted = list(dict.fromkeys(identities))
    participants = ask_server(url, lambda rooms: _list(rooms, room))
    for identity in wanted:
        find_participant(participants, room, identity)
    confirm(f"Put {', '.join(wanted)} out of {room}?", yes=yes)
    ask_server(url, remove)
    if json:
        print_json({"schema": "meetctl.participants.remove/1", "room": room, "removed": wanted})
    else:
        note(f"put out of {room}: {', '.join(wanted)}")


def run_mute(
    room: str,
    identity: str,
    *,
    track: str | None,
    kinds: Sequence[str],
    muted: bool,
    url: str | None,
    json: bool,
) -> None:
    """Mute or unmute what a participant publishes.

    Raises:
        UsageError: It is not said which tracks.
        NotFoundError: There is no such room, participant or track.
        ServiceError: The server cannot be reached, or refuses.
    """
    if (track is None) == (not kinds):
        raise UsageError(
            "it is not clear which tracks are meant",
            hint="--mic, --camera and --screen name all of a kind, --track SID a single one",
        )

    async def mute(rooms: RoomAdmin) -> tuple[Track, ...]:
        participant = find_participant(await _list(rooms, room), room, identity)
        sources = [source for kind in kinds for source in _SOURCES[kind]]
        chosen = choose_tracks(participant, track=track, sources=sources)
        for one in chosen:
            await rooms.mute_track(room, identity, one.sid, muted=muted)
        return chosen

    chosen = ask_server(url, mute)
    if json:
        print_json(
            {
                "schema": "meetctl.participants.mute/1",
                "room": room,
                "identity": identity,
                "tracks": [{**document_track(one), "muted": muted} for one in chosen],
            }
        )
    else:
        names = ", ".join(f"{one.source.replace('_', ' ')} ({one.sid})" for one in chosen)
        note(f"{'muted' if muted else 'unmuted'} of {identity}: {names}")


async def _list(rooms: RoomAdmin, room: str) -> tuple[Participant, ...]:
    await find_room(rooms, room)
    return await rooms.list_participants(room)


def _describe(one: Participant) -> Iterator[str]:
    for key, value in sorted(one.attributes.items()):
        yield f"attribute {show_plain(key)}: {show_plain(value)}"
    if one.metadata:
        yield f"metadata: {show_plain(one.metadata)}"
