"""Small pictures of what was kept, and of what no kept frame shows."""

from __future__ import annotations

import base64
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

from meetctl.reports.html.markup import Markup, element, join
from meetctl.reports.html.scales import format_time

if TYPE_CHECKING:
    from meetctl.domain.audit import RecordingAudit, Thumbnail

MOST_MISSED = 60
"""Pictures of missed changes: with more, a page is too large to send by mail."""

_FIRST = 12
"""So many pictures of a kind are in sight at once; the others can be unfolded."""

_AFTER_US = 1_500_000
"""A picture this long after a change is still one of it: a new look is photographed when it has held."""


def render_pictures(audit: RecordingAudit, place: int) -> Markup:
    """Show what the policy at `place` missed, and what the one asked for first kept."""
    missed = _render_missed(audit, place)
    kept = _render_kept(audit)
    return join([element("h3", "In pictures"), missed, kept]) if missed or kept else Markup("")


def _render_missed(audit: RecordingAudit, place: int) -> Markup:
    found: list[tuple[int, Thumbnail]] = []
    total = 0
    for number, policies in enumerate(audit.tracks):
        pictures = [picture for picture in audit.change_thumbnails if picture.track == number]
        missed_us = policies[place].coverage.missed_us
        total += len(missed_us)
        found += [(t_us, picture) for t_us in missed_us if (picture := _find_picture(pictures, t_us))]
    if not found:
        return Markup("")
    figures = [_draw_picture(audit, picture, t_us, "missed") for t_us, picture in found[:MOST_MISSED]]
    shown = "" if len(figures) == total else f" ({len(figures)} of {total:,})"
    heading = f"Changes that {audit.policies[place].policy.name} missed{shown}"
    return join([element("h4", heading), _arrange(figures)])


def _find_picture(pictures: Sequence[Thumbnail], change_us: int) -> Thumbnail | None:
    """Find the first picture from a change on; None where there is none soon after."""
    position = bisect_left(pictures, change_us, key=lambda picture: picture.t_us)
    if position == len(pictures) or pictures[position].t_us > change_us + _AFTER_US:
        return None
    return pictures[position]


def _render_kept(audit: RecordingAudit) -> Markup:
    place = min(1, len(audit.policies) - 1)
    times = [frozenset(policies[place].kept_us[0]) for policies in audit.tracks]
    figures = [
        _draw_picture(audit, picture, picture.t_us, "kept")
        for picture in audit.kept_thumbnails
        if picture.t_us in times[picture.track]
    ]
    if not figures:
        return Markup("")
    policy = audit.policies[place]
    shown = "" if len(figures) == policy.kept else f" ({len(figures)} of {policy.kept:,}, evenly chosen)"
    return join([element("h4", f"Frames that {policy.policy.name} kept{shown}"), _arrange(figures)])


def _arrange(figures: Sequence[Markup]) -> Markup:
    """Set out some of the pictures, evenly chosen, and fold away those in between."""
    count = len(figures)
    if count <= _FIRST:
        return element("div", *figures, class_="pictures")
    places = {place * (count - 1) // (_FIRST - 1) for place in range(_FIRST)}
    first = [figure for place, figure in enumerate(figures) if place in places]
    others = [figure for place, figure in enumerate(figures) if place not in places]
    summary = element("summary", f"{len(others)} more in between")
    folded = element("details", summary, element("div", *others, class_="pictures"))
    return join([element("div", *first, class_="pictures"), folded])


def _draw_picture(audit: RecordingAudit, picture: Thumbnail, t_us: int, kind: str) -> Markup:
    """Draw a picture under the time that it stands for."""
    track = audit.recording.tracks[picture.track].name if len(audit.tracks) > 1 else "the picture"
    time = format_time(t_us)
    alt = (
        f"{track}: the change at {time}, which no kept frame shows"
        if kind == "missed"
        else f"{track} at {time}"
    )
    data = base64.b64encode(picture.jpeg).decode("ascii")
    caption = f"{time} · {track}" if len(audit.tracks) > 1 else time
    return element(
        "figure",
        element("img", src=f"data:image/jpeg;base64,{data}", alt=alt, decoding="async"),
        element("figcaption", element("span", "missed ", class_="flag") if kind == "missed" else "", caption),
        class_=kind,
    )
