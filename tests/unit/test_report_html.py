from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from html.parser import HTMLParser
from importlib import resources
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.fakes.report_audits import (
    CHANGES_US,
    SECOND_US,
    make_audit,
    make_policies,
    make_recording,
    make_recording_audit,
    make_thumbnail,
)

from meetctl.domain.policy import Policy
from meetctl.reports.html import render_html
from meetctl.reports.html.labels import Box, place_labels
from meetctl.reports.html.markup import element, escape
from meetctl.reports.html.scales import money_axis, time_ticks

if TYPE_CHECKING:
    from meetctl.domain.audit import Audit, RecordingAudit
    from meetctl.domain.coverage import Method

HOSTILE = "<script>alert(1)<b onload='x'> & \"quoted\""
VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """A page taken apart: its elements with their attributes, its text, and whether tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.titles_of_svg: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title" and self._open[-1] == "svg":
            self.titles_of_svg.append(tag)
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    def all(self, tag: str, class_: str | None = None) -> list[dict[str, str]]:
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and (class_ is None or class_ in attributes.get("class", "").split())
        ]


def render(*recordings: RecordingAudit, **options: object) -> str:
    audit = make_audit(*recordings, **options)  # type: ignore[arg-type]
    return render_html(audit, [f"Answer {number}." for number in range(len(recordings))])


def ordinary(**options: object) -> RecordingAudit:
    return make_recording_audit(make_recording(), make_policies("1", "0.5"), **options)  # type: ignore[arg-type]


def hostile_audit() -> Audit:
    policies = (*make_policies("1"), Policy(name=HOSTILE, fps=Fraction(1, 2), model=HOSTILE))
    recording = make_recording(HOSTILE, tracks=(HOSTILE, "camera"))
    return make_audit(make_recording_audit(recording, policies, warnings=(HOSTILE,), pictures=True))


def test_page_reaches_nothing_outside_itself() -> None:
    text = render(ordinary(pictures=True), ordinary(pictures=True))
    page = Page(text)
    policy = {
        "http-equiv": "Content-Security-Policy",
        "content": "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    }
    assert policy in page.all("meta")
    assert not {"script", "iframe", "object", "embed", "link", "form", "base"} & {
        tag for tag, _ in page.elements
    }
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("src", "data:image/jpeg;base64,").startswith("data:image/jpeg;base64,")
        assert attributes.get("href", "#").startswith("#")
    assert not re.search(r"https?:|url\(|@import", text)


def test_user_given_text_is_escaped_everywhere() -> None:
    audit = hostile_audit()
    text = render_html(audit, [HOSTILE])
    page = Page(text)
    assert "script" not in {tag for tag, _ in page.elements}
    assert "onload" not in {name for _, attributes in page.elements for name in attributes}
    assert page.text.count("<script>alert(1)<b onload") > 10


def test_undecodable_and_control_characters_in_a_file_name_are_replaced() -> None:
    recording = make_recording("caf\udce9\x07\u202egpj.mkv")
    text = render(make_recording_audit(recording, make_policies("1")))
    assert "<h2>caf���gpj.mkv</h2>" in text
    assert text.encode("utf-8")


@given(st.text())
def test_escaped_text_never_opens_or_closes_anything(text: str) -> None:
    assert not set("<>\"'") & set(escape(text))
    assert len(escape(text).encode("utf-8")) >= len(text)
    assert element("p", text, title=text).count("<") == 2


def test_answer_money_coverage_and_delay_are_shown() -> None:
    text = Page(render(ordinary())).text
    assert "Answer 0." in text
    # 75 frames of 1105 tokens at $2 a million in 75 s are $7.956 an hour, 30 times that at 30 fps.
    assert "$7.96/h" in text
    assert "$238.68/h" in text
    assert "96.7%" in text
    assert "$0.133" in text
    assert "$0.166" in text
    assert "92.3%" in text
    assert "12 of 13" in text
    assert re.search(r"0\.7 / 0\.9 s", text)


def test_three_meanings_are_told_apart() -> None:
    text = Page(render(ordinary())).text
    for title in ("every frame once", "per request", "left in history"):
        assert title in text
    # Seven requests with five frames each, and what they add up to in the history: 5 × (1 + … + 7).
    assert "38,675" in text
    assert f"{1105 * 140:,}" in text


def test_assumptions_are_told() -> None:
    text = Page(render(ordinary())).text
    for part in (
        "gpt-4.1",
        "high",
        "the last 5 kept frames",
        "openai-tile/2026-02-26",
        "2026-11-16",
        "2026-11-22",
    ):
        assert part in text


def test_unpriced_usage_is_never_zero_and_is_warned_of() -> None:
    policies = (*make_policies("1"), Policy(name="dear", fps=Fraction(1), model="gpt-9"))
    text = Page(render(make_recording_audit(make_recording(), policies, prices={"gpt-9": None}))).text
    assert "Part of the usage has no price" in text
    assert "for want of a price: dear" in text
    assert "$0.00" not in text
    assert text.count("n/a") >= 15


def test_estimated_coverage_is_marked() -> None:
    text = Page(render(ordinary(method="packets"))).text
    assert "~92.3%" in text
    assert "estimate" in text


@pytest.mark.parametrize(
    ("method", "changes_us", "reason"),
    [
        ("off", None, "Coverage was not measured"),
        ("packets", None, "packets of this codec do not tell"),
        ("decode", (), "Nothing visible changed"),
    ],
)
def test_without_coverage_costs_alone_are_drawn_with_the_reason(
    method: Method, changes_us: tuple[int, ...] | None, reason: str
) -> None:
    page = Page(render(ordinary(method=method, changes_us=changes_us)))
    assert reason in page.text
    assert len(page.all("svg", "bars")) == 1
    assert not page.all("svg", "wide")


def test_without_any_price_there_is_neither_curve_nor_bars() -> None:
    page = Page(render(ordinary(prices={"gpt-4.1": None})))
    assert "no policy here has a price" in page.text
    assert not page.all("svg", "bars") + page.all("svg", "wide")


def test_curve_marks_each_policy_the_source_the_cheapest_and_the_target() -> None:
    audit = make_recording_audit(make_recording(), make_policies("0.1", "0.2", "0.5", "1", "2", "5"))
    policies = tuple(replace(one, is_cheapest=one.policy.name == "2 fps") for one in audit.policies)
    page = Page(render(replace(audit, policies=policies), swept=True))
    # Each twice, for wide and for narrow windows.
    assert len(page.all("circle", "mark")) == 2 * 5
    assert len(page.all("rect", "source")) == 2
    assert len(page.all("path", "best")) == 2
    assert len(page.all("line", "goal")) == 2
    assert "2 fps · cheapest" in page.text
    assert "target 95%" in page.text
    assert "logarithmic" in page.text


def test_policy_that_keeps_nothing_stands_at_zero_on_a_logarithmic_axis() -> None:
    page = Page(render(make_recording_audit(make_recording(), make_policies("1", "0"))))
    assert len(page.all("circle", "mark")) == 2 * 2


def test_policies_in_one_place_on_the_curve_share_a_name() -> None:
    page = Page(render(ordinary(), meaning="per_turn"))
    assert "30 fps · source" in page.text
    many = make_recording_audit(
        make_recording(),
        make_policies("5", "6", "7.5", "10"),
        changes_us=CHANGES_US,
        requests_us=(70 * SECOND_US,),
    )
    page = Page(render(many, meaning="per_turn"))
    assert "30 fps · source, 5 fps, 6 fps +2" in page.text
    assert "30 fps, 5 fps, 6 fps +2" in page.text
    assert len(page.all("circle", "mark")) == 2 * 4


def test_timeline_crosses_the_missed_changes_of_each_policy() -> None:
    audit = ordinary()
    page = Page(render(audit))
    missed = [len(policy.coverage.missed_us) for policy in audit.policies]
    assert missed == [0, 1, 3]
    assert len(page.all("svg", "missed")) == sum(missed)
    assert len(page.all("line", "change")) == len(CHANGES_US)
    assert len(page.all("svg", "request")) == 7
    assert "0:31.2: change missed by 1 fps" in page.text
    assert "Missed by 1 fps: 0:31.2." in page.text


def test_many_marks_are_drawn_as_density() -> None:
    changes_us = tuple(range(0, 3600 * SECOND_US, 7 * SECOND_US))
    audit = make_recording_audit(
        make_recording(seconds=3600), make_policies("1"), changes_us=changes_us, requests_us=changes_us
    )
    text = render(audit)
    page = Page(text)
    assert len(page.all("path", "density")) == 4
    assert len(text) < 100_000


def test_pictures_of_missed_changes_are_those_that_follow_them() -> None:
    audit = replace(
        ordinary(),
        change_thumbnails=tuple(make_thumbnail(t_us) for t_us in (31_000_000, 31_600_000, 32_100_000)),
    )
    page = Page(render(audit))
    (image,) = page.all("img")
    shown = base64.b64decode(image["src"].partition(",")[2], validate=True)
    assert shown == make_thumbnail(31_600_000).jpeg
    assert Image.open(io.BytesIO(shown)).size == (320, 180)
    assert "0:31.2" in image["alt"]


def test_pictures_beyond_the_first_are_folded() -> None:
    page = Page(render(ordinary(pictures=True)))
    assert "8 more in between" in page.text
    assert "Frames that 1 fps kept (20 of 75, evenly chosen)" in page.text
    assert all(image["alt"] for image in page.all("img"))


def test_several_recordings_begin_with_their_total() -> None:
    page = Page(render(ordinary(), ordinary(), ordinary()))
    text = page.text
    assert text.index("Total") < text.index("Answer 0.") < text.index("Answer 1.") < text.index("Answer 2.")
    targets = {attributes["href"][1:] for attributes in page.all("a")}
    assert targets == {attributes["id"] for attributes in page.all("section") if "id" in attributes}
    assert len(targets) == 3


def test_single_recording_has_no_total() -> None:
    assert "Recording by recording" not in render(ordinary())


def test_each_track_has_its_timeline_and_its_table() -> None:
    audit = make_recording_audit(make_recording(tracks=("screen", "camera")), make_policies("1"))
    page = Page(render(audit))
    assert len(page.all("svg", "timeline")) == 2
    assert "The track screen alone" in page.text
    assert "The track camera alone" in page.text


def test_warnings_and_damage_are_shown() -> None:
    audit = ordinary(warnings=("review.mkv is cut off after 61 s",))
    damaged = replace(audit, recording=replace(audit.recording, damaged=True))
    text = Page(render(damaged)).text
    assert "review.mkv is cut off after 61 s" in text
    assert "Damaged, and audited only up to the damage: review.mkv." in text


def test_answer_is_needed_for_each_recording() -> None:
    with pytest.raises(ValueError, match="shorter"):
        render_html(make_audit(ordinary()), [])


def test_drawings_and_tables_are_accessible() -> None:
    page = Page(render(ordinary(pictures=True), ordinary(method="off")))
    drawings = [attributes for attributes in page.all("svg") if attributes.get("role") == "img"]
    assert len(drawings) >= 6
    assert len(page.titles_of_svg) >= len(drawings)
    assert all(attributes.get("scope") for attributes in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert page.all("html") == [{"lang": "en"}]


def luminance(colour: str) -> float:
    """Relative luminance (https://www.w3.org/TR/WCAG21/#dfn-relative-luminance)."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_contrasts_with_what_is_behind_it(theme: int) -> None:
    style = resources.files("meetctl").joinpath("data", "report.css").read_text(encoding="utf-8")
    colours = dict(
        re.findall(r"--([\w-]+): (#\w{6});", re.findall(r":root \{(.*?)\}", style, re.DOTALL)[theme])
    )
    pairs = [
        *[(ink, back) for ink in ("ink", "muted") for back in ("page", "panel", "chosen", "warn-panel")],
        *[(ink, "page") for ink in ("accent", "best", "warn")],
        ("warn", "warn-panel"),
    ]
    for ink, back in pairs:
        darker, lighter = sorted((luminance(colours[ink]), luminance(colours[back])))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (ink, back)


amounts = st.decimals(min_value=0, max_value=10**6, places=6)


@given(st.lists(amounts, min_size=1, max_size=20), st.integers(3, 10))
def test_money_axis_keeps_order_and_has_few_ticks(values: list[Decimal], most_ticks: int) -> None:
    axis = money_axis(values, most_ticks)
    places = [axis.place(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)
    assert 1 <= len(axis.ticks) <= most_ticks + 1
    assert all(0 <= axis.place(tick) <= 1 for tick in axis.ticks)


@given(st.integers(1, 10**13), st.integers(2, 12))
def test_time_ticks_are_few_even_and_within(end_us: int, most: int) -> None:
    ticks = time_ticks(end_us, most)
    assert ticks[0] == 0
    assert len(ticks) <= most
    assert ticks[-1] <= end_us
    assert len({later - earlier for earlier, later in pairwise(ticks)}) <= 1


places = st.tuples(st.integers(60, 700), st.integers(40, 320))


@given(st.lists(places, max_size=13))
def test_names_on_the_curve_stay_inside_and_clear_of_each_other(points: list[tuple[float, float]]) -> None:
    plot = Box(left=48, top=26, right=748, bottom=354)
    labels = place_labels(points, [60.0] * len(points), plot, [])
    boxes = [label.box for label in labels]
    assert all(box.is_inside(plot) for box in boxes)
    if len(points) <= 4:
        assert not any(a.overlaps(b) for place, a in enumerate(boxes) for b in boxes[:place])
