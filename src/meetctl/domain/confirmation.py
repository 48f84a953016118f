"""Whether a person really wants the agent to leave: decided by the person's own words alone.

What a model was talked into, by a slide or by a document, counts for nothing here. The words are English;
in another language nobody can ask, and the agent leaves when everybody has left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from meetctl.domain.spoken_words import spoken_words

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

LeaveDecision = Literal[
    "confirmed", "ask", "others are here", "unknown speaker", "nobody asked", "no later turn", "not confirmed"
]
"""What follows from asking to leave: do it, ask the person first, or why not."""

TURNS_TO_CONFIRM = 2
"""How many turns after the question an answer still counts."""

_LEAVING = frozenset(
    {"leave", "end", "finish", "exit", "quit", "disconnect", "hang", "close", "goodbye", "bye"}
)
_ASKING = _LEAVING | {"leaving", "ending"}
_AGREEING = frozenset(
    {
        "yes",
        "yeah",
        "yep",
        "yup",
        "sure",
        "ok",
        "okay",
        "correct",
        "right",
        "confirm",
        "confirmed",
        "absolutely",
    }
)
_FILLING = frozenset(
    """
    a ahead all and are call can do for go here i id is it just like may me meeting my now our out please room
    session so thank thanks that thats the then this to today up us very want we well with would you
    """.split()  # noqa: SIM905  a list of words reads best as text
)
_REFUSING = frozenset(
    {"no", "nope", "not", "dont", "never", "wont", "cant", "cannot", "without", "stay", "wait"}
)


def asks_to_leave(said: str) -> bool:
    """Tell whether a person's words speak of leaving, and of nothing that forbids it.

    >>> asks_to_leave("Could you end the meeting?"), asks_to_leave("Don't leave yet.")
    (True, False)
    """
    words = set(spoken_words(said))
    return bool(words & _ASKING) and not words & _REFUSING


def confirms_leaving(said: str) -> bool:
    """Tell whether a person's words speak of leaving and say nothing else; a question never does.

    A mere "yes" may be the answer to another question, and any word beyond leaving, agreement and their
    trimmings could turn the answer around.

    >>> confirms_leaving("Yes, leave the meeting now."), confirms_leaving("Yes, goodbye.")
    (True, True)
    >>> (
    ...     confirms_leaving("Yes, please."),
    ...     confirms_leaving("Yes, leave the next slide."),
    ...     confirms_leaving("No."),
    ... )
    (False, False, False)
    """
    words = set(spoken_words(said))
    return bool(words & _LEAVING) and "?" not in said and words <= _AGREEING | _LEAVING | _FILLING


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    turn: int
    person: str


class LeaveConfirmation:
    """Lets the agent leave a person who is alone with it, asked for it, and confirmed it in a later turn."""

    def __init__(self) -> None:
        self._asked: _Asked | None = None

    def decide(
        self, *, turn: int | None, said: str, speakers: AbstractSet[str], people: AbstractSet[str]
    ) -> LeaveDecision:
        """Judge one wish to leave.

        `turn` and `said` are the last turn in which people spoke and their words in it, `speakers` who
        spoke them, and `people` who is in the meeting, the agents left out.
        """
        if len(people) > 1:
            return "others are here"
        if turn is None or len(speakers) != 1 or speakers != people:
            return "unknown speaker"
        (person,) = speakers
        asked = self._asked if self._asked is not None and self._asked.person == person else None
        if asked is not None and asked.turn == turn:
            return "no later turn"
        is_in_time = asked is not None and asked.turn < turn <= asked.turn + TURNS_TO_CONFIRM
        if is_in_time and confirms_leaving(said):
            self._asked = None
            return "confirmed"
        if asks_to_leave(said):
            self._asked = _Asked(turn=turn, person=person)
            return "ask"
        return "not confirmed" if is_in_time else "nobody asked"
