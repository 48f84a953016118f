"""Run, watch, replay and price meetings in which an AI agent takes part."""

__version__ = "0.1.0"
