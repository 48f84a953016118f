"""One recording's part of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.domain.billing import MEANING_TITLES, MEANINGS
from meetctl.reports.answer import describe_assumptions
from meetctl.reports.cells import format_duration
from meetctl.reports.html.curve import render_curve
from meetctl.reports.html.markup import Markup, element, join
from meetctl.reports.html.pictures import render_pictures
from meetctl.reports.html.tables import render_figures, render_overview, render_settings
from meetctl.reports.html.timeline import render_timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meetctl.domain.audit import Audit, PolicyAudit, RecordingAudit
    from meetctl.domain.billing import Meaning
    from meetctl.domain.recording import Track

MOST_OPEN = 5
"""With more policies than this, long tables are folded."""


def render_recording(audit: RecordingAudit, whole: Audit, sentence: str, number: int) -> Markup:
    """Show everything about one recording, the answer first."""
    return element(
        "section",
        element("h2", audit.recording.path.name),
        element("p", *_facts(audit), class_="facts"),
        element("p", sentence, class_="answer"),
        render_warnings(audit.warnings),
        render_overview(audit.policies, whole.meaning, "What each policy costs and shows"),
        _render_tracks(audit, whole.meaning),
        element("h3", "Cost against coverage"),
        render_curve(audit.policies, whole.meaning, whole.target),
        _render_timelines(audit),
        render_pictures(audit, headline_of(audit.policies)),
        _render_assumptions(audit, whole),
        render_all_figures(audit.policies, whole.meaning),
        id=anchor_of(number),
    )


def anchor_of(number: int) -> str:
    """Return the name by which a recording's part can be linked to."""
    return f"recording-{number + 1}"


def headline_of(policies: Sequence[PolicyAudit]) -> int:
    """Return the place of the policy that the answer speaks of: a sweep's choice, or the first asked for."""
    chosen = [place for place, audit in enumerate(policies) if audit.is_cheapest]
    return chosen[0] if chosen else min(1, len(policies) - 1)


def render_warnings(warnings: Sequence[str]) -> Markup:
    """Show warnings; nothing where there are none."""
    if not warnings:
        return Markup("")
    heading = "Warning" if len(warnings) == 1 else "Warnings"
    lines = element("ul", *[element("li", warning) for warning in warnings])
    return element("div", element("strong", heading), lines, class_="warning", role="note")


def render_all_figures(policies: Sequence[PolicyAudit], meaning: Meaning) -> Markup:
    """Show every figure in all meanings and what each policy is, folded where that is long."""
    order = sorted(MEANINGS, key=lambda one: one != meaning)
    tables = [*[render_figures(policies, one) for one in order], render_settings(policies)]
    summary = element("summary", "All figures and settings")
    return element("details", summary, *tables, open="" if len(policies) <= MOST_OPEN else None)


def _facts(audit: RecordingAudit) -> list[Markup]:
    recording = audit.recording
    facts = [format_duration(recording.duration_us), f"recorded {recording.recorded_at.date().isoformat()}"]
    several = len(recording.tracks) > 1
    facts += [
        f"{track.name}: {_describe(track)}" if several else _describe(track) for track in recording.tracks
    ]
    if recording.damaged:
        facts.append("damaged: audited up to the damage")
    return [element("span", fact) for fact in facts]


def _describe(track: Track) -> str:
    sizes = list(dict.fromkeys(f"{run.width}×{run.height}" for run in track.runs))
    size = ", ".join(sizes[:3]) + (" …" if len(sizes) > 3 else "")
    return f"{len(track.t_us):,} frames, {track.fps:g} fps, {size}, {track.codec}"


def _render_tracks(audit: RecordingAudit, meaning: Meaning) -> Markup:
    if len(audit.tracks) == 1:
        return Markup("")
    tables = [
        render_overview(policies, meaning, f"The track {track.name} alone")
        for track, policies in zip(audit.recording.tracks, audit.tracks, strict=True)
    ]
    return element("details", element("summary", "Track by track"), *tables)


def _render_timelines(audit: RecordingAudit) -> Markup:
    parts: list[Markup] = [element("h3", "Timeline")]
    for number, track in enumerate(audit.recording.tracks):
        if len(audit.tracks) > 1:
            parts.append(element("h4", track.name))
        parts.append(render_timeline(audit, number, headline_of(audit.policies)))
    return join(parts)


def _render_assumptions(audit: RecordingAudit, whole: Audit) -> Markup:
    policies = [one.policy for one in audit.policies]
    windows = " or ".join(str(window) for window in dict.fromkeys(policy.window for policy in policies))
    sizes = dict.fromkeys("its own size" if p.side is None else f"at most {p.side} px" for p in policies)
    lines = [
        f"model: {', '.join(dict.fromkeys(policy.model for policy in policies))}",
        f"detail: {', '.join(dict.fromkeys(policy.detail for policy in policies))}; "
        f"each frame sent in {' or '.join(sizes)}",
        f"window: the last {windows} kept frames go with each request",
        *describe_assumptions(audit, whole),
        f"the answer speaks of: {MEANING_TITLES[whole.meaning]}",
    ]
    terms = []
    for line in lines:
        term, _, text = line.partition(": ")
        terms += [element("dt", term.capitalize()), element("dd", text)]
    return join([element("h3", "What was assumed"), element("dl", *terms)])
