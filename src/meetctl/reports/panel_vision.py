"""What the agent saw, kept and sent: as lines for people, and as one document for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from meetctl.reports.ages import format_age
from meetctl.reports.money import exact_usd, format_usd
from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from decimal import Decimal

    from meetctl.domain.view.vision import FrameUse, SeenFrame, Vision

SCHEMA = "meetctl.panel.vision/1"

ATTACHED, SENT, KEPT = "■", "▪", "·"
"""A frame of the last request, one of an earlier request, one that was never sent."""


def tell_counts(vision: Vision) -> str:
    """Return how many frames there were, and what all images came to, on one line."""
    counts = f"seen {vision.seen:,}  kept {vision.kept:,}  sent {vision.sent:,}"
    if vision.looked:
        counts += f"  looked at {vision.looked:,}"
    eyes = "" if vision.eyes else "  EYES SHUT"
    return f"{counts}  {tell_usd(vision, vision.image_usd)}{eyes}"


def tell_usd(vision: Vision, usd: Decimal | None) -> str:
    """Return an amount, and that it is nothing because nobody bills."""
    return f"{format_usd(usd)} offline" if vision.is_offline and usd is not None else format_usd(usd)


def mark_frame(seen: SeenFrame) -> str:
    """Return one character that tells whether a frame was sent."""
    return ATTACHED if seen.is_attached else SENT if seen.uses else KEPT


def mark_frames(vision: Vision, chosen: int, width: int) -> str:
    """Return a mark for each of the frames around the chosen one, which stands in brackets."""
    count = len(vision.frames)
    if not count or width < 3:
        return ""
    shown = max(1, width - 2)
    first = min(max(0, chosen - shown // 2), max(0, count - shown))
    marks = [mark_frame(seen) for seen in vision.frames[first : first + shown]]
    place = chosen - first
    return "".join([*marks[:place], "[", marks[place], "]", *marks[place + 1 :]])


def tell_frame(vision: Vision, place: int) -> list[str]:
    """Return what is to be said of one frame, the most important first."""
    seen = vision.frames[place]
    frame = seen.frame
    size = f"{frame.width}x{frame.height}" if frame.width and frame.height else "size unknown"
    lines = [
        f"{show_plain(frame.frame)}  {place + 1} of {len(vision.frames)}",
        f"{size}, {format_age(seen.age_s)} ago, at {frame.t_us / 1_000_000:.1f} s",
    ]
    if not seen.uses:
        return [*lines, "kept, not sent: it cost nothing"]
    times = "once" if len(seen.uses) == 1 else f"{len(seen.uses)} times"
    lines.append(f"sent {times}: {float(seen.tokens):,.0f} tokens, {tell_usd(vision, seen.usd)}")
    return [*lines, *(_tell_use(vision, use) for use in reversed(seen.uses))]


def tell_vision(vision: Vision) -> str:
    """Return everything as plain text, a frame a line, the newest first."""
    lines = [tell_counts(vision)]
    for seen in reversed(vision.frames):
        frame = seen.frame
        turns = ", ".join(map(str, seen.turns))
        sent = f"sent {len(seen.uses)}x, turns {turns or '-'}" if seen.uses else "not sent"
        money = f"{float(seen.tokens):,.0f} tokens, {tell_usd(vision, seen.usd)}" if seen.uses else ""
        label = next((use.label for use in reversed(seen.uses) if use.label), "")
        parts = [
            mark_frame(seen),
            show_plain(frame.frame),
            f"{frame.t_us / 1e6:.1f} s",
            sent,
            money,
            label or "",
        ]
        lines.append("  ".join(part for part in parts if part))
    return "\n".join(lines)


def document_vision(vision: Vision) -> dict[str, Any]:
    """Return everything as one document; amounts are decimal texts in USD, or null."""
    return {
        "schema": SCHEMA,
        "seen": vision.seen,
        "kept": vision.kept,
        "sent": vision.sent,
        "looked": vision.looked,
        "eyes": vision.eyes,
        "recording": vision.recording,
        "image_tokens": vision.image_tokens,
        "image_usd": _usd(vision.image_usd),
        "is_offline": vision.is_offline,
        "frames": [_document_frame(seen) for seen in vision.frames],
    }


def _tell_use(vision: Vision, use: FrameUse) -> str:
    where = f"turn {use.turn}" if use.turn is not None else show_plain(use.request)
    outcome = "" if use.outcome == "done" else f" ({show_plain(use.outcome)})"
    parts = [
        use.label or "",
        f"{show_plain(use.detail)} detail" if use.detail else "",
        f"{float(use.tokens):,.0f} tokens",
        tell_usd(vision, use.usd),
    ]
    return f"{where}{outcome}: " + ", ".join(part for part in parts if part)


def _document_frame(seen: SeenFrame) -> dict[str, Any]:
    frame = seen.frame
    return {
        "frame": frame.frame,
        "track": frame.track,
        "t_us": frame.t_us,
        "width": frame.width,
        "height": frame.height,
        "age_s": round(seen.age_s, 3),
        "is_attached": seen.is_attached,
        "tokens": _number(seen.tokens),
        "usd": _usd(seen.usd),
        "uses": list(_document_uses(seen)),
    }


def _document_uses(seen: SeenFrame) -> Iterator[dict[str, Any]]:
    for use in seen.uses:
        width, height = use.sent_size or (None, None)
        yield {
            "request": use.request,
            "turn": use.turn,
            "t": use.t,
            "label": use.label,
            "outcome": use.outcome,
            "detail": use.detail,
            "width": width,
            "height": height,
            "tokens": _number(use.tokens),
            "usd": _usd(use.usd),
        }


def _number(tokens: Any) -> int | float:
    return int(tokens) if tokens == int(tokens) else round(float(tokens), 3)


def _usd(amount: Decimal | None) -> str | None:
    return None if amount is None else exact_usd(amount)
