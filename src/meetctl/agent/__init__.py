"""The agent: its worker, and what it does in one meeting."""
