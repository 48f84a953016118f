"""A session's summary as one page that opens in any browser, without a network or a script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from meetctl import __version__
from meetctl.reports import session_facts as facts
from meetctl.reports.html.markup import Markup, element
from meetctl.reports.html.page import render_head
from meetctl.reports.html.tables import render_rows
from meetctl.reports.session_cost_facts import cost_notes, cost_rows, cost_total

if TYPE_CHECKING:
    from meetctl.domain.session_reading import SessionReading
    from meetctl.domain.state.conversation import Utterance

_REMOVED = "(removed)"


def render_session(reading: SessionReading, notes: Sequence[str] = ()) -> str:
    """Return a session's page, with `notes` at its head; everything that a person named is escaped."""
    title = f"Session {reading.bundle.session_id}"
    body = element(
        "main",
        element("header", element("h1", title), _render_headline(reading)),
        *(element("p", note, class_="note") for note in notes),
        _render_troubles(reading),
        _render_facts(reading),
        _render_cost(reading),
        _render_latency(reading),
        _render_times(reading),
        _render_conversation(reading),
        _render_footer(),
    )
    return f"<!DOCTYPE html>\n{element('html', render_head(title), element('body', body), lang='en')}\n"


def _render_headline(reading: SessionReading) -> Markup:
    bundle = reading.bundle
    parts = (bundle.room or "no room", bundle.tenant_id or "no tenant", bundle.state)
    return element("p", *[element("span", part) for part in parts], class_="facts")


def _render_troubles(reading: SessionReading) -> Markup:
    lines = list(facts.trouble_lines(reading))
    if not lines:
        return Markup()
    return element(
        "div",
        element("strong", "Trouble"),
        element("ul", *[element("li", line) for line in lines]),
        class_="warning",
    )


def _render_facts(reading: SessionReading) -> Markup:
    lines = [*facts.about_facts(reading), *facts.activity_facts(reading)]
    terms = [part for label, text in lines for part in (element("dt", label), element("dd", text))]
    return element("section", element("h2", "What happened"), element("dl", *terms))


def _render_cost(reading: SessionReading) -> Markup:
    rows = [
        (f"{row.provider}/{row.model}", row.usage, row.reported, row.estimated)
        for row in cost_rows(reading.state.usage)
    ]
    total = cost_total(reading.state.usage)
    if rows:
        rows.append(("Total", "", total.reported, total.estimated))
    return element(
        "section",
        element("h2", "Cost"),
        render_rows("By provider and model", ("Model", "Usage", "Reported", "Estimated"), rows)
        if rows
        else "",
        *[element("p", note, class_="note") for note in cost_notes(reading)],
    )


def _render_latency(reading: SessionReading) -> Markup:
    rows = facts.latency_rows(reading)
    if not rows:
        return Markup()
    return element(
        "section",
        element("h2", "Latency"),
        render_rows("From the end of speech, by stage of a turn", ("Stage", "Median", "95 %", "Turns"), rows),
    )


def _render_times(reading: SessionReading) -> Markup:
    """Show what went wrong and what operators did, each with its media time."""
    incidents = [facts.tell_incident(one) for one in reading.state.health.recent]
    steps = [facts.tell_step(one) for one in reading.state.steering.recent]
    parts = [
        element("h2", heading) + _render_timed(lines)
        for heading, lines in (("Incidents", incidents), ("Steering", steps))
        if lines
    ]
    return element("section", *map(Markup, parts)) if parts else Markup()


def _render_timed(lines: Iterable[tuple[str, str]]) -> Markup:
    terms = [part for time, text in lines for part in (element("dt", time), element("dd", text))]
    return element("dl", *terms)


def _render_conversation(reading: SessionReading) -> Markup:
    conversation = reading.state.conversation
    if all(one.text is None for one in conversation.recent):
        return Markup()
    said = conversation.by_people + conversation.by_agent
    shown = len(conversation.recent)
    note = f"The last {shown:,} of {said:,} utterances." if shown < said else f"All {said:,} utterances."
    terms = [
        part
        for one in conversation.recent
        for part in (
            element("dt", f"{facts.clock_time(one.t)} {_speaker(one, reading)}"),
            element("dd", _REMOVED if one.text is None else one.text),
        )
    ]
    return element(
        "section", element("h2", "Conversation"), element("p", note, class_="note"), element("dl", *terms)
    )


def _speaker(utterance: Utterance, reading: SessionReading) -> str:
    if utterance.role == "assistant":
        return "agent"
    known = reading.state.people.find(utterance.participant)
    return utterance.name or (known.name if known else None) or utterance.participant or "somebody"


def _render_footer() -> Markup:
    terms = (
        ("Reported", "What the provider itself says was used, at the price of that day."),
        ("Estimated", "What nobody reported, such as a request that was cut off."),
        ("n/a, ≥", "There is no price, or only part of it has one; it never means zero."),
        ("Sent", "Images in requests to the model: a kept frame may be sent several times, or never."),
    )
    parts = [part for word, text in terms for part in (element("dt", word), element("dd", text))]
    return element(
        "footer",
        element("h2", "How to read this"),
        element("dl", *parts),
        element("p", f"Made by meetctl {__version__}. Prices in US dollars, times in UTC.", class_="note"),
    )
