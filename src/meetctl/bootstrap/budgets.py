"""What budgets are held with: the book of what was spent, and what is checked before meetings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meetctl.core.config import AgentSettings
    from meetctl.domain.vision_tokens import ImageRule
    from meetctl.ports import SpendingBook


def spending_book() -> SpendingBook:
    """Return what the sessions of this machine have spent."""
    from meetctl.adapters.spending_files import FileSpendingBook
    from meetctl.core.places import spending_directory

    return FileSpendingBook(spending_directory())


def check_step_details(settings: AgentSettings, rule: ImageRule) -> None:
    """Check that a model knows the details of the budget's steps; the usual ones leave an unknown one out.

    Raises:
        UsageError: It does not.
    """
    from meetctl.domain.budget import DEFAULT_STEPS
    from meetctl.domain.vision_tokens import resolve_detail
    from meetctl.errors import UsageError

    if settings.budgets.steps == DEFAULT_STEPS:
        return
    for step in settings.budgets.steps:
        try:
            resolve_detail(rule, step.restraint.detail or rule.auto)
        except UsageError as error:
            raise UsageError(f"MEETCTL_BUDGET_STEPS: {error.message}", hint=error.hint) from None
