"""What a dispatch's metadata orders for one meeting: its tenant, and settings that differ."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from meetctl.core.config import parse_recording
from meetctl.domain.budget import parse_limit
from meetctl.domain.policy import policy_from_fields
from meetctl.domain.vision_tokens import resolve_detail
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from meetctl.core.config import AgentSettings
    from meetctl.domain.policy import Policy
    from meetctl.domain.vision_tokens import ImageRule

LOW = "low"
"""The detail that costs the least."""

_POLICY_KEYS = ("fps", "window", "detail", "side")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingOrder:
    """The settings of one meeting, and whose it is."""

    settings: AgentSettings
    tenant_id: str | None
    orders_detail: bool = False
    """Whether the metadata says how closely the model looks."""
    usual_detail: str = LOW
    """How closely it looks for tenants without advanced vision."""
    budget_usd: Decimal | None = None
    """What the meeting may cost at most, where that is less than what is configured."""
    problems: tuple[str, ...] = ()
    """What of the metadata could not be used; the worker's own settings hold there."""


def read_order(metadata: str, settings: AgentSettings, rules: Sequence[ImageRule]) -> MeetingOrder:
    """Lay a dispatch's metadata, a JSON object, over the worker's settings.

    Its keys are tenant, fps, window, detail, side, record and budget_usd; others are left alone. A wrong
    value never keeps the agent out of a meeting; one is a detail that one of `rules`, those of the models,
    does not know.
    """
    try:
        wanted = json.loads(metadata) if metadata.strip() else {}
    except (ValueError, RecursionError):
        wanted = None
    if not isinstance(wanted, dict):
        problem = "the dispatch's metadata is not a JSON object"
        return MeetingOrder(
            settings=settings,
            tenant_id=None,
            usual_detail=_usual_detail(settings, rules),
            problems=(problem,),
        )
    problems: list[str] = []
    orders_detail = False
    for key in _POLICY_KEYS:
        if key in wanted:
            try:
                fields = {key: str(wanted[key])}
                policy = policy_from_fields(settings.policy.name, fields, settings.policy)
                for rule in rules:
                    resolve_detail(rule, policy.detail)
                settings = replace(settings, policy=policy)
                orders_detail = orders_detail or key == "detail"
            except UsageError as error:
                problems.append(error.message)
    if "record" in wanted:
        try:
            settings = replace(settings, recording=parse_recording(str(wanted["record"])))
        except UsageError as error:
            problems.append(error.message)
    budget_usd = _read_budget(wanted, problems)
    tenant = wanted.get("tenant")
    return MeetingOrder(
        settings=settings,
        tenant_id=str(tenant) if tenant else None,
        orders_detail=orders_detail,
        usual_detail=_usual_detail(settings, rules),
        budget_usd=budget_usd,
        problems=tuple(problems),
    )


def _read_budget(wanted: dict[str, Any], problems: list[str]) -> Decimal | None:
    """Return what the meeting may cost; None where nothing is said or it cannot be read."""
    if "budget_usd" not in wanted:
        return None
    try:
        return parse_limit(str(wanted["budget_usd"]))
    except UsageError as error:
        problems.append(f"budget_usd: {error.message}")
        return None


def decide_policy(order: MeetingOrder, advanced_vision: bool | None, *, has_backend: bool) -> Policy:
    """Return the policy for what is known of the tenant; `advanced_vision` is None while nothing is.

    A detail in the order holds for everybody. Otherwise the worker's own is for tenants who have advanced
    vision, and for workers without a backend: a premium feature is not given away unknowingly.
    """
    policy = order.settings.policy
    if order.orders_detail or advanced_vision or not has_backend:
        return policy
    return replace(policy, detail=order.usual_detail)


def _usual_detail(settings: AgentSettings, rules: Sequence[ImageRule]) -> str:
    """Return the lowest detail; the worker's own where a model does not know that one."""
    is_known = all(any(name == LOW for name, _ in rule.details) for rule in rules)
    return LOW if is_known else settings.policy.detail
