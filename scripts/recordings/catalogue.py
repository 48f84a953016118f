"""The meetings that are drawn, by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from recordings import code_walkthrough, quarterly_review
from recordings.quarterly_review import SlideScreen
from recordings.workspace import WorkspaceScreen

if TYPE_CHECKING:
    from recordings.meeting import Meeting, Screen


def catalogue() -> dict[str, tuple[Meeting, Screen]]:
    """Return every meeting with its screen, in the order in which they are drawn."""
    return {
        "quarterly-review": (quarterly_review.MEETING, SlideScreen()),
        "code-walkthrough": (code_walkthrough.MEETING, WorkspaceScreen()),
    }


def shortened(meeting: Meeting, seconds: int) -> Meeting:
    """Return the meeting's first `seconds`, with the changes and whole turns that fall into them."""
    return replace(
        meeting,
        duration_s=min(seconds, meeting.duration_s),
        changes=tuple(change for change in meeting.changes if change.t_s < seconds),
        turns=tuple(turn for turn in meeting.turns if turn.answer.end_s <= seconds),
    )
