"""Amounts of bytes for people."""

from __future__ import annotations

_STEP = 1000
_UNITS = ("B", "kB", "MB", "GB", "TB")


def format_bytes(count: int) -> str:
    """Return a size in the largest unit that leaves a number from one on; two digits count below ten.

    >>> [format_bytes(count) for count in (0, 999, 1_500, 74_971, 1_532_083, 12_300_000_000)]
    ['0 B', '999 B', '1.5 kB', '75 kB', '1.5 MB', '12 GB']
    """
    size, unit = float(count), _UNITS[0]
    for unit in _UNITS:
        if round(size) < _STEP or unit == _UNITS[-1]:
            break
        size /= _STEP
    if unit == _UNITS[0] or round(size, 1) >= 10:
        return f"{size:,.0f} {unit}"
    return f"{size:.1f} {unit}"
