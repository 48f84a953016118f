"""What a dispatch's metadata orders for one meeting: its tenant, and settings that differ."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meetctl.core.config import parse_recording
from meetctl.domain.policy import policy_from_fields
from meetctl.domain.vision_tokens import resolve_detail
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from meetctl.core.config import AgentSettings
    from meetctl.domain.vision_tokens import ImageRule

_POLICY_KEYS = ("fps", "window", "detail", "side")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingOrder:
    """The settings of one meeting, and whose it is."""

    settings: AgentSettings
    tenant_id: str | None
    problems: tuple[str, ...] = ()
    """What of the metadata could not be used; the worker's own settings hold there."""


def read_order(metadata: str, settings: AgentSettings, rule: ImageRule) -> MeetingOrder:
    """Lay a dispatch's metadata, a JSON object, over the worker's settings.

    Its keys are tenant, fps, window, detail, side and record; others are left alone. A wrong value never
    keeps the agent out of a meeting; one is a detail that `rule`, the model's, does not know.
    """
    try:
        wanted = json.loads(metadata) if metadata.strip() else {}
    except (ValueError, RecursionError):
        wanted = None
    if not isinstance(wanted, dict):
        problem = "the dispatch's metadata is not a JSON object"
        return MeetingOrder(settings=settings, tenant_id=None, problems=(problem,))
    problems = []
    for key in _POLICY_KEYS:
        if key in wanted:
            try:
                fields = {key: str(wanted[key])}
                policy = policy_from_fields(settings.policy.name, fields, settings.policy)
                resolve_detail(rule, policy.detail)
                settings = replace(settings, policy=policy)
            except UsageError as error:
                problems.append(error.message)
    if "record" in wanted:
        try:
            settings = replace(settings, recording=parse_recording(str(wanted["record"])))
        except UsageError as error:
            problems.append(error.message)
    tenant = wanted.get("tenant")
    return MeetingOrder(
        settings=settings, tenant_id=str(tenant) if tenant else None, problems=tuple(problems)
    )
