"""What a meeting would cost an hour by another policy: its own requests and frame sizes, at list prices."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

from meetctl.domain.model_names import OFFLINE, split_model, strip_offline
from meetctl.domain.policy import Policy, parse_rate
from meetctl.domain.view.projection import HourProjection
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date
    from decimal import Decimal

    from meetctl.domain.state import SessionState
    from meetctl.domain.state.looks import Request
    from meetctl.domain.state.people import Track
    from meetctl.services.image_prices import DatedPrices

_UNIT = "input_tokens"
"""What providers bill images as."""
_HOUR_S = 3600
_NAME = "projected"


def current_policy(state: SessionState) -> Policy | None:
    """Return the policy by which the agent looks now; None where its journal does not say it.

    An agent whose eyes are shut, or to which a budget gives no images, has a rate of 0.
    """
    looking = state.looking
    if looking.fps is None or looking.model is None:
        return None
    try:
        fps = parse_rate(looking.fps)
    except UsageError:
        return None
    return Policy(
        name=_NAME,
        fps=fps if looking.eyes else Fraction(0),
        window=Policy(name=_NAME, fps=fps).window if looking.window is None else looking.window,
        detail=looking.detail or "high",
        model=looking.model,
        side=looking.side,
    )


def project_hour(state: SessionState, policy: Policy, prices: DatedPrices, day: date) -> HourProjection:
    """Return what an hour costs if the meeting goes on as until now, at the prices of `day`, by `policy`.

    Requests and everything but their images stay as many and as dear as they were. A request takes the last
    frames that the policy would have kept by then, up to its window: a higher rate alone makes a request
    cheaper or dearer only as long as the window is not full.
    """
    hours = Fraction(round(_elapsed_s(state) * 1000), _HOUR_S * 1000)
    made = _billed(state)
    images = _images_per_request(state, policy)
    each = _tokens_per_image(state, policy, prices, day)
    requests = made / hours if made and hours else None
    tokens = None
    if requests is not None and images is not None:
        if not images:
            tokens = Fraction(0)
        elif each is not None:
            tokens = requests * images * each
    is_free = _provider(state) == OFFLINE or split_model(policy.model).is_offline
    list_usd = None if tokens is None else prices.cost("", strip_offline(policy.model), _UNIT, tokens, day)
    usd = None
    if tokens is not None:
        usd = prices.cost(OFFLINE, policy.model, _UNIT, tokens, day) if is_free else list_usd
    return HourProjection(
        policy=policy,
        requests=requests,
        images_per_request=images,
        tokens_per_image=each,
        vision_usd=usd,
        vision_list_usd=list_usd,
        rest_usd=_rest_usd(state, hours),
        assumptions=tuple(_assumptions(state, policy, made)),
    )


def _elapsed_s(state: SessionState) -> float:
    return state.t if state.about.duration_s is None else state.about.duration_s


def _provider(state: SessionState) -> str | None:
    """Return who answers: who did last, or who was to when the session began."""
    for request in reversed(state.requests.recent):
        if request.provider is not None:
            return request.provider
    return next((one.provider for one in state.about.providers if one.use == "llm"), None)


def _billed(state: SessionState) -> int:
    """Count requests, without those that failed: they took no tokens."""
    return sum(times for outcome, times in state.requests.outcomes if outcome != "failed")


def _images_per_request(state: SessionState, policy: Policy) -> Fraction | None:
    """Return how many images a request takes by the policy, on average over the last ones; None before any.

    Requests that had no picture to take have none by another policy either, unless none of all had one.
    """
    requests = [request for request in state.requests.recent if request.outcome != "failed"]
    if not requests:
        return None
    with_images = [request for request in requests if request.images] or requests
    watched = [track for track in state.tracks.all if track.seen]
    images = sum(_images_of(request, watched, policy) for request in with_images)
    return Fraction(images, len(requests))


def _images_of(request: Request, watched: Iterable[Track], policy: Policy) -> int:
    """Count the frames that the policy would have kept before a request, up to its window."""
    if policy.fps == 0:
        return 0
    kept = 0
    for track in watched:
        seen_s = min(request.t, request.t if track.ended_t is None else track.ended_t) - track.started_t
        if seen_s >= 0:
            # One that keeps every frame has a window full of them within a second.
            kept += policy.window if policy.fps is None else 1 + floor(policy.fps * Fraction(str(seen_s)))
    return min(policy.window, kept)


def _tokens_per_image(state: SessionState, policy: Policy, prices: DatedPrices, day: date) -> Fraction | None:
    """Return the average of the last kept frames, each in its own size."""
    sizes = [(frame.width, frame.height) for frame in state.frames.recent if frame.width and frame.height]
    if not sizes:
        sizes = [(track.width, track.height) for track in state.tracks.live if track.width and track.height]
    counts = [prices.image_tokens(policy.model, size, policy.side, policy.detail, day) for size in sizes]
    known = [count for count in counts if count is not None]
    return Fraction(sum(known), len(known)) if counts and len(known) == len(counts) else None


def _rest_usd(state: SessionState, hours: Fraction) -> Decimal | None:
    """Return what all but images cost an hour so far; None where a part of it has no price."""
    images = state.usage.image_usd
    if not hours or images is None or state.usage.unpriced:
        return None
    return (state.usage.usd - images) * hours.denominator / hours.numerator


def _assumptions(state: SessionState, policy: Policy, made: int) -> Iterator[str]:
    if not made:
        yield "nothing was asked yet, so nothing can be projected"
        return
    minutes = f"{_elapsed_s(state) / 60:.3g} min"
    yield f"as many requests an hour as so far: {made} in {minutes}"
    yield f"a request takes the last {policy.window} kept frames and leaves none in the history (per_turn)"
    yield "frames keep their sizes; text, answers and speech stay as they were"
    yield "list prices of input tokens, none of them cached"
    if state.frames.looked:
        yield "close looks are not counted"
    if _provider(state) == OFFLINE:
        yield "the offline provider costs nothing; list prices are what the model's own provider asks"
