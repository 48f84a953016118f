"""Drawn meetings: what is on the screen, who speaks, and how that becomes a bundle."""
