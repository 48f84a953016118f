"""What the agent saw, kept and sent: each frame with its label, when it was sent, and what that came to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from meetctl.domain.labels import label_frames
from meetctl.domain.session_cost import OFFLINE, add_usd

if TYPE_CHECKING:
    from meetctl.domain.state import SessionState
    from meetctl.domain.state.looks import KeptFrame, Request

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameUse:
    """One request that took a frame."""

    request: str
    turn: int | None
    t: float
    """When, in seconds of media time."""
    label: str | None
    """What the model was told of it; None where the frames beside it are not remembered."""
    outcome: str
    detail: str | None
    sent_size: tuple[int, int] | None
    """In pixels; of the newest frame of the request."""
    tokens: Fraction
    """Its equal part of all images of the request; none of a failed request."""
    usd: Decimal | None
    """Its part of what they cost; None without a price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFrame:
    """A kept frame, and every remembered request that took it."""

    frame: KeptFrame
    age_s: float
    uses: tuple[FrameUse, ...] = ()
    is_attached: bool = False
    """Whether the last request took it."""

    @property
    def tokens(self) -> Fraction:
        """All that it came to so far."""
        return sum((use.tokens for use in self.uses), Fraction(0))

    @property
    def usd(self) -> Decimal | None:
        """What it has cost so far; None where a part of that has no price, nothing where it was not sent."""
        return add_usd(use.usd for use in self.uses)

    @property
    def turns(self) -> tuple[int, ...]:
        """The turns in which it was sent, ascending."""
        return tuple(sorted({use.turn for use in self.uses if use.turn is not None}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Vision:
    """All of it, with the last kept frames."""

    seen: int
    kept: int
    sent: int
    looked: int
    frames: tuple[SeenFrame, ...]
    """Oldest first."""
    image_tokens: int
    image_usd: Decimal | None
    """What all images cost; None where a part of them has no price."""
    is_offline: bool
    """Whether only offline providers answered, which cost nothing."""
    eyes: bool
    recording: str | None
    """How the meeting is recorded: "off", "sampled", "full" or a rate; None where nobody has said."""

    def find(self, name: str | None) -> int | None:
        """Return the place of a frame; None where it is not remembered."""
        return next((place for place, one in enumerate(self.frames) if one.frame.frame == name), None)


def view_vision(state: SessionState) -> Vision:
    """Return what is known of the agent's eyes.

    Ages are those at the latest event's media time.
    """
    frames = {frame.frame: frame for frame in state.frames.recent}
    uses: dict[str, list[FrameUse]] = {name: [] for name in frames}
    for request in state.requests.recent:
        for name, use in _uses_of(request, frames):
            uses[name].append(use)
    providers = {part.provider for part in state.usage.parts if part.image_tokens}
    return Vision(
        seen=state.frames.seen,
        kept=state.frames.kept,
        sent=state.frames.sent,
        looked=state.frames.looked,
        frames=tuple(
            SeenFrame(
                frame=frame,
                age_s=max(0.0, state.t - frame.t_us / _MICROSECONDS),
                uses=tuple(uses[name]),
                is_attached=name in state.frames.last_sent,
            )
            for name, frame in frames.items()
        ),
        image_tokens=state.requests.image_tokens,
        image_usd=state.usage.image_usd,
        is_offline=providers == {OFFLINE},
        eyes=state.looking.eyes and "eyes" not in state.steering.muted,
        recording=state.recording.mode,
    )


def _uses_of(request: Request, frames: dict[str, KeptFrame]) -> Iterator[tuple[str, FrameUse]]:
    """Yield the remembered frames that a request took, each with what the request says of it."""
    known = [frames.get(name) for name in request.frames]
    whole = [frame for frame in known if frame is not None]
    labels: list[str] | None = None
    if len(whole) == len(known):
        labels = label_frames([max(0, request.as_of_us - one.t_us) / _MICROSECONDS for one in whole])
    is_billed = request.outcome != "failed"
    share = Fraction(is_billed, max(1, request.images))
    for place, frame in enumerate(known):
        if frame is None:
            continue
        usd = request.image_usd if is_billed else Decimal(0)
        yield (
            frame.frame,
            FrameUse(
                request=request.request,
                turn=request.turn,
                t=request.t,
                label=None if labels is None else labels[place],
                outcome=request.outcome,
                detail=request.detail,
                sent_size=request.sent_size,
                tokens=request.image_tokens * share,
                usd=None if usd is None else usd / max(1, request.images),
            ),
        )
