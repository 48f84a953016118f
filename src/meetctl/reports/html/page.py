"""The page: its head, the total over several recordings, and each recording's part."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING

from meetctl import __version__
from meetctl.domain.billing import MEANING_TITLES, MEANINGS
from meetctl.reports.answer import answer_total
from meetctl.reports.cells import format_duration, format_ratio
from meetctl.reports.html.curve import render_curve
from meetctl.reports.html.markup import Markup, element
from meetctl.reports.html.recording import (
    anchor_of,
    headline_of,
    render_all_figures,
    render_recording,
    render_warnings,
)
from meetctl.reports.html.tables import render_overview, render_rows
from meetctl.reports.money import format_usd

if TYPE_CHECKING:
    from meetctl.domain.audit import Audit

CONTENT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What a browser lets the page do: show its own pictures and styles, and reach nothing else."""

_MEANINGS_EXPLAINED = {
    "every_frame": "Each kept frame is billed once.",
    "per_turn": "The last kept frames go with each request and are removed afterwards, as the agent does.",
    "history": "Attached frames stay in the conversation and are billed again with each later request.",
}


def render_html(audit: Audit, sentences: Sequence[str]) -> str:
    """Return the audit as a complete page; `sentences` holds one plain answer for each recording.

    The page is one file without scripts that reaches nothing outside itself. Everything a user
    named is escaped.
    """
    names = [one.recording.path.name for one in audit.recordings]
    title = f"Vision cost audit: {names[0] if len(names) == 1 else f'{len(names)} recordings'}"
    parts = [
        render_recording(one, audit, sentence, number)
        for number, (one, sentence) in enumerate(zip(audit.recordings, sentences, strict=True))
    ]
    body = element(
        "main",
        _render_header(audit),
        render_warnings(_overall_warnings(audit)),
        _render_total(audit) if audit.total else "",
        *parts,
        _render_footer(audit),
    )
    return f"<!DOCTYPE html>\n{element('html', render_head(title), element('body', body), lang='en')}\n"


def render_head(title: str) -> Markup:
    """Return a page's head: its title and styles, and that it reaches nothing outside itself."""
    return element(
        "head",
        element("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}">'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", Markup(_read_style())),
    )


def _read_style() -> str:
    return resources.files("meetctl").joinpath("data", "report.css").read_text(encoding="utf-8")


def _render_header(audit: Audit) -> Markup:
    duration_us = sum(one.recording.duration_us for one in audit.recordings)
    count = len(audit.recordings)
    facts = [
        f"{count} recording{'' if count == 1 else 's'}, {format_duration(duration_us)}",
        f"price book {audit.price_book}",
        f"answers speak of: {MEANING_TITLES[audit.meaning]}",
    ]
    return element(
        "header",
        element("h1", "Vision cost audit"),
        element("p", *[element("span", fact) for fact in facts], class_="facts"),
    )


def _overall_warnings(audit: Audit) -> list[str]:
    warnings = []
    if any(
        cost.usd is None
        for one in audit.recordings
        for policy in one.policies
        for cost in policy.costs.values()
    ):
        warnings.append(
            "Part of the usage has no price and is shown as n/a: "
            f"{audit.priced_share:.0%} of all image tokens are priced."
        )
    damaged = [one.recording.path.name for one in audit.recordings if one.recording.damaged]
    if damaged:
        warnings.append(f"Damaged, and audited only up to the damage: {', '.join(damaged)}.")
    return warnings


def _render_total(audit: Audit) -> Markup:
    headings = ("Recording", "Duration", "Frames", "Policy", "Per hour", "Total", "Coverage")
    rows = []
    for number, one in enumerate(audit.recordings):
        policy = one.policies[headline_of(one.policies)]
        cost = policy.costs[audit.meaning]
        rows.append(
            (
                element("a", one.recording.path.name, href=f"#{anchor_of(number)}"),
                format_duration(one.recording.duration_us),
                f"{sum(len(track.t_us) for track in one.recording.tracks):,}",
                policy.policy.name,
                format_usd(cost.usd_per_hour),
                format_usd(cost.usd),
                format_ratio(policy),
            )
        )
    return element(
        "section",
        element("h2", "Total"),
        element("p", answer_total(audit), class_="answer"),
        render_overview(audit.total, audit.meaning, f"All {len(audit.recordings)} recordings together"),
        render_rows(f"Recording by recording, {MEANING_TITLES[audit.meaning]}", headings, rows),
        element("h3", "Cost against coverage"),
        render_curve(audit.total, audit.meaning, audit.target),
        render_all_figures(audit.total, audit.meaning),
    )


def _render_footer(audit: Audit) -> Markup:
    terms = [
        part
        for one in MEANINGS
        for part in (element("dt", MEANING_TITLES[one].capitalize()), element("dd", _MEANINGS_EXPLAINED[one]))
    ]
    words = (
        element("dt", "Coverage"),
        element("dd", "The share of visible changes that a kept frame shows before the next change comes."),
        element("dt", "Delay"),
        element(
            "dd", "How long after a change the frame that shows it was kept: for half of them, and for 95%."
        ),
        element("dt", "n/a"),
        element("dd", "There is no price, or it was not measured; it never means zero."),
    )
    made = (
        f"Made by meetctl {__version__}, price book {audit.price_book}. Prices in US dollars, dates in UTC."
    )
    return element(
        "footer",
        element("h2", "How to read this"),
        element("dl", *terms, *words),
        element("p", made, class_="note"),
    )
