"""What the dashboard shows, as pure functions of what is known; every panel and `--json` are made of it."""
