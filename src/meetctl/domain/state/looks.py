"""What the agent sees and asks: frames that came, were kept and were sent, and requests to the model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meetctl.domain.session_cost import add_usd, billed_quantities, read_usage
from meetctl.domain.state.fields import Tally, count, keep_last, tally, text, texts, whole

if TYPE_CHECKING:
    from decimal import Decimal

    from meetctl.domain.events import Event

MOST_FRAMES = 60
"""So many of the last kept frames are remembered."""
MOST_REQUESTS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFrame:
    """A frame that the agent kept, or looked at closely."""

    frame: str
    track: str | None
    t_us: int
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """How many frames came, were kept, were looked at closely, and were sent."""

    seen: int = 0
    kept: int = 0
    looked: int = 0
    sent: int = 0
    """Images in requests; a frame may be sent several times, or never."""
    recent: tuple[KeptFrame, ...] = ()
    """The last ones that were kept."""
    last_sent: tuple[str, ...] = ()
    """The names of the frames that the last request took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to the model."""

    request: str
    t: float
    turn: int | None
    provider: str | None
    model: str | None
    outcome: str
    basis: str
    images: int
    image_tokens: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    usd: Decimal | None
    image_usd: Decimal | None
    """The images' share of `usd`."""
    frames: tuple[str, ...]
    """The kept frames that it took, oldest first."""
    looks: tuple[str, ...]
    """What the model had asked to look at closely, sent besides."""
    as_of_us: int
    """It took frames up to this media time."""
    sent_size: tuple[int, int] | None
    """How the newest of its frames was sent, in pixels."""
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """All requests to the model."""

    recent: tuple[Request, ...] = ()
    outcomes: Tally = ()
    input_tokens: int = 0
    """All input of what is billed, cached and images included."""
    cached_input_tokens: int = 0
    output_tokens: int = 0
    image_tokens: int = 0

    @property
    def made(self) -> int:
        """How many requests were made, whatever became of them."""
        return sum(times for _, times in self.outcomes)


def see(frames: Frames, event: Event) -> Frames:
    """Take `video.frames`."""
    times = event.fields.get("t_us")
    return replace(frames, seen=frames.seen + len(times)) if isinstance(times, list) else frames


def keep(frames: Frames, event: Event) -> Frames:
    """Take `frame.kept`."""
    return replace(
        frames,
        kept=frames.kept + 1,
        recent=keep_last(frames.recent, _read_frame(event), MOST_FRAMES),
    )


def look(frames: Frames, _: Event) -> Frames:
    """Take `frame.looked`."""
    return replace(frames, looked=frames.looked + 1)


def send(frames: Frames, event: Event) -> Frames:
    """Take the images of `llm.request`; what failed before anything came is not billed, and not counted."""
    if not billed_quantities(event.type, event.fields) and event.fields.get("outcome") == "failed":
        return frames
    images = (*texts(event.fields, "images"), *texts(event.fields, "looked"))
    return replace(frames, sent=frames.sent + len(images), last_sent=images)


def ask(requests: Requests, event: Event) -> Requests:
    """Take `llm.request`."""
    fields = event.fields
    outcome = text(fields, "outcome") or "done"
    lines = read_usage(event.type, fields)
    as_of_us, width, height = (whole(fields, name) for name in ("as_of_us", "width", "height"))
    request = Request(
        request=text(fields, "request") or f"request {requests.made + 1}",
        t=event.t,
        turn=whole(fields, "turn"),
        provider=text(fields, "provider"),
        model=text(fields, "model"),
        outcome=outcome,
        basis=text(fields, "basis") or "estimated",
        images=len(texts(fields, "images")) + len(texts(fields, "looked")),
        image_tokens=count(fields, "image_tokens"),
        input_tokens=count(fields, "input_tokens"),
        cached_input_tokens=count(fields, "cached_input_tokens"),
        output_tokens=count(fields, "output_tokens"),
        usd=add_usd(line.usd for line in lines),
        image_usd=add_usd(line.image_usd for line in lines),
        frames=texts(fields, "images"),
        looks=texts(fields, "looked"),
        as_of_us=_to_us(event.t) if as_of_us is None else as_of_us,
        sent_size=(width, height) if width and height else None,
        detail=text(fields, "detail"),
    )
    is_billed = bool(billed_quantities(event.type, fields))
    return replace(
        requests,
        recent=keep_last(requests.recent, request, MOST_REQUESTS),
        outcomes=tally(requests.outcomes, outcome),
        input_tokens=requests.input_tokens + is_billed * request.input_tokens,
        cached_input_tokens=requests.cached_input_tokens + is_billed * request.cached_input_tokens,
        output_tokens=requests.output_tokens + is_billed * request.output_tokens,
        image_tokens=requests.image_tokens + is_billed * request.image_tokens,
    )


def _read_frame(event: Event) -> KeptFrame:
    t_us = whole(event.fields, "t_us")
    return KeptFrame(
        frame=text(event.fields, "frame") or "",
        track=text(event.fields, "track"),
        t_us=_to_us(event.t) if t_us is None else t_us,
        width=whole(event.fields, "width"),
        height=whole(event.fields, "height"),
    )


def _to_us(t: float) -> int:
    return round(t * 1_000_000)
