"""What the backend's answers look like, and what they become; docs/backend.md has the same for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from meetctl.domain.tenancy import KnowledgeHit, Personality, RoomToken, Tenant, UsageReceipt


class AnswerShapeError(ValueError):
    """An answer has another shape; the message names the field and quotes nothing of the answer."""


def read_tenant(answer: Any) -> Tenant | None:
    """Read whose a room is; null for a room that the backend does not know."""
    if answer is None:
        return None
    fields = _object(answer, "the answer")
    return Tenant(
        id=_text(fields, "tenantId" if fields.get("tenantId") is not None else "id"),
        tier=_text(fields, "tier"),
        name=_optional_text(fields, "name"),
    )


def read_receipt(sent: int) -> Callable[[Any], UsageReceipt]:
    """Return what reads the receipt for that many records; one that does not add up confirms nothing."""

    def read(answer: Any) -> UsageReceipt:
        fields = _object(answer, "the answer")
        receipt = UsageReceipt(accepted=_count(fields, "accepted"), duplicates=_count(fields, "duplicates"))
        if receipt.accepted + receipt.duplicates != sent:
            raise AnswerShapeError(f"accepted and duplicates do not add up to the {sent} records sent")
        return receipt

    return read


def read_hits(limit: int) -> Callable[[Any], tuple[KnowledgeHit, ...]]:
    """Return what reads at most `limit` pieces of knowledge."""

    def read(answer: Any) -> tuple[KnowledgeHit, ...]:
        hits = _object(answer, "the answer").get("hits")
        if not isinstance(hits, list):
            raise AnswerShapeError("hits is no list")
        return tuple(_read_hit(hit, f"hits[{index}]") for index, hit in enumerate(hits[:limit]))

    return read


def read_flag(answer: Any) -> bool:
    """Read whether a feature is on."""
    enabled = _object(answer, "the answer").get("enabled")
    if not isinstance(enabled, bool):
        raise AnswerShapeError("enabled is neither true nor false")
    return enabled


def read_personality(answer: Any) -> Personality | None:
    """Read how an agent presents itself; null where nothing is set."""
    if answer is None:
        return None
    fields = _object(answer, "the answer")
    greets = fields.get("greetsLatecomers")
    if not isinstance(greets, bool | None):
        raise AnswerShapeError("greetsLatecomers is neither true nor false")
    return Personality(
        name=_optional_text(fields, "name"),
        instructions=_optional_text(fields, "instructions"),
        greeting=_optional_text(fields, "greeting"),
        greets_latecomers=bool(greets),
        latecomer_greeting=_optional_text(fields, "latecomerGreeting"),
    )


def read_token(answer: Any) -> RoomToken:
    """Read a token, and until when it holds."""
    fields = _object(answer, "the answer")
    return RoomToken(
        token=_text(fields, "token"),
        url=_optional_text(fields, "url"),
        expires_at=_optional_moment(fields, "expiresAt"),
    )


def read_nothing(answer: Any) -> None:
    """Take whatever was answered: that it was is all that counts."""


def _read_hit(answer: Any, where: str) -> KnowledgeHit:
    fields = _object(answer, where)
    return KnowledgeHit(
        id=_text(fields, "id", where),
        text=_text(fields, "text", where),
        title=_optional_text(fields, "title", where),
        score=_optional_number(fields, "score", where),
        tenant_id=_optional_text(fields, "tenantId", where),
        url=_optional_text(fields, "url", where),
    )


def _object(answer: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(answer, Mapping):
        raise AnswerShapeError(f"{where} is no object")
    return answer


def _text(fields: Mapping[str, Any], name: str, where: str = "") -> str:
    value = _optional_text(fields, name, where)
    if not value:
        raise AnswerShapeError(f"{_full_name(name, where)} is missing or empty")
    return value


def _optional_text(fields: Mapping[str, Any], name: str, where: str = "") -> str | None:
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    raise AnswerShapeError(f"{_full_name(name, where)} is no text")


def _optional_number(fields: Mapping[str, Any], name: str, where: str) -> float | None:
    """Read a number; one that JSON cannot write, such as NaN, says nothing and would spoil a journal."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AnswerShapeError(f"{_full_name(name, where)} is no number")
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _count(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise AnswerShapeError(f"{name} is no count")
    return value


def _optional_moment(fields: Mapping[str, Any], name: str) -> datetime | None:
    value = fields.get(name)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise AnswerShapeError(f"{name} is no moment in RFC 3339") from None
    if value is None or (isinstance(value, datetime) and value.tzinfo is not None):
        return value
    raise AnswerShapeError(f"{name} is no moment with a zone")


def _full_name(name: str, where: str) -> str:
    return f"{where}.{name}" if where else name
