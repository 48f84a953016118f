"""The documentation against the program: every option is explained, none is made up, links lead somewhere.

That generated parts are current is checked by `make static`, which runs scripts/make_docs.py --check.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer.main

from meetctl.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        ROOT / "recordings/README.md",
        ROOT / "benchmarks/README.md",
    ]
)
PAGE_OF = {
    ("replay",): "docs/replay.md",
    ("demo",): "docs/demo.md",
    ("up",): "docs/local-stack.md",
    ("down",): "docs/local-stack.md",
    ("status",): "docs/local-stack.md",
    ("agent", "start"): "docs/agent.md",
    ("agent", "dev"): "docs/agent.md",
    ("offline-providers",): "docs/offline-providers.md",
    ("prices", "show"): "docs/prices.md",
    ("prices", "check"): "docs/prices.md",
}
"""Where each command's options are explained."""

GENERATED = re.compile(r"^<!-- [^\n]+ -->\n.*?^<!-- end -->$", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)|src=\"(?P<picture>[^\"]+)\"")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
EVENT_EXAMPLE = re.compile(r'^\{.*"type":.*\}$', re.MULTILINE)
ENVELOPE = frozenset({"v", "seq", "ts", "t", "session_id", "tenant_id", "room"})
LIVE_JOURNAL = ROOT / "recordings" / "live-demo" / "events.jsonl"
FOREIGN_OPTIONS = frozenset({"--debug", "--help", "--no-color"})
"""Options that may stand anywhere on the command line, so that no command has them."""


def options_of(path: tuple[str, ...]) -> Iterator[list[str]]:
    """Return each option of a command as the list of its spellings."""
    command = typer.main.get_command(app)
    for name in path:
        command = getattr(command, "commands")[name]  # noqa: B009  a group, which the type does not say
    for parameter in command.params:
        if parameter.param_type_name == "option" and "--help" not in parameter.opts:
            yield [*parameter.opts, *parameter.secondary_opts]


@cache
def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def written_text(page: Path) -> str:
    """Return what people wrote: without generated parts, which repeat the help text."""
    return GENERATED.sub("", text_of(page))


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text_of(page)), re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


def broken_links(page: Path) -> Iterator[str]:
    for match in LINK.finditer(FENCED.sub("", text_of(page))):
        link = match["target"] or match["picture"]
        target, _, anchor = link.partition("#")
        if target.startswith(("http://", "https://")):
            continue
        file = page.parent / target if target else page
        if not file.exists():
            yield f"{link}: there is no such file"
        elif anchor and file.suffix == ".md" and anchor not in anchors_of(file):
            yield f"{link}: there is no such heading"


def test_command_with_options_has_its_page() -> None:
    root = typer.main.get_command(app)
    commands: set[tuple[str, ...]] = set()
    for name, command in getattr(root, "commands").items():  # noqa: B009  as above
        commands |= {(name, child) for child in getattr(command, "commands", {})} or {(name,)}
    assert commands == set(PAGE_OF)


@pytest.mark.parametrize("command", PAGE_OF, ids=" ".join)
def test_each_option_is_explained(command: tuple[str, ...]) -> None:
    mentioned = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", written_text(ROOT / PAGE_OF[command]))
    assert [spellings for spellings in options_of(command) if not set(spellings) & set(mentioned)] == []


@pytest.mark.parametrize("page", sorted(set(PAGE_OF.values())))
def test_no_option_is_made_up(page: str) -> None:
    known = {spelling for command in PAGE_OF for option in options_of(command) for spelling in option}
    assert set(OPTION.findall(written_text(ROOT / page))) - known - FOREIGN_OPTIONS == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken_links(page)) == []


def test_each_event_of_a_real_meeting_is_described() -> None:
    page = text_of(ROOT / "docs/journal.md")
    named = set(re.findall(r"`([a-z_.]+)`", page))
    events = [json.loads(line) for line in LIVE_JOURNAL.read_text(encoding="utf-8").splitlines()]
    assert {name for event in events for name in (*event, event["type"])} - named == set()


def test_examples_of_events_have_the_fields_of_a_real_meeting() -> None:
    real: dict[str, set[frozenset[str]]] = {}
    for line in LIVE_JOURNAL.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        real.setdefault(event["type"], set()).add(frozenset(event) - ENVELOPE)
    examples = [json.loads(line) for line in EVENT_EXAMPLE.findall(text_of(ROOT / "docs/journal.md"))]
    assert examples
    assert [event for event in examples if frozenset(event) - ENVELOPE not in real[event["type"]]] == []
