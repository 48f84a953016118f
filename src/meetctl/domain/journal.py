"""What a session's journal says of the frames that were kept, and of the requests that took them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from meetctl.domain.events import Event
from meetctl.domain.policy import Policy, parse_rate
from meetctl.domain.policy_span import PolicySpan
from meetctl.domain.recording_span import RecordingSpan
from meetctl.domain.session_cost import CostLine, fold_usage
from meetctl.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEntry:
    """A frame that the agent kept (`frame.kept`)."""

    frame: str
    """Its name, such as "frame-000012"."""
    track: str
    t_us: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedEntry:
    """A frame that the model asked to look at closely (`frame.looked`)."""

    frame: str
    """Its name, such as "look-000001"."""
    width: int
    height: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEntry:
    """A request to the model (`llm.request`)."""

    request: str
    """Its name, such as "request-003"; its number in the journal where it has none."""
    ts: str
    """When it was made (UTC, RFC 3339)."""
    t_us: int
    as_of_us: int | None
    """It took frames up to this media time; None in journals that do not say so."""
    images: tuple[str, ...]
    """Names of the frames it took, oldest first."""
    looked: tuple[str, ...]
    """Names of the frames that went with it because the model asked to look at them closely."""
    provider: str
    model: str
    detail: str | None
    image_tokens: int | None
    image_usd: Decimal | None
    """What the images cost; None where it is not said, or there is no price."""
    says_image_usd: bool
    """Whether the journal speaks of what the images cost, if only to say that there is no price."""
    outcome: str
    is_billed: bool
    """Whether the provider bills it: all but those that failed before anything of an answer came."""

    @property
    def takes_until_us(self) -> int:
        """Up to which media time it took frames."""
        return self.t_us if self.as_of_us is None else self.as_of_us


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionJournal:
    """A journal's frames and requests, in the journal's order."""

    policy: Policy | None
    """What the agent kept and sent by at first; None where the journal does not say, or not in a way we know,
    or where a change is not understood."""
    kept: tuple[KeptEntry, ...]
    requests: tuple[RequestEntry, ...]
    has_ended: bool
    """Whether the session was ended; otherwise it still runs, or its process was killed."""
    end_us: int
    """Media time of the last event."""
    unreadable: int = 0
    """How many lines are no events."""
    lost: int = 0
    """How many events are missing, by their numbers."""
    spans: tuple[PolicySpan, ...] = ()
    """Which policy held when, from the session's start on; empty where `policy` is None."""
    looked: tuple[LookedEntry, ...] = ()
    recorded: tuple[RecordingSpan, ...] = ()
    """When frames were recorded, as far as the journal says; otherwise they were."""
    batches: tuple[Event, ...] = ()
    """Where the recording paused, all `video.frames`: what came then is told nowhere else."""
    has_agent: bool = True
    """Whether it is an agent's; otherwise a recorder wrote it, which asks no model anything."""
    usage: tuple[CostLine, ...] = ()
    """What all usage events come to."""
    told_cost: tuple[Mapping[str, Any], ...] | None = None
    """What the session's end says that it cost, one entry a line; None where it does not say."""


def read_journal(events: Iterable[Event | None]) -> SessionJournal:
    """Gather what the events say; None stands for an unreadable line, as `parse_journal` gives it."""
    lines = list(events)
    whole = [event for event in lines if event is not None]
    seqs = {event.seq for event in whole}
    requests = [event for event in whole if event.type == "llm.request"]
    spans = _read_spans(whole)
    recorded = tuple(_read_recorded(whole))
    has_paused = any(not span.is_on for span in recorded)
    return SessionJournal(
        policy=spans[0].policy if spans else None,
        kept=tuple(kept for event in whole if event.type == "frame.kept" and (kept := _read_kept(event))),
        requests=tuple(_read_request(event, number) for number, event in enumerate(requests, 1)),
        has_ended=any(event.type == "session.ended" for event in whole),
        end_us=max((round(event.t * 1_000_000) for event in whole), default=0),
        unreadable=len(lines) - len(whole),
        lost=max(seqs) + 1 - len(seqs) if seqs else 0,
        spans=spans,
        looked=tuple(
            looked for event in whole if event.type == "frame.looked" and (looked := _read_looked(event))
        ),
        recorded=recorded,
        batches=tuple(event for event in whole if has_paused and event.type == "video.frames"),
        has_agent=not any(
            event.type == "session.started" and event.fields.get("agent", "") is None for event in whole
        ),
        usage=fold_usage(whole),
        told_cost=next((_read_cost(e.fields.get("cost")) for e in whole if e.type == "session.ended"), None),
    )


def _read_spans(events: Iterable[Event]) -> tuple[PolicySpan, ...]:
    """Read which policy held when; nothing where any of it is not understood."""
    spans: list[PolicySpan] = []
    for event in events:
        span: PolicySpan | None
        if event.type == "session.started" and not spans:
            policy = _read_policy(event.fields.get("policy"), Policy(name="journal", fps=Fraction(0)))
            span = None if policy is None else PolicySpan(from_us=0, policy=policy)
        elif event.type == "policy.changed" and spans:
            span = _read_change(event.fields, spans[-1])
        else:
            continue
        if span is None:
            return ()
        spans.append(span)
    return tuple(spans)


def _read_change(fields: Mapping[str, Any], before: PolicySpan) -> PolicySpan | None:
    policy = _read_policy(fields.get("policy"), before.policy)
    from_us, attaches_from_us = (_whole(fields.get(name)) for name in ("from_us", "attaches_from_us"))
    sees = fields.get("eyes", True)
    if policy is None or from_us is None or from_us < before.from_us or not isinstance(sees, bool):
        return None
    if attaches_from_us is None:
        attaches_from_us = before.attaches_from_us
    return PolicySpan(from_us=from_us, policy=policy, sees=sees, attaches_from_us=attaches_from_us)


def _read_policy(fields: object, base: Policy) -> Policy | None:
    """Read a policy over what it does not say; rates are texts, or numbers in older journals."""
    if not isinstance(fields, Mapping) or "fps" not in fields:
        return None
    side, window = fields.get("side"), fields.get("window", base.window)
    if not isinstance(window, int) or not isinstance(side, int | None):
        return None
    try:
        fps = parse_rate(str(fields["fps"]))
    except UsageError:
        return None
    return replace(
        base,
        fps=fps,
        window=window,
        detail=str(fields.get("detail", base.detail)),
        model=str(fields.get("model", base.model)),
        side=side,
    )


def _read_recorded(events: Iterable[Event]) -> Iterator[RecordingSpan]:
    """Read when frames were recorded; a change that does not say since when is left out."""
    for event in events:
        if event.type == "session.started":
            yield RecordingSpan(from_us=0, is_on=event.fields.get("record") != "off")
        elif event.type == "recording.changed":
            from_us = _whole(event.fields.get("from_us"))
            if from_us is not None:
                yield RecordingSpan(from_us=from_us, is_on=event.fields.get("mode") != "off")


def _read_cost(lines: object) -> tuple[Mapping[str, Any], ...] | None:
    if not isinstance(lines, list):
        return None
    return tuple(line for line in lines if isinstance(line, Mapping))


def _read_kept(event: Event) -> KeptEntry | None:
    fields = event.fields
    t_us, width, height = (_whole(fields.get(name)) for name in ("t_us", "width", "height"))
    if t_us is None or width is None or height is None:
        return None
    return KeptEntry(
        frame=str(fields.get("frame", "")),
        track=str(fields.get("track", "")),
        t_us=t_us,
        width=width,
        height=height,
    )


def _read_looked(event: Event) -> LookedEntry | None:
    fields = event.fields
    width, height = _whole(fields.get("width")), _whole(fields.get("height"))
    if width is None or height is None:
        return None
    return LookedEntry(
        frame=str(fields.get("frame", "")),
        width=width,
        height=height,
        detail=str(fields.get("detail", "high")),
    )


def _read_request(event: Event, number: int) -> RequestEntry:
    fields = event.fields
    images, looked = _names(fields.get("images")), _names(fields.get("looked"))
    detail, outcome = fields.get("detail"), str(fields.get("outcome", "done"))
    has_images = bool(images or looked)
    return RequestEntry(
        request=str(fields.get("request") or f"request {number}"),
        ts=event.ts,
        t_us=round(event.t * 1_000_000),
        as_of_us=_whole(fields.get("as_of_us")),
        images=images,
        looked=looked,
        provider=str(fields.get("provider", "")),
        model=str(fields.get("model", "")),
        detail=detail if isinstance(detail, str) else None,
        image_tokens=_whole(fields.get("image_tokens")),
        image_usd=_read_usd(fields.get("image_usd", None if has_images else "0")),
        says_image_usd="image_usd" in fields or not has_images,
        outcome=outcome,
        is_billed=outcome != "failed" or fields.get("billed") is True,
    )


def _names(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _read_usd(value: object) -> Decimal | None:
    try:
        amount = Decimal(value) if isinstance(value, str) else None
    except ArithmeticError:
        return None
    return amount if amount is not None and amount.is_finite() else None
