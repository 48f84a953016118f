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


class Presence:
    """Journals who comes and goes, and calls `leave` when nobody has been there for a while."""

    def __init__(
        self,
        journal: MeetingJournal,
        *,
        patience_s: float,
        grace_s: float,
        leave: Callable[[str], None],
    ) -> None:
        self._journal = journal
        self._patience_s = patience_s
        self._grace_s = grace_s
        self._leave = leave
        self._people: set[str] = set()
        self._everyone: dict[str, dict[str, str]] = {}
        self._leaving: asyncio.TimerHandle | None = None

    @property
    def everyone(self) -> list[dict[str, str]]:
        """All who were there at any time."""
        return list(self._everyone.values())

    def begin(self) -> None:
        """Wait for the first person from now on."""
        if not self._people:
            self._leave_after(self._patience_s, "nobody came")

    def join(self, participant: rtc.Participant) -> None:
        """Somebody is there."""
        kind = _KINDS.get(participant.kind, "other")
        who = {"identity": participant.identity, "name": participant.name, "kind": kind}
        self._everyone[participant.identity] = who
        self._journal.write(
            "participant.joined",
            {"participant": participant.identity, "name": participant.name, "kind": kind},
        )
        if kind in _PEOPLE:
            self._people.add(participant.identity)
            self._stay()

    def depart(self, participant: rtc.Participant) -> None:
        """Somebody has gone."""
        self._journal.write("participant.left", {"participant": participant.identity})
        if participant.identity in self._people:
            self._people.discard(participant.identity)
            if not self._people:
                self._leave_after(self._grace_s, "everyone left")

    def close(self) -> None:
        """Stop waiting."""
        self._stay()

    def _leave_after(self, delay_s: float, reason: str) -> None:
        self._stay()
        self._leaving = asyncio.get_running_loop().call_later(delay_s, self._leave, reason)

    def _stay(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
