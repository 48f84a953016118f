"""Who is in a meeting, and what stands above its panels."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from tests.dashboards import make_meeting, make_view, read_recording
from tests.eventful_meeting import BEGAN, eventful_events, write_events

from meetctl.domain.room_view import RoomView
from meetctl.domain.rooms import Participant, Room, Track
from meetctl.domain.view.dashboard import Meeting
from meetctl.domain.view.meeting_header import view_header
from meetctl.domain.view.participants import view_participants
from meetctl.reports import panel_header, panel_participants

USAGE = {"provider": "openai", "model": "gpt-4.1", "input_tokens": 10, "output_tokens": 2, "outcome": "done"}


def add_room(meeting: Meeting) -> Meeting:
    microphone = Track(sid="TR_9", kind="audio", source="microphone", is_muted=True)
    people = (
        Participant(identity="maya", kind="standard", state="active", tracks=(microphone,)),
        Participant(identity="phone", name="+49", kind="sip", state="active", tracks=(microphone,)),
    )
    room = Room(name="demo", sid="RM_1", created_at=BEGAN)
    return replace(meeting, room_view=RoomView(room=room, participants=people, agents=()))


def test_people_agents_and_recorders_are_told_apart() -> None:
    shown = view_participants(make_meeting(eventful_events()))
    assert [(row.identity, row.kind) for row in shown.rows] == [
        ("agent-AJ_1", "agent"),
        ("maya", "person"),
        ("EG_1", "recorder"),
        ("m2", "person"),
    ]
    assert shown.present == 3
    assert shown.rows[-1].left_t == 30.0


def test_a_track_has_its_size_and_how_much_of_it_came_and_was_kept() -> None:
    shown = view_participants(make_meeting(eventful_events()))
    [track] = shown.rows[1].tracks
    assert (track.source, track.width, track.height, track.seen, track.kept) == (
        *("screen_share", 1280, 720, 25, 1),
    )
    assert track.seen_fps == 25.0
    assert track.kept_fps == 1 / 30.5
    assert panel_participants.tell_track(track) == (
        "screen share, 1280x720, seen 25 fps (25), kept 0.033 fps (1)"
    )


def test_what_only_livekit_knows_is_shown_too() -> None:
    shown = view_participants(add_room(make_meeting(eventful_events())))
    phone = next(row for row in shown.rows if row.identity == "phone")
    assert (phone.kind, phone.joined_t, phone.tracks[0].is_muted) == ("person", None, True)
    assert "microphone, MUTED" in "\n".join(panel_participants.list_lines(shown))


def test_what_is_muted_of_the_agent_is_told() -> None:
    events = eventful_events()
    mute = {"op": "mute", "args": {"what": "ears"}, "outcome": "done"}
    meeting = make_meeting((*events, *write_events((33.0, "control.performed", mute), first_seq=len(events))))
    assert panel_participants.tell_row(view_participants(meeting).rows[0]) == (
        "* Assistant (agent-AJ_1), agent, since 0:00, MUTED: ears"
    )
    assert "MUTED ears" in panel_header.tell_parts(view_header(meeting, make_view(meeting)))[2]


def test_names_cannot_steer_a_terminal() -> None:
    lines = list(panel_participants.list_lines(view_participants(make_meeting(eventful_events()))))
    assert all(line.isprintable() for line in lines)


def test_the_participants_document_has_everybody() -> None:
    shown = panel_participants.document(view_participants(make_meeting(eventful_events())))
    assert shown["schema"] == "meetctl.panel.participants/1"
    assert len(shown["participants"]) == 4
    assert shown["participants"][1]["tracks"][0]["kept_fps"] == 0.033


def test_a_header_says_whose_meeting_it_is_and_what_is_wrong() -> None:
    meeting = make_meeting(eventful_events())
    view = make_view(meeting)
    header = view_header(replace(meeting, is_stale=True, problem="the journal is gone"), view)
    assert panel_header.tell_parts(header) == [
        *(
            "demo",
            "northwind",
            "no agent state",
            "1 fps high window 5 gpt-4.1",
            "REC full",
            "10 min",
            "$0.00",
        ),
    ]
    assert panel_header.tell_trouble(header) == [
        "STALE: its events may have stopped coming",
        "the journal is gone",
        "openai/gpt-4.1 fails, openai/gpt-4.1-mini instead",
    ]
    assert header.age_s == (view.at - BEGAN) / timedelta(seconds=1)


def test_a_recorded_meeting_has_ended_and_cost_nothing_offline() -> None:
    meeting = make_meeting(read_recording("live-demo"))
    header = view_header(meeting, make_view(meeting))
    assert (header.has_ended, header.is_offline, header.usd, header.age_s) == (True, True, Decimal(0), 76.234)
    assert panel_header.tell_cost(header) == "$0.00 offline"


def test_what_has_no_price_is_never_free() -> None:
    events = write_events((1.0, "llm.request", {**USAGE, "basis": "reported", "usd": None}))
    meeting = make_meeting(events)
    header = view_header(meeting, make_view(meeting))
    assert panel_header.tell_cost(header) == "n/a"
    assert panel_header.document(header)["usd"] is None


def test_an_estimated_cost_is_told_as_such() -> None:
    priced = {
        **USAGE,
        "basis": "estimated",
        "usd": "0.5",
        "usd_by_unit": {"input_tokens": "0.4", "output_tokens": "0.1"},
    }
    unpriced = {**USAGE, "basis": "estimated", "usd": None, "model": "other"}
    meeting = make_meeting(write_events((1.0, "llm.request", priced), (2.0, "llm.request", unpriced)))
    header = view_header(meeting, make_view(meeting))
    assert panel_header.tell_cost(header) == "$0.50 (without what has no price, partly estimated)"


def test_times_that_are_none_give_no_age() -> None:
    meeting = make_meeting(())
    header = view_header(meeting, make_view(meeting))
    assert header.age_s is None
    assert "age n/a" in panel_header.tell_parts(header)
