"""What the agent saw, kept and sent: the last kept frames as pictures, with what became of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.message import Message
from textual.widgets import Static

from meetctl.domain.view.vision import Vision, view_vision
from meetctl.reports.panel_vision import tell_vision
from meetctl.tui.widgets.half_blocks import has_colours
from meetctl.tui.widgets.panel import Panel
from meetctl.tui.widgets.picture_loader import PictureLoader
from meetctl.tui.widgets.vision_drawing import VisionDrawing

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.worker import Worker

    from meetctl.domain.view.dashboard import DashboardView, Meeting
    from meetctl.tui.dependencies import Dependencies
    from meetctl.tui.widgets.picture_loader import Wanted

_FOLLOW_EVERY_US = 2_000_000
"""Following the newest frame, so much media time passes between pictures: each costs some decoding."""


class FrameOpened(Message):
    """Somebody wants to see a frame large."""

    def __init__(self, meeting: Meeting, vision: Vision, place: int) -> None:
        super().__init__()
        self.meeting = meeting
        self.vision = vision
        self.place = place


class VisionPanel(Panel):
    """The last kept frames; arrows choose one, Enter shows it large. Without a choice it is the newest."""

    NUMBER: ClassVar[int] = 3
    SUBJECT: ClassVar[str] = "Vision"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("left", "choose(-1)", "Frame before"),
        ("right", "choose(1)", "Next frame"),
        ("enter", "open", "Large"),
    ]

    def __init__(self, dependencies: Dependencies) -> None:
        super().__init__(dependencies)
        self._meeting: Meeting | None = None
        self._vision: Vision | None = None
        self._chosen: str | None = None
        self._followed: str | None = None
        self._pictures = PictureLoader(dependencies.pictures)
        self._loading: Worker[None] | None = None
        self._asked: frozenset[Wanted] = frozenset()

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        yield Static(markup=False)

    def on_resize(self) -> None:
        """Draw everything in the size that there is now."""
        self._draw()

    def show_meeting(self, meeting: Meeting, view: DashboardView) -> None:  # noqa: ARG002 - ages are of media time
        """Show the meeting as it is now."""
        known = self._meeting
        self._meeting = meeting
        if known is not None and _is_alike(known, meeting):
            return
        self._vision = view_vision(meeting.state)
        self._follow(self._vision)
        self._draw()

    def plain_text(self) -> str:
        """Return what is known of all frames, for copying."""
        return "" if self._vision is None else tell_vision(self._vision)

    def action_choose(self, step: int) -> None:
        """Go to an earlier or a later frame; beyond the last one, follow the newest again."""
        vision = self._vision
        if vision is None or not vision.frames:
            return
        place = self._place(vision) + step
        if place >= len(vision.frames):
            self._chosen = None
            self._followed = vision.frames[-1].frame.frame
        else:
            self._chosen = vision.frames[max(0, place)].frame.frame
        self._draw()

    def action_open(self) -> None:
        """Show the chosen frame as large as the screen is."""
        if self._meeting is not None and self._vision is not None and self._vision.frames:
            self.post_message(FrameOpened(self._meeting, self._vision, self._place(self._vision)))

    def choose(self, name: str | None) -> None:
        """Choose the frame that was looked at last."""
        if name is not None:
            self._chosen = name
            self._draw()

    def _follow(self, vision: Vision) -> None:
        if not vision.frames:
            self._followed = None
            return
        newest = vision.frames[-1].frame
        place = vision.find(self._followed)
        known = None if place is None else vision.frames[place].frame
        if known is None or abs(newest.t_us - known.t_us) >= _FOLLOW_EVERY_US:
            self._followed = newest.frame

    def _place(self, vision: Vision) -> int:
        place = vision.find(self._followed if self._chosen is None else self._chosen)
        if place is not None:
            return place
        # The chosen one is forgotten: the oldest is the one nearest to it.
        return 0 if self._chosen is not None else len(vision.frames) - 1

    def _drawing(self) -> VisionDrawing | None:
        if self._vision is None or self._meeting is None or not self.size.width or not self.size.height:
            return None
        size = self.scrollable_content_region.size
        return VisionDrawing(
            vision=self._vision,
            place=self._place(self._vision),
            width=size.width,
            height=size.height,
            has_colours=has_colours(self.app.console.color_system),
            is_following=self._chosen is None,
        )

    def _draw(self) -> None:
        drawing, meeting = self._drawing(), self._meeting
        if drawing is None or meeting is None:
            return
        self._show(drawing, meeting)
        missing = self._pictures.missing(meeting, drawing.wanted())
        is_loading = self._loading is not None and not self._loading.is_finished
        # What is being read goes on, as long as it is still wanted; otherwise nothing slow would ever come.
        if missing and not (is_loading and self._asked.issuperset(missing)):
            self._asked = frozenset(missing)
            self._loading = self._load(meeting, missing)

    @work(exclusive=True, group="pictures")
    async def _load(self, meeting: Meeting, missing: list[Wanted]) -> None:
        """Read what is wanted now; whatever was wanted before is no longer read."""
        async for _ in self._pictures.load(meeting, missing):
            drawing = self._drawing()
            if drawing is not None:
                self._show(drawing, meeting)

    def _show(self, drawing: VisionDrawing, meeting: Meeting) -> None:
        self.query_one(Static).update(drawing.draw(lambda wanted: self._pictures.find(meeting, wanted)))


def _is_alike(known: Meeting, newer: Meeting) -> bool:
    """Tell whether nothing has changed that is shown; ages are shown in seconds."""
    old, new = known.state, newer.state
    return (
        known.bundle == newer.bundle
        and int(old.t) == int(new.t)
        and (old.frames, old.looking, old.recording, old.steering.muted)
        == (new.frames, new.looking, new.recording, new.steering.muted)
        and old.requests is new.requests
    )
