"""One action at a time: it is pending, then acknowledged, then its effect is seen, or it has failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from meetctl.errors import MeetctlError

if TYPE_CHECKING:
    from textual.app import App

    from meetctl.domain.view.dashboard import DashboardView
    from meetctl.ports import Clock

ANSWER_LIMIT_S = 30.0
"""How long an action may take before it counts as failed."""
EFFECT_LIMIT_S = 15.0
"""How long its effect is waited for once it was acknowledged."""
_LOOK_EVERY_S = 0.1

Phase = Literal["pending", "acknowledged", "seen", "unseen", "failed"]
FINAL: tuple[Phase, ...] = ("seen", "unseen", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionOrder:
    """An action that somebody has confirmed."""

    title: str
    """What is done, for people; never what somebody typed to be said or asked."""
    perform: Callable[[], Awaitable[str]]
    """Does it, and returns what was acknowledged; may raise MeetctlError."""
    see: Callable[[DashboardView], str | None] | None = None
    """Returns the effect once a view shows it; None where no view can."""
    unseen_hint: str = "the agent has acknowledged it; what it changes may show later"
    """What a person may do where no view has shown the effect in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionProgress:
    """Where an action stands."""

    title: str
    phase: Phase
    text: str = ""
    hint: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing more comes."""
        return self.phase in FINAL


class ActionRunner:
    """Performs actions beside the screens, one at a time."""

    def __init__(self, app: App[Any], clock: Clock, newest_view: Callable[[], DashboardView | None]) -> None:
        self._app = app
        self._clock = clock
        self._newest_view = newest_view
        self._running: ActionOrder | None = None
        self._watcher: Callable[[ActionProgress], None] | None = None

    def start(self, order: ActionOrder, watcher: Callable[[ActionProgress], None]) -> str | None:
        """Begin an action, of which `watcher` is told; return why not, where another one still goes on."""
        if self._running is not None:
            return f"another action still goes on: {self._running.title}"
        self._running, self._watcher = order, watcher
        self._tell(order, "pending")
        self._app.run_worker(self._run(order), name="action", group="actions", exit_on_error=False)
        return None

    def leave_alone(self, watcher: Callable[[ActionProgress], None]) -> None:
        """Tell the watcher nothing more; how the action ends is told in passing."""
        if self._watcher == watcher:
            self._watcher = None

    async def _run(self, order: ActionOrder) -> None:
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                answer = await order.perform()
        except MeetctlError as error:
            self._finish(order, "failed", error.message, error.hint)
        except TimeoutError:
            self._finish(
                order,
                "failed",
                f"no answer within {ANSWER_LIMIT_S:g} s",
                "it may have been done all the same",
            )
        else:
            await self._wait_for_effect(order, answer)
        finally:
            # Also where the dashboard is left: nothing must seem to go on.
            self._running = None

    async def _wait_for_effect(self, order: ActionOrder, answer: str) -> None:
        if order.see is None:
            self._finish(order, "seen", answer)
            return
        self._tell(order, "acknowledged", answer)
        until_s = self._clock.monotonic() + EFFECT_LIMIT_S
        while (effect := self._look(order)) is None:
            if self._clock.monotonic() >= until_s:
                self._finish(order, "unseen", f"{answer}, but nothing is seen of it yet", order.unseen_hint)
                return
            await asyncio.sleep(_LOOK_EVERY_S)
        self._finish(order, "seen", effect)

    def _look(self, order: ActionOrder) -> str | None:
        view = self._newest_view()
        return None if view is None or order.see is None else order.see(view)

    def _finish(self, order: ActionOrder, phase: Phase, text: str, hint: str | None = None) -> None:
        self._running = None
        self._tell(order, phase, text, hint)

    def _tell(self, order: ActionOrder, phase: Phase, text: str = "", hint: str | None = None) -> None:
        progress = ActionProgress(title=order.title, phase=phase, text=text, hint=hint)
        if self._watcher is not None:
            self._watcher(progress)
        elif progress.is_final:
            self._app.notify(
                progress.text if progress.hint is None else f"{progress.text} ({progress.hint})",
                title=progress.title,
                severity="error" if progress.phase == "failed" else "information",
                markup=False,
            )
