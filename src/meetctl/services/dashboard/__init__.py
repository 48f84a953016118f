"""Use cases of the dashboard: gathering meetings from all sources, and going through a recorded one."""
