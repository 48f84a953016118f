"""When the picture changed, when the model was asked, and what each policy kept, on one axis of time.

Positions are shares of the width, so that the drawing fits a phone and a page of paper alike
without its text changing size.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meetctl.reports.html.markup import Markup, element, join
from meetctl.reports.html.scales import format_time, time_ticks

if TYPE_CHECKING:
    from meetctl.domain.audit import PolicyAudit, RecordingAudit

MOST_MARKS = 400
"""More marks than this in a row run into each other: bars of their density are drawn instead."""

_BINS = 100
_LEVELS = 8
"""How many heights a bar can have: fewer than would show that 22 and 23 frames alternate."""

_MOST_TIMES = 12
"""So many missed changes are told by their times under the drawing."""

_LONGEST_NAME = 28
"""A longer name and the figures behind it do not fit on a phone."""

_ROW_PX = 38
_MARK_TOP_PX = 18
_MARK_PX = 12
_UNITS = 10_000
"""The width of a row of marks in its own coordinates."""

_CROSS = "M-4-4 4 4M4-4-4 4"
_TRIANGLE = "M-5-5H5L0 5z"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """The times that the axis shows, in microseconds."""

    start_us: int
    end_us: int

    def share(self, t_us: int) -> float:
        """Return how far along the axis a time lies, from 0 to 1."""
        return (t_us - self.start_us) / (self.end_us - self.start_us)

    def select(self, times_us: Sequence[int]) -> Sequence[int]:
        """Return those of ascending times that the axis shows."""
        return times_us[bisect_left(times_us, self.start_us) : bisect_left(times_us, self.end_us + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A line of marks with its heading."""

    heading: str
    marks: Markup


def render_timeline(audit: RecordingAudit, number: int, headline: int) -> Markup:
    """Draw track `number`; `headline` is the place of the policy whose missed changes are marked."""
    track, policies = audit.recording.tracks[number], audit.tracks[number]
    end_us = max(audit.recording.duration_us, track.t_us[-1] + 1)
    span = _Span(start_us=min(0, track.t_us[0]), end_us=end_us)
    rows = [
        *_change_rows(audit.changes_us[number], policies[headline], span),
        *_request_rows(audit, span),
        *[_policy_row(policy, span) for policy in policies],
    ]
    drawing = element(
        "svg",
        element("title", f"Timeline of {track.name}: {'; '.join(row.heading for row in rows)}"),
        _draw_axis(span, len(rows)),
        *[_draw_row(place, row) for place, row in enumerate(rows)],
        class_="timeline",
        width="100%",
        height=_ROW_PX * len(rows) + 24,
        role="img",
    )
    return element("figure", drawing, element("figcaption", *_caption(policies[headline])))


def _caption(policy: PolicyAudit) -> list[str]:
    words = ["A stroke is a frame or a change (bars where there are many), a triangle a request"]
    if not policy.coverage.changes:
        return [f"{words[0]}."]
    words.append(", a cross a change that no kept frame shows.")
    missed = policy.coverage.missed_us
    if missed:
        times = ", ".join(format_time(t_us) for t_us in missed[:_MOST_TIMES])
        more = f" and {len(missed) - _MOST_TIMES:,} more" if len(missed) > _MOST_TIMES else ""
        words.append(f" Missed by {policy.policy.name}: {times}{more}.")
    return words


def _change_rows(changes_us: Sequence[int] | None, headline: PolicyAudit, span: _Span) -> list[_Row]:
    if changes_us is None:
        return []
    estimate = ", estimated" if headline.coverage.method == "packets" else ""
    missed = frozenset(headline.coverage.missed_us)
    name = headline.policy.name
    if len(changes_us) > MOST_MARKS:
        marks = join([_draw_density(span.select(changes_us), span, "change")])
    else:
        marks = join(
            [
                _draw_stroke(
                    t_us,
                    span,
                    f"{format_time(t_us)}: change" + (f", missed by {name}" if t_us in missed else ""),
                )
                for t_us in span.select(changes_us)
            ]
        )
    return [_Row(heading=f"Visible changes: {len(changes_us):,}{estimate}", marks=marks)]


def _request_rows(audit: RecordingAudit, span: _Span) -> list[_Row]:
    times_us = span.select(audit.requests_us)
    heading = f"Requests to the model: {len(audit.requests_us):,}"
    if len(times_us) > MOST_MARKS:
        return [_Row(heading=heading, marks=_draw_density(times_us, span, "request"))]
    marks = [
        _draw_symbol(t_us, span, _TRIANGLE, "request", f"{format_time(t_us)}: request") for t_us in times_us
    ]
    return [_Row(heading=heading, marks=join(marks))] if marks else []


def _policy_row(policy: PolicyAudit, span: _Span) -> _Row:
    kept = [t_us for times_us in policy.kept_us for t_us in span.select(times_us)]
    missed = span.select(policy.coverage.missed_us)
    parts = [_draw_strokes(kept, span) if len(kept) <= MOST_MARKS else _draw_density(kept, span, "kept")]
    if len(missed) > MOST_MARKS:
        parts.append(_draw_density(missed, span, "missed"))
    else:
        parts += [
            _draw_symbol(
                t_us, span, _CROSS, "missed", f"{format_time(t_us)}: change missed by {policy.policy.name}"
            )
            for t_us in missed
        ]
    name, changes = policy.policy.name, policy.coverage.changes
    if len(name) > _LONGEST_NAME:
        name = name[: _LONGEST_NAME - 1] + "…"
    shown = f", {len(policy.coverage.missed_us):,} of {changes:,} changes missed" if changes else ""
    return _Row(heading=f"{name}: {policy.kept:,} kept{shown}", marks=join(parts))


def _draw_row(place: int, row: _Row) -> Markup:
    heading = element("text", row.heading, x=0, y=13, class_="label")
    line = element(
        "line", x1=0, x2="100%", y1=_MARK_TOP_PX + _MARK_PX, y2=_MARK_TOP_PX + _MARK_PX, class_="grid"
    )
    title = element("title", row.heading)
    return element(
        "svg", title, heading, line, row.marks, y=_ROW_PX * place, height=_ROW_PX, width="100%", class_="row"
    )


def _draw_axis(span: _Span, rows: int) -> Markup:
    bottom = _ROW_PX * rows
    parts = []
    for t_us in time_ticks(span.end_us):
        share = span.share(t_us)
        x = _percent(share)
        side = "start" if share < 0.03 else "end" if share > 0.96 else "middle"
        text = format_time(t_us, tenths=t_us % 1_000_000 != 0)
        parts.append(element("line", x1=x, x2=x, y1=_MARK_TOP_PX, y2=bottom + 4, class_="grid"))
        parts.append(element("text", text, x=x, y=bottom + 18, class_=f"tick {side}"))
    return join(parts)


def _draw_stroke(t_us: int, span: _Span, title: str) -> Markup:
    x = _percent(span.share(t_us))
    return element(
        "line",
        element("title", title),
        x1=x,
        x2=x,
        y1=_MARK_TOP_PX,
        y2=_MARK_TOP_PX + _MARK_PX,
        class_="change",
    )


def _draw_symbol(t_us: int, span: _Span, path: str, kind: str, title: str) -> Markup:
    """Draw a mark of fixed shape whose middle is at a time."""
    return element(
        "svg",
        element("title", title),
        element("path", d=path),
        x=_percent(span.share(t_us)),
        y=_MARK_TOP_PX + _MARK_PX / 2,
        class_=kind,
    )


def _draw_strokes(times_us: Sequence[int], span: _Span) -> Markup:
    path = "".join(f"M{round(_UNITS * span.share(t_us))} 0v{_MARK_PX}" for t_us in times_us)
    return _stretch(element("path", d=path, class_="kept")) if path else Markup("")


def _draw_density(times_us: Sequence[int], span: _Span, kind: str) -> Markup:
    """Draw how many of the times fall into each of equal parts of the axis."""
    counts = [0] * _BINS
    for t_us in times_us:
        counts[min(_BINS - 1, int(_BINS * span.share(t_us)))] += 1
    most, width = max(counts), _UNITS // _BINS
    path = "".join(
        f"M{place * width} {_MARK_PX}v-{height:.1f}h{width}v{height:.1f}z"
        for place, count in enumerate(counts)
        if (height := _MARK_PX * math.ceil(_LEVELS * count / most) / _LEVELS)
    )
    return _stretch(element("path", d=path, class_=f"density {kind}"))


def _stretch(path: Markup) -> Markup:
    """Stretch a path that is as wide as `_UNITS` over the whole width."""
    return element(
        "svg",
        path,
        y=_MARK_TOP_PX,
        width="100%",
        height=_MARK_PX,
        viewBox=f"0 0 {_UNITS} {_MARK_PX}",
        preserveAspectRatio="none",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3f}%"
