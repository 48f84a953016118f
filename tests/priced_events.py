"""Recordings as if real providers had answered: the offline meetings' events, with names and prices."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from meetctl.domain.events import Event

_WHO = {"llm.request": "openai", "stt.usage": "deepgram", "tts.usage": "cartesia"}
_INPUT, _OUTPUT = Decimal("0.000002"), Decimal("0.000008")
_MINUTE, _CHARACTER = Decimal("0.0077"), Decimal("0.00004")


def price_events(events: tuple[Event, ...], *, unpriced: str | None = None) -> tuple[Event, ...]:
    """Return the events with what their usage would have cost; `unpriced` is a type without any price."""
    return tuple(_price(event, unpriced) for event in events)


def _price(event: Event, unpriced: str | None) -> Event:
    if event.type not in _WHO:
        return event
    fields: dict[str, Any] = {**event.fields, "provider": _WHO[event.type]}
    if event.type == unpriced:
        return replace(event, fields={**fields, "usd": None, "usd_by_unit": None, "image_usd": None})
    match event.type:
        case "llm.request":
            units = {
                "input_tokens": _INPUT * fields["input_tokens"],
                "output_tokens": _OUTPUT * fields["output_tokens"],
            }
            fields["image_usd"] = str(_INPUT * fields.get("image_tokens", 0))
        case "stt.usage":
            units = {"minutes": round(_MINUTE * Decimal(str(fields["audio_s"])) / 60, 12)}
        case _:
            units = {"characters": _CHARACTER * fields["characters"]}
    fields["usd_by_unit"] = {unit: str(usd) for unit, usd in units.items()}
    fields["usd"] = str(sum(units.values()))
    return replace(event, fields=fields)
