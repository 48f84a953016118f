"""Who is in the meeting, and whether anybody still is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from livekit import rtc

if TYPE_CHECKING:
    from collections.abc import Callable

    from meetctl.agent.journal import MeetingJournal

_KINDS = {
    rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD: "standard",
    rtc.ParticipantKind.PARTICIPANT_KIND_INGRESS: "ingress",
    rtc.ParticipantKind.PARTICIPANT_KIND_EGRESS: "egress",
    rtc.ParticipantKind.PARTICIPANT_KIND_SIP: "sip",
    rtc.ParticipantKind.PARTICIPANT_KIND_AGENT: "agent",
}
_PEOPLE = ("standard", "sip")


def is_person(participant: rtc.Participant) -> bool:
    """Tell whether somebody is a person, whether by app or by telephone, and no machine."""
    return _KINDS.get(participant.kind) in _PEOPLE


class Presence:
    """Journals who comes and goes, and calls `leave` when nobody has been there for a while."""

    def __init__(
        self,
        journal: MeetingJournal,
        *,
        patience_s: float,
        grace_s: float,
        leave: Callable[[str], None],
        welcome: Callable[[rtc.Participant], None] | None = None,
    ) -> None:
        """Expect people; `welcome` is told of each who joins after others and has not just been there."""
        self._journal = journal
        self._patience_s = patience_s
        self._grace_s = grace_s
        self._leave = leave
        self._welcome = welcome
        self._present: set[str] = set()
        self._everyone: dict[str, dict[str, str]] = {}
        self._left_s: dict[str, float] = {}
        self._has_begun = False
        self._leaving: asyncio.TimerHandle | None = None

    @property
    def everyone(self) -> list[dict[str, str]]:
        """All who were there at any time, machines too."""
        return list(self._everyone.values())

    @property
    def people(self) -> dict[str, str]:
        """The names of all people who were there at any time, by identity, in order of arrival."""
        return {one["identity"]: one["name"] for one in self._everyone.values() if one["kind"] in _PEOPLE}

    @property
    def present(self) -> frozenset[str]:
        """The identities of the people who are there now."""
        return frozenset(self._present)

    def begin(self) -> None:
        """Wait for the first person from now on; who is there already is not late."""
        self._has_begun = True
        if not self._present:
            self._leave_after(self._patience_s, "nobody came")

    def join(self, participant: rtc.Participant) -> None:
        """Somebody is there."""
        kind = _KINDS.get(participant.kind, "other")
        is_late = self._is_late(participant)
        who = {"identity": participant.identity, "name": participant.name, "kind": kind}
        self._everyone[participant.identity] = who
        self._journal.write(
            "participant.joined",
            {"participant": participant.identity, "name": participant.name, "kind": kind},
        )
        if kind in _PEOPLE:
            self._present.add(participant.identity)
            self._stay()
        if is_late and self._welcome is not None:
            self._welcome(participant)

    def depart(self, participant: rtc.Participant) -> None:
        """Somebody has gone."""
        self._journal.write("participant.left", {"participant": participant.identity})
        if participant.identity in self._present:
            self._present.discard(participant.identity)
            self._left_s[participant.identity] = asyncio.get_running_loop().time()
            if not self._present:
                self._leave_after(self._grace_s, "everyone left")

    def close(self) -> None:
        """Stop waiting."""
        self._stay()

    def _is_late(self, participant: rtc.Participant) -> bool:
        """Tell whether a person joins after another one, and does not just come back."""
        identity = participant.identity
        if not self._has_begun or not is_person(participant) or identity in self._present:
            return False
        left_s = self._left_s.get(identity)
        if left_s is not None and asyncio.get_running_loop().time() - left_s <= self._grace_s:
            return False
        return bool(self.people.keys() - {identity})

    def _leave_after(self, delay_s: float, reason: str) -> None:
        self._stay()
        self._leaving = asyncio.get_running_loop().call_later(delay_s, self._leave, reason)

    def _stay(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
