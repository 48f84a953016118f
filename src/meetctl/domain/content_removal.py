"""Taking out of a journal what people said and who they are; all counts and costs stay as they were.

No line goes and none changes its number, so a journal without content still proves that nothing is missing.
What stays is named here, field by field; whatever else has words in it goes, so that no new type of event can
let them through. Numbers are no words, and stay.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from meetctl.domain.events import Event, format_event, parse_event

REMOVED = "removed"
"""The field of an event that names what was taken out of it."""

_USAGE = frozenset({"provider", "model", "usd", "usd_by_unit", "basis", "outcome", "request"})

_STAYING: Mapping[str, frozenset[str]] = {
    "session.started": frozenset(
        {"agent", "version", "job", "policy", "record", "providers", "recording", "audio"}
    ),
    "session.ended": frozenset({"reason", "cost", "usd", "recorded", "loop"}),
    "policy.changed": frozenset({"policy"}),
    "recording.changed": frozenset({"mode"}),
    "recording.stopped": frozenset({"reason"}),
    "recording.told": frozenset({"by"}),
    "connection.lost": frozenset({"reason"}),
    "connection.restored": frozenset({"reason"}),
    "tenant.resolved": frozenset({"tier", "source"}),
    "log": frozenset({"level"}),
    "error": frozenset({"component", "error"}),
    "participant.joined": frozenset({"kind"}),
    "participant.left": frozenset(),
    "track.started": frozenset({"track", "source", "kind"}),
    "track.ended": frozenset({"track", "kind"}),
    "video.frames": frozenset({"track", "t_us"}),
    "frame.kept": frozenset({"frame", "track"}),
    "frame.looked": frozenset({"frame", "track", "detail"}),
    "agent.state": frozenset({"old", "new"}),
    "user.state": frozenset({"old", "new"}),
    "turn.started": frozenset(),
    "turn.ended": frozenset({"outcome", "latency"}),
    "transcript": frozenset({"role"}),
    "answer.cut": frozenset({"reason"}),
    "llm.request": _USAGE | {"images", "looked", "detail", "image_basis", "service_tier", "image_usd"},
    "llm.probe": _USAGE,
    "stt.usage": _USAGE,
    "tts.usage": _USAGE,
    "provider.degraded": frozenset({"use", "provider", "model", "instead"}),
    "provider.recovered": frozenset({"use", "provider", "model", "instead"}),
    "backend.call": frozenset({"procedure", "outcome"}),
    "backend.degraded": frozenset({"reason", "missing"}),
    "backend.recovered": frozenset({"missing"}),
    "knowledge.searched": frozenset({"asked_by", "outcome", "reason"}),
    "tool.called": frozenset({"tool", "outcome"}),
    "tool.refused": frozenset({"tool", "reason"}),
    "control.performed": frozenset({"op", "args", "jti", "outcome"}),
    "control.refused": frozenset({"reason"}),
    "budget.step": frozenset({"budget", "step", "from", "spent_usd", "limit_usd", "restraint", "policy"}),
}
"""Of each type the fields that hold no words of anybody."""

_DOCUMENT_STAYING = frozenset(
    {
        *("schema", "session_id", "tenant_id", "room", "recording", "started_at", "ended_at", "config"),
        *("price_book", "versions", "reason", "cost", "usd", "recorded", "loop", "pruned", "content_removed"),
    }
)
"""What of session.json stays, beside numbers."""

_OPERATOR = "operator"
"""Whose words came by a control message; nobody's name."""


class ContentRemover:
    """Takes what was said out of one session's events, and gives people other names.

    The same person is the same "person-3" in all of them; an agent keeps its identity.

    >>> line = '{"seq":4,"t":2,"type":"transcript","participant":"maya","role":"user","text":"Hello"}'
    >>> ContentRemover().remove(parse_event(line)).fields
    {'participant': 'person-1', 'role': 'user', 'characters': 5, 'removed': ['text']}
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._nobodies: set[str] = set()
        """Identities of agents and operators, which name nobody."""

    def remove(self, event: Event) -> Event:
        """Return the event without content; one that had been taken out before is as it was."""
        fields = dict(self._stay(event))
        said = event.fields.get("text")
        if event.type == "transcript" and isinstance(said, str):
            fields["characters"] = len(said)
        before = event.fields.get(REMOVED)
        gone = {str(name) for name in before} if isinstance(before, list) else set()
        gone |= event.fields.keys() - fields.keys() - {REMOVED}
        if gone:
            fields[REMOVED] = sorted(gone)
        return replace(event, fields=fields)

    def remove_lines(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a journal's lines without content; lines that are no events, or torn, are left out."""
        for line in lines:
            if line.endswith(b"\n"):
                try:
                    event = parse_event(line)
                except ValueError:
                    continue
                text = json.dumps(format_event(self.remove(event)), separators=(",", ":"), ensure_ascii=False)
                yield text.encode("utf-8", "backslashreplace") + b"\n"

    def remove_document(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return session.json without what people are called; call it after the journal's lines."""
        kept = {
            name: value
            for name, value in document.items()
            if name in _DOCUMENT_STAYING or isinstance(value, int | float) or value is None
        }
        people = document.get("participants")
        if isinstance(people, list):
            kept["participants"] = [
                {
                    "identity": self._rename(person.get("identity"), person.get("kind")),
                    "kind": person.get("kind"),
                }
                for person in people
                if isinstance(person, Mapping)
            ]
        return kept

    def _stay(self, event: Event) -> Iterator[tuple[str, Any]]:
        staying = _STAYING.get(event.type, frozenset())
        for name, value in event.fields.items():
            if name == "participant":
                yield name, self._rename(value, event.fields.get("kind"))
            elif name in staying or value is None or isinstance(value, int | float):
                yield name, value

    def _rename(self, identity: object, kind: object) -> str | None:
        if not isinstance(identity, str):
            return None
        if kind == "agent" or identity == _OPERATOR:
            self._nobodies.add(identity)
        if identity in self._nobodies:
            return identity
        if identity not in self._names:
            self._names[identity] = f"person-{len(self._names) + 1}"
        return self._names[identity]
