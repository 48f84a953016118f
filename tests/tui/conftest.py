"""Snapshots of the dashboard are kept as SVG."""

from __future__ import annotations

import pytest
from pytest_textual_snapshot import SVGImageExtension


@pytest.fixture(autouse=True)
def svg_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep snapshots as .svg, which a browser shows."""
    monkeypatch.setattr(SVGImageExtension, "file_extension", "svg")
