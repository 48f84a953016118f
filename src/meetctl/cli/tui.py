"""`meetctl tui`: the dashboard."""

from __future__ import annotations

import sys

from meetctl.cli.options import KeptSessions


def tui(sessions: KeptSessions = None) -> None:
    """Show live meetings: what is said and seen, how fast answers are, what it costs.

    Example: meetctl tui
    """
    from meetctl.bootstrap.dashboard import live_feed, run_dashboard
    from meetctl.core.places import sessions_directory

    sys.exit(run_dashboard(live_feed((sessions or sessions_directory()).absolute())))
