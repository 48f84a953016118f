"""Ending the parts of a meeting, whatever one of them does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)

PART_LIMIT_S = 15.0
"""How long one part may take to end before the others have their turn."""


async def end_part(
    name: str, ending: Callable[[], Awaitable[object]], *, limit_s: float = PART_LIMIT_S
) -> bool:
    """End a part, and tell whether it ended well; what it fails with, or that it hangs, is logged."""
    try:
        async with asyncio.timeout(limit_s):
            await ending()
    except Exception:
        # Whatever it is, the parts after it are ended too, and the journal gets its end.
        logger.exception("ending %s failed", name)
        return False
    return True
