"""What was spent: the ledger of all sessions, and the book that budgets are held against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from meetctl.domain.ledger import (
        Completeness,
        Dimension,
        FoldReport,
        ImageRequest,
        Interrupted,
        KeptFrames,
        RequestTokens,
        Selection,
        SentImages,
        Spending,
    )
    from meetctl.domain.spending import SessionSpending
    from meetctl.ports.progress import Progress


class SpendingBook(Protocol):
    """What the sessions of this machine have spent, by day and tenant; shared by all their processes.

    Each session writes its own entries and nobody else's. An entry is there whole or not at all, and stays
    when its session's process is killed.
    """

    def write(self, spending: SessionSpending) -> None:
        """Put a session's entry of a day in the place of the one before.

        Raises:
            OutputError: It cannot be written.
        """

    def remove(self, day: date, tenant_id: str | None, session_id: str) -> None:
        """Take out an entry, if there is one: the session turned out to be another tenant's.

        Raises:
            OutputError: It cannot be removed.
        """

    def of_tenant(self, day: date, tenant_id: str | None) -> Sequence[SessionSpending]:
        """Return the entries of a tenant's day; of sessions without a tenant where it is None."""

    def of_day(self, day: date) -> Sequence[SessionSpending]:
        """Return the entries of a day, of all tenants."""

    def forget_before(self, day: date) -> None:
        """Take out all entries of earlier days."""


class Ledger(Protocol):
    """What all journals of this machine say that was used, derived from them.

    Every call may raise ServiceError where others use it for too long, and MeetctlError where it is damaged.
    """

    def fold(self, progress: Progress) -> FoldReport:
        """Take in what journals have and it has not; each event counts once, by its session and number."""

    def sum_spending(self, selection: Selection, by: Sequence[Dimension] = ()) -> list[Spending]:
        """Return exact sums of usage, by the dimensions and by provider, model, unit and basis."""

    def count_completeness(self, selection: Selection) -> Completeness:
        """Return what may be missing in the sums of a selection."""

    def sum_tokens(self, selection: Selection, by: Sequence[Dimension] = ()) -> list[RequestTokens]:
        """Return the tokens of billed requests, by the dimensions and by day, provider, model and basis."""

    def count_images(self, selection: Selection, by: Sequence[Dimension] = ()) -> list[SentImages]:
        """Return how many images of each size billed requests sent."""

    def list_image_requests(
        self, selection: Selection, by: Sequence[Dimension] = ()
    ) -> Iterator[ImageRequest]:
        """Yield billed requests, session by session, each session's in its own order."""

    def count_kept(self, selection: Selection, by: Sequence[Dimension] = ()) -> list[KeptFrames]:
        """Return how many frames of each size were kept under which policy."""

    def sum_interrupted(self, selection: Selection) -> list[Interrupted]:
        """Return what requests cost that were cut off, by provider."""

    def query(self, sql: str, *, write: bool = False) -> Iterator[tuple[object, ...]]:
        """Yield the columns' names of a query of the user's, then its rows; it reads nothing but the ledger.

        Without `write` it changes nothing either. The ledger is open until the last row.

        Raises:
            UsageError: It is wrong; the message says where.
        """
