"""A conversation as lines, and as a document for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meetctl.domain.events import format_event
from meetctl.domain.view.conversation import KnowledgeSearch, Said, ToolCall
from meetctl.domain.view.media_time import format_time
from meetctl.reports.event_words import tell
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meetctl.domain.view.conversation import ConversationView, Item, SystemNote

SCHEMA = "meetctl.panel.conversation/1"

SIGNS = {"person": ">", "agent": "*", "tool": "+", "knowledge": "?", "system": "-", "trouble": "!"}
"""What stands before each kind of line, so that it is told apart without colours."""
_REMOVED = "(removed from the journal)"


def document(view: ConversationView) -> dict[str, Any]:
    """Return a conversation as an object for JSON."""
    return {
        "schema": SCHEMA,
        "agent_state": view.agent_state,
        "items": [_describe(item) for item in view.items],
        "interim": None if view.interim is None else _describe(view.interim),
    }


def list_lines(view: ConversationView) -> Iterator[str]:
    """Return a conversation as lines, each item on one, however long."""
    items: list[Item] = [*view.items, *([] if view.interim is None else [view.interim])]
    for item in items:
        yield f"{format_time(item.t)} {sign_of(item)} {words_of(item)}"


def kind_of(item: Item) -> str:
    """Return what an item is: one of the keys of `SIGNS`."""
    match item:
        case Said():
            return item.speaker
        case ToolCall():
            return "tool"
        case KnowledgeSearch():
            return "knowledge"
    return "system" if item.level in ("debug", "info") else "trouble"


def sign_of(item: Item) -> str:
    """Return the sign that stands before an item."""
    return SIGNS[kind_of(item)]


def words_of(item: Item) -> str:
    """Return what an item says, on one line; nothing in it steers a terminal."""
    match item:
        case Said():
            notes = notes_of(item)
            return f"{show_plain(item.who)}: {spoken_words(item)}{f' [{notes}]' if notes else ''}"
        case ToolCall():
            return show_plain(f"tool {item.tool}: {item.outcome}{_after(item.duration_s)}")
        case KnowledgeSearch():
            return show_plain(_tell_search(item))
    return show_plain(_tell_note(item))


def spoken_words(said: Said) -> str:
    """Return what was said, on one line."""
    return _REMOVED if said.text is None else show_plain(said.text)


def notes_of(said: Said) -> str:
    """Return what is to be known of how something was said; empty for nothing.

    >>> from meetctl.domain.view.conversation import Said
    >>> said = Said(t=0, speaker="person", who="Maya", participant="maya", text="Hi", turn=1, is_typed=True)
    >>> notes_of(said)
    'typed'
    """
    marks = (
        ("typed", said.is_typed),
        ("still speaking", said.is_interim),
        ("interrupted", said.is_interrupted),
        ("cut: it recited its instructions", said.is_cut),
    )
    return ", ".join(words for words, holds in marks if holds)


def _tell_search(search: KnowledgeSearch) -> str:
    titles = ", ".join(f'"{title}"' for title in search.sources)
    found = f"{len(search.sources)} source{'' if len(search.sources) == 1 else 's'}"
    use = "used" if search.is_used else "not used"
    told = f"{found} {use}: {titles}" if titles else f"{search.outcome}, nothing used"
    return f"knowledge: {told}{_after(search.duration_s)}"


def _tell_note(note: SystemNote) -> str:
    event = note.event
    words = tell(format_event(event))
    match event.type:
        case "participant.joined" | "participant.left" | "answer.cut" | "recording.stopped":
            return words
        case "track.ended" if note.track is not None:
            words = f"{note.track.participant}: {note.track.source.replace('_', ' ')}"
    return f"{event.type.replace('.', ' ')}: {words}" if words else event.type.replace(".", " ")


def _after(seconds: float | None) -> str:
    return "" if seconds is None else f" after {seconds:.2f} s"


def _describe(item: Item) -> dict[str, Any]:
    about: dict[str, Any] = {"t": item.t, "kind": kind_of(item), "turn": item.turn}
    match item:
        case Said():
            return about | {
                "participant": item.participant,
                "name": item.who,
                "text": item.text,
                "typed": item.is_typed,
                "interim": item.is_interim,
                "interrupted": item.is_interrupted,
                "cut": item.is_cut,
            }
        case ToolCall():
            return about | {"tool": item.tool, "outcome": item.outcome, "duration_s": item.duration_s}
        case KnowledgeSearch():
            return about | {
                "outcome": item.outcome,
                "duration_s": item.duration_s,
                "used": item.is_used,
                "sources": list(item.sources),
            }
    return about | {"type": item.event.type, "level": item.level, "text": tell(format_event(item.event))}
