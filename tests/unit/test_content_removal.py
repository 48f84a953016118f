"""What people said and who they are goes from a journal, and everything that is counted stays as it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain.content_removal import ContentRemover
from meetctl.domain.events import Event, parse_event, parse_journal
from meetctl.domain.state import fold_events
from meetctl.domain.state.reducer import KNOWN_TYPES

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "zq-secret-zq"

texts = (
    st.just(SECRET) | st.lists(st.just(SECRET), max_size=2) | st.dictionaries(st.just("x"), st.just(SECRET))
)
WORDY = ["text", "name", "message", "sources", "query", "title", "anything", "topic", "email"]


def event(kind: str, /, **fields: Any) -> Event:
    return Event(seq=0, ts="", t=0.0, type=kind, session_id="s", tenant_id="acme", room="r", fields=fields)


@given(
    st.sampled_from([*sorted(KNOWN_TYPES), "llm.probe", "next.year"]),
    st.dictionaries(st.sampled_from(WORDY), texts, min_size=1),
)
def test_no_words_get_through_in_any_type(kind: str, fields: dict[str, Any]) -> None:
    removed = ContentRemover().remove(event(kind, **fields, participant=SECRET, turn=3, kind="standard"))
    assert SECRET not in json.dumps(dict(removed.fields))
    assert removed.fields["turn"] == 3
    assert removed.fields["participant"] == "person-1"
    assert set(removed.fields["removed"]) >= set(fields)


def test_people_are_told_apart_and_agents_and_operators_are_nobody() -> None:
    remover = ContentRemover()
    identities = ["maya@acme.test", "agent-1", "raj@acme.test", "maya@acme.test", "operator"]
    kinds = ["standard", "agent", "sip", None, None]
    renamed = [
        remover.remove(event("participant.joined", participant=identity, kind=kind)).fields["participant"]
        for identity, kind in zip(identities, kinds, strict=True)
    ]
    assert renamed == ["person-1", "agent-1", "person-2", "person-1", "operator"]
    later = remover.remove(event("participant.left", participant="agent-1"))
    assert later.fields["participant"] == "agent-1"


def test_a_real_journal_keeps_all_that_is_counted(recordings: Path) -> None:
    for journal in sorted(recordings.glob("*/events.jsonl")):
        lines = journal.read_bytes().splitlines(keepends=True)
        before = fold_events(parse_journal(journal.read_bytes()))
        removed = list(ContentRemover().remove_lines(lines))
        after = fold_events(parse_event(line) for line in removed)
        assert len(removed) == len(lines)
        assert (after.usage, after.frames, after.requests) == (before.usage, before.frames, before.requests)
        assert after.turns.latency == before.turns.latency
        assert after.turns.outcomes == before.turns.outcomes
        assert after.conversation.by_people == before.conversation.by_people
        assert (after.lost, after.unknown, after.t, after.about) == (0, 0, before.t, before.about)
        assert all(utterance.text is None for utterance in after.conversation.recent)


def test_taking_out_twice_changes_nothing(recordings: Path) -> None:
    lines = (recordings / "live-demo" / "events.jsonl").read_bytes().splitlines(keepends=True)
    once = list(ContentRemover().remove_lines(lines))
    assert list(ContentRemover().remove_lines(once)) == once


def test_lines_that_are_no_events_or_torn_are_left_out() -> None:
    lines = [b"what did they say\n", b'{"seq":0,"t":0,"type":"log","message":"x"}\n', b'{"seq":1,"t":0,"ty']
    (line,) = ContentRemover().remove_lines(lines)
    assert parse_event(line).fields == {"removed": ["message"]}


def test_a_sessions_document_loses_its_names(recordings: Path) -> None:
    document = json.loads((recordings / "live-demo" / "session.json").read_bytes())
    kept = ContentRemover().remove_document({**document, "notes": SECRET})
    assert kept["cost"] == document["cost"]
    assert kept["participants"][1] == {"identity": "person-1", "kind": "standard"}
    assert "Maya" not in json.dumps(kept)
    assert SECRET not in json.dumps(kept)
