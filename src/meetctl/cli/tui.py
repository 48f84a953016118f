"""`meetctl tui`: the dashboard."""

from __future__ import annotations

import sys

from meetctl.cli.join import AgentName
from meetctl.cli.options import KeptSessions, Url
from meetctl.errors import UsageError


def tui(sessions: KeptSessions = None, agent_name: AgentName = "meetctl", url: Url = None) -> None:
    """Show live meetings: what is said and seen, how fast answers are, what it costs.

    Example: meetctl tui
    """
    from meetctl.bootstrap.dashboard import live_feed, meeting_actions, run_dashboard
    from meetctl.cli.configuration import find_server
    from meetctl.core.places import sessions_directory

    try:
        actions, no_actions = meeting_actions(find_server(url), agent_name), ""
    except UsageError as error:
        # Journals are shown without a server too; that nothing can be done then is said in the menu.
        actions, no_actions = None, error.message
    feed = live_feed((sessions or sessions_directory()).absolute())
    sys.exit(run_dashboard(feed, actions=actions, no_actions=no_actions))
