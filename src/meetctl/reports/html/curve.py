"""What each policy costs against what it shows, as a curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from meetctl.domain.billing import MEANING_TITLES, Meaning
from meetctl.reports.html.bars import render_bars
from meetctl.reports.html.labels import LINE_PX, Box, Label, box_of_mark, cover_path, place_labels
from meetctl.reports.html.markup import Markup, element, join
from meetctl.reports.html.scales import MoneyAxis, money_axis
from meetctl.reports.money import format_usd

if TYPE_CHECKING:
    from meetctl.domain.audit import PolicyAudit

_CHARACTER_PX = 6.6
"""How wide a character of the charts' text is taken to be."""


_SAME_PX = 4
"""Marks nearer than this to each other cover each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """A drawing's size in pixels, and what fits on it."""

    kind: str
    """Its class: the style sheet shows one or the other by the window's width."""
    width: int
    height: int
    most_ticks: int
    longest_name: int

    @property
    def plot(self) -> Box:
        """The part between the axes."""
        return Box(left=48, top=26, right=self.width - 12, bottom=self.height - 46)


_CANVASES = (
    Canvas(kind="wide", width=760, height=370, most_ticks=9, longest_name=34),
    Canvas(kind="narrow", width=340, height=360, most_ticks=5, longest_name=22),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    audit: PolicyAudit
    usd_per_hour: Decimal
    ratio: float


def render_curve(policies: Sequence[PolicyAudit], meaning: Meaning, target: float) -> Markup:
    """Draw cost against coverage, or why that cannot be and the costs alone."""
    points = [
        _Point(audit=audit, usd_per_hour=usd, ratio=ratio)
        for audit in policies
        if (usd := audit.costs[meaning].usd_per_hour) is not None
        and (ratio := audit.coverage.ratio) is not None
    ]
    if not points:
        return render_bars(policies, meaning)
    absent = [audit.policy.name for audit in policies if all(point.audit is not audit for point in points)]
    drawings = [_draw(points, canvas, meaning, target) for canvas in _CANVASES]
    note = _explain_marks(points)
    if absent:
        note += f" Not on the curve, for want of a price: {', '.join(absent)}."
    return element("figure", *drawings, element("figcaption", note), class_="curve")


def _explain_marks(points: Sequence[_Point]) -> str:
    marks = []
    if len(_find_frontier(points)) > 1:
        marks.append("The line joins the policies that nothing cheaper beats.")
    if any(point.audit.is_baseline for point in points):
        marks.append("Square: the source rate.")
    if any(point.audit.is_cheapest for point in points):
        marks.append("Diamond: the cheapest that reaches the target.")
    if any(point.audit.coverage.method == "packets" for point in points):
        marks.append("Coverage is an estimate from packet sizes.")
    return " ".join(marks)


def _draw(points: Sequence[_Point], canvas: Canvas, meaning: Meaning, target: float) -> Markup:
    axis = money_axis([point.usd_per_hour for point in points], canvas.most_ticks)
    places = [_place(point.usd_per_hour, point.ratio, axis, canvas.plot) for point in points]
    goal_box = _goal_box(target, canvas, places)
    frontier = [places[i] for i in _find_frontier(points)]
    lines = [goal_box, _goal_line(target, canvas.plot), *cover_path(frontier)]
    marks = sorted(
        zip(points, places, strict=True),
        key=lambda mark: (mark[0].audit.is_cheapest, mark[0].audit.is_baseline),
    )
    return element(
        "svg",
        element("title", _describe(points, meaning)),
        _draw_axes(axis, canvas, meaning),
        _draw_goal(target, goal_box, canvas.plot),
        _draw_frontier(frontier),
        _draw_names(_gather(points, places), canvas, lines),
        *[_draw_point(*mark) for mark in marks],
        class_=canvas.kind,
        viewBox=f"0 0 {canvas.width} {canvas.height}",
        role="img",
    )


def _gather(
    points: Sequence[_Point], places: Sequence[tuple[float, float]]
) -> dict[tuple[float, float], list[PolicyAudit]]:
    """Gather the policies whose marks cover each other: they share a name on the chart."""
    spots: dict[tuple[float, float], list[PolicyAudit]] = {}
    for point, (x, y) in zip(points, places, strict=True):
        near = (spot for spot in spots if abs(spot[0] - x) < _SAME_PX and abs(spot[1] - y) < _SAME_PX)
        spots.setdefault(next(near, (x, y)), []).append(point.audit)
    return spots


def _draw_names(
    spots: dict[tuple[float, float], list[PolicyAudit]], canvas: Canvas, lines: Sequence[Box]
) -> Markup:
    names = [_join_names(audits, canvas) for audits in spots.values()]
    widths = [len(name) * _CHARACTER_PX for name in names]
    labels = place_labels(list(spots), widths, canvas.plot, lines)
    return join(_draw_name(name, label) for name, label in zip(names, labels, strict=True))


def _join_names(audits: Sequence[PolicyAudit], canvas: Canvas) -> str:
    """Name as many as there is room for, the cheapest first."""
    first, *others = [
        _name(audit, canvas) for audit in sorted(audits, key=lambda audit: not audit.is_cheapest)
    ]
    text = first
    for place, name in enumerate(others):
        if len(text) + len(name) > canvas.longest_name:
            return f"{text} +{len(others) - place}"
        text += f", {name}"
    return text


def _draw_name(name: str, label: Label) -> Markup:
    leader = Markup("")
    if label.leader:
        (x1, y1), (x2, y2) = label.leader
        leader = element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="leader")
    text = element("text", name, x=label.box.left, y=label.box.bottom - 3.5, class_="label")
    return join([leader, text])


def _describe(points: Sequence[_Point], meaning: Meaning) -> str:
    values = "; ".join(
        f"{point.audit.policy.name} {format_usd(point.usd_per_hour)} an hour, {point.ratio:.0%}"
        for point in points
    )
    return f"Coverage against cost, {MEANING_TITLES[meaning]}: {values}"


def _place(usd_per_hour: Decimal, ratio: float, axis: MoneyAxis, plot: Box) -> tuple[float, float]:
    x = plot.left + axis.place(usd_per_hour) * (plot.right - plot.left)
    return x, _place_ratio(ratio, plot)


def _place_ratio(ratio: float, plot: Box) -> float:
    """Leave room above 100 %, so that marks and names there are whole."""
    top = plot.top + 25
    return plot.bottom - ratio * (plot.bottom - top)


def _name(audit: PolicyAudit, canvas: Canvas) -> str:
    name = audit.policy.name
    if len(name) > canvas.longest_name:
        name = name[: canvas.longest_name - 1] + "…"
    if canvas.kind == "narrow":
        return name  # the caption explains the marks; there is no room to repeat it
    if audit.is_cheapest:
        return f"{name} · cheapest"
    return f"{name} · source" if audit.is_baseline and "source" not in name else name


def _draw_axes(axis: MoneyAxis, canvas: Canvas, meaning: Meaning) -> Markup:
    plot, parts = canvas.plot, []
    for percent in (0, 25, 50, 75, 100):
        y = _place_ratio(percent / 100, plot)
        parts.append(element("line", x1=plot.left, x2=plot.right, y1=y, y2=y, class_="grid"))
        parts.append(element("text", f"{percent}%", x=plot.left - 7, y=y + 4, class_="tick end"))
    for tick in axis.ticks:
        x = plot.left + axis.place(tick) * (plot.right - plot.left)
        parts.append(element("line", x1=x, x2=x, y1=plot.bottom, y2=plot.bottom + 5, class_="axis"))
        parts.append(element("text", format_usd(tick), x=x, y=plot.bottom + 19, class_="tick middle"))
    parts.append(element("line", x1=plot.left, x2=plot.right, y1=plot.bottom, y2=plot.bottom, class_="axis"))
    scale = ", logarithmic" if axis.is_log else ""
    name = (
        f"USD per hour, {MEANING_TITLES[meaning]}{scale}" if canvas.kind == "wide" else f"USD per hour{scale}"
    )
    middle = (plot.left + plot.right) / 2
    parts.append(element("text", name, x=middle, y=canvas.height - 8, class_="name middle"))
    parts.append(element("text", "Changes shown", x=2, y=14, class_="name"))
    return join(parts)


def _goal_box(target: float, canvas: Canvas, places: Sequence[tuple[float, float]]) -> Box:
    """Find a place for the target's name: under its line at one end, clear of marks."""
    plot, width = canvas.plot, len(_goal_name(target)) * _CHARACTER_PX
    top = _place_ratio(target, plot) + 2
    right, left = [
        Box(left=x, top=top, right=x + width, bottom=top + LINE_PX)
        for x in (plot.right - width, plot.left + 4)
    ]
    is_free = not any(box_of_mark(x, y).overlaps(right) for x, y in places)
    return right if is_free else left


def _goal_line(target: float, plot: Box) -> Box:
    y = _place_ratio(target, plot)
    return Box(left=plot.left, top=y - 1, right=plot.right, bottom=y + 1)


def _goal_name(target: float) -> str:
    return f"target {100 * target:.4g}%"


def _draw_goal(target: float, box: Box, plot: Box) -> Markup:
    y = _place_ratio(target, plot)
    line = element("line", x1=plot.left, x2=plot.right, y1=y, y2=y, class_="goal")
    return join([line, element("text", _goal_name(target), x=box.left, y=box.bottom - 3, class_="tick")])


def _find_frontier(points: Sequence[_Point]) -> list[int]:
    """Return which points show more than everything cheaper, the cheapest first."""
    best, frontier = -1.0, []
    for i in sorted(range(len(points)), key=lambda i: (points[i].usd_per_hour, -points[i].ratio)):
        if points[i].ratio > best:
            best = points[i].ratio
            frontier.append(i)
    return frontier


def _draw_frontier(frontier: Sequence[tuple[float, float]]) -> Markup:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in frontier)
    return element("path", d=f"M{path}", class_="frontier") if len(frontier) > 1 else Markup("")


def _draw_point(point: _Point, place: tuple[float, float]) -> Markup:
    cost, name = format_usd(point.usd_per_hour), point.audit.policy.name
    title = element("title", f"{name}: {cost} an hour, shows {point.ratio:.1%} of the changes")
    return element("g", title, _draw_mark(*place, point.audit))


def _draw_mark(x: float, y: float, audit: PolicyAudit) -> Markup:
    if audit.is_cheapest:
        return element("path", d=f"M{x:.1f} {y - 8:.1f}l8 8-8 8-8-8z", class_="mark best")
    if audit.is_baseline:
        return element("rect", x=x - 5, y=y - 5, width=10, height=10, class_="mark source")
    return element("circle", cx=x, cy=y, r=5, class_="mark")
