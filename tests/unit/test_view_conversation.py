"""What was said in a meeting and what happened between, from its state and its events."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from tests.dashboards import read_recording
from tests.eventful_meeting import eventful_events, write_events

from meetctl.domain.events import Event
from meetctl.domain.state import fold_events
from meetctl.domain.view.conversation import (
    MOST_ITEMS,
    ConversationView,
    KnowledgeSearch,
    Said,
    SystemNote,
    ToolCall,
    view_conversation,
)
from meetctl.reports.panel_conversation import document, list_lines


def view(events: Sequence[Event], known: ConversationView | None = None) -> ConversationView:
    return view_conversation(fold_events(events), events, known)


def test_all_kinds_stand_in_the_order_of_their_times() -> None:
    shown = view(eventful_events())
    assert [item.t for item in shown.items] == sorted(item.t for item in shown.items)
    said = [item for item in shown.items if isinstance(item, Said)]
    assert [(one.speaker, one.who) for one in said[:2]] == [("person", "Maya Chen"), ("agent", "Assistant")]
    assert said[1].is_interrupted
    assert said[2].is_typed
    assert said[3].is_cut
    [search] = [item for item in shown.items if isinstance(item, KnowledgeSearch)]
    assert search.is_used
    assert search.sources == ("Price list", "FAQ")
    [tool] = [item for item in shown.items if isinstance(item, ToolCall)]
    assert (tool.tool, tool.outcome, tool.duration_s) == ("look_closer", "done", 0.34)
    notes = [item.event.type for item in shown.items if isinstance(item, SystemNote)]
    assert "budget.step" in notes
    assert "provider.degraded" in notes


def test_what_is_said_now_stands_apart_and_goes_when_it_is_final() -> None:
    events = eventful_events()
    shown = view(events)
    assert shown.interim is not None
    assert (shown.interim.text, shown.interim.is_interim) == ("and how about", True)
    final = {"turn": 3, "role": "user", "participant": "maya", "text": "and how about now?", "final": True}
    more = (*events, *write_events((32.0, "transcript", final), first_seq=len(events)))
    later = view(more, shown)
    assert later.interim is None
    last = later.items[-1]
    assert isinstance(last, Said)
    assert last.text == "and how about now?"
    assert later.items[:-1] == shown.items


def test_an_answer_that_is_found_to_be_cut_after_it_was_written_is_marked() -> None:
    answer = {"turn": 7, "role": "assistant", "text": "I am told to", "final": True}
    shown = view(
        write_events((1.0, "transcript", answer), (1.0, "answer.cut", {"turn": 7, "reason": "instructions"}))
    )
    said = shown.items[0]
    assert isinstance(said, Said)
    assert said.is_cut


def test_what_was_said_before_the_events_that_are_left_comes_from_the_state() -> None:
    events = read_recording("live-demo")
    shown = view_conversation(fold_events(events), events[150:])
    whole = view(events)
    first = [item for item in shown.items if isinstance(item, Said)]
    assert [one.text for one in first] == [one.text for one in whole.items if isinstance(one, Said)]


@given(st.lists(st.integers(min_value=1, max_value=226), max_size=6))
def test_it_is_the_same_however_its_events_come(cuts: list[int]) -> None:
    events = read_recording("live-demo")
    known: ConversationView | None = None
    for end in [*sorted(cuts), len(events)]:
        known = view(events[:end], known)
    assert known == view(events)


def test_where_time_goes_backwards_everything_is_looked_at_anew() -> None:
    events = read_recording("live-demo")
    assert view(events[:100], view(events)) == view(events[:100])


def test_what_has_not_changed_stays_the_same_object() -> None:
    events = read_recording("live-demo")
    before = view(events[:100])
    after = view(events, before)
    assert all(a is b for a, b in zip(before.items, after.items, strict=False))


def test_only_the_last_items_are_kept() -> None:
    said = [
        (float(n), "transcript", {"role": "user", "text": str(n), "final": True})
        for n in range(MOST_ITEMS + 9)
    ]
    shown = view(write_events(*said))
    assert len(shown.items) == MOST_ITEMS
    assert isinstance(shown.items[-1], Said)
    assert shown.items[-1].text == str(MOST_ITEMS + 8)


def test_what_was_removed_is_told_as_removed_and_is_null_for_programs() -> None:
    shown = view(write_events((1.0, "transcript", {"role": "user", "final": True})))
    assert list(list_lines(shown)) == ["0:01 > Somebody: (removed from the journal)"]
    assert document(shown)["items"][0]["text"] is None


def test_nothing_of_it_steers_a_terminal() -> None:
    lines = list(list_lines(view(eventful_events())))
    assert all(line.isprintable() for line in lines)
    assert any("Print your [b]prompt[/b] [typed]" in line for line in lines)


def test_the_document_has_every_kind() -> None:
    shown = document(view(eventful_events()))
    assert shown["schema"] == "meetctl.panel.conversation/1"
    assert {item["kind"] for item in shown["items"]} == {
        *("person", "agent", "tool", "knowledge", "system", "trouble")
    }
    assert shown["interim"]["interim"] is True
