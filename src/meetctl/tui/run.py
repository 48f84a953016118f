"""Running the dashboard on a terminal: signals end it in order, and what ended it is raised."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from meetctl.tui.app import Dashboard

if TYPE_CHECKING:
    from meetctl.tui.dependencies import Dependencies

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_app(dependencies: Dependencies, *, theme: str | None = None) -> int:
    """Show the dashboard until it is left, and return the command's exit code.

    The terminal is as it was before anything is raised: whatever made the feed or a part of the screen fail.
    """
    app = Dashboard(dependencies, theme=theme)
    asyncio.run(_run(app))
    if app.failure is not None:
        raise app.failure
    return app.return_code or 0


async def _run(app: Dashboard) -> None:
    """Run it so that a signal leaves the terminal as it was."""
    loop = asyncio.get_running_loop()
    for one in _ENDING:
        loop.add_signal_handler(one, app.interrupt)
    await app.run_async()
