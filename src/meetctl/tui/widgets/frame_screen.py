"""One kept frame, as large as the terminal is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.align import Align
from rich.console import Group
from rich.text import Text
from textual import work
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from meetctl.domain.frame_picture import FramePicture
from meetctl.reports.panel_vision import tell_frame
from meetctl.reports.plain_text import show_plain
from meetctl.tui.widgets.half_blocks import HalfBlocks, fit_picture, has_colours
from meetctl.tui.widgets.picture_loader import PictureLoader

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from meetctl.domain.view.dashboard import Meeting
    from meetctl.domain.view.vision import Vision
    from meetctl.tui.dependencies import Dependencies
    from meetctl.tui.widgets.picture_loader import Wanted

_FACTS_ROWS = 4
_UNKNOWN_SIZE = (16, 9)


class FrameScreen(ModalScreen[str]):
    """A frame of those that were known when it was opened; it is left with the name of the last one shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,enter", "leave", "Back"),
        ("left", "choose(-1)", "Frame before"),
        ("right", "choose(1)", "Next frame"),
    ]
    DEFAULT_CSS = """
    FrameScreen { background: $background; }
    FrameScreen > Static { height: 1fr; overflow: hidden; }
    """

    def __init__(self, dependencies: Dependencies, meeting: Meeting, vision: Vision, place: int) -> None:
        super().__init__()
        self._meeting = meeting
        self._vision = vision
        self._place = place
        self._pictures = PictureLoader(dependencies.pictures)

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Static(markup=False)
        yield Footer()

    def on_resize(self) -> None:
        """Draw it in the size that there is now."""
        self._load()

    def action_choose(self, step: int) -> None:
        """Go to an earlier or a later frame."""
        self._place = min(max(0, self._place + step), len(self._vision.frames) - 1)
        self._load()

    def action_leave(self) -> None:
        """Go back to the panel."""
        self.dismiss(self._vision.frames[self._place].frame.frame)

    def _cells(self) -> tuple[int, int]:
        size = self.query_one(Static).size
        return size.width, max(1, size.height - _FACTS_ROWS)

    def _wanted(self) -> Wanted:
        frame = self._vision.frames[self._place].frame
        size = (frame.width, frame.height) if frame.width and frame.height else _UNKNOWN_SIZE
        return frame, max(fit_picture(*size, *self._cells()))

    @work(exclusive=True, group="pictures", exit_on_error=True)
    async def _load(self) -> None:
        self._draw()
        async for _ in self._pictures.load(
            self._meeting, self._pictures.missing(self._meeting, [self._wanted()])
        ):
            self._draw()

    def _draw(self) -> None:
        columns, rows = self._cells()
        found = self._pictures.find(self._meeting, self._wanted())
        picture: RenderableType
        if isinstance(found, FramePicture):
            picture = HalfBlocks(found, columns, has_colours(self.app.console.color_system))
        else:
            text = "reading the recording …" if found is None else show_plain(found)
            picture = Align.center(Text(text, style="dim"), vertical="middle", width=columns, height=rows)
        facts = tell_frame(self._vision, self._place)[:_FACTS_ROWS]
        lines = [Text(line, no_wrap=True, overflow="ellipsis") for line in facts]
        self.query_one(Static).update(Group(*lines, picture))
