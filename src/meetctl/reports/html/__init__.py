"""The audit as one self-contained HTML page: no network, no script, no font of its own."""

from __future__ import annotations

from meetctl.reports.html.page import render_html

__all__ = ["render_html"]
