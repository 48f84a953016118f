"""What a recorder is given from outside; named only by bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.agent.adapters import BundleAdapters
    from meetctl.ports import RoomAdmin, TokenSigner


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderAdapters:
    """The recorder's ports, and what its bundles are written with."""

    bundle: BundleAdapters
    admin: RoomAdmin
    signer: TokenSigner
