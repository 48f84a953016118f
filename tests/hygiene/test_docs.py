"""The documentation against the program: every option is explained, none is made up, links lead somewhere.

That generated parts are current is checked by `make static`, which runs scripts/make_docs.py --check.
"""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
import typer.main

from docs.guides import PAGE_OF
from meetctl.cli.main import app
from meetctl.core.variables import PROCEDURES, VARIABLES
from meetctl.domain.control import OPERATIONS
from meetctl.domain.control_token import RefusalReason

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "meetctl"
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        ROOT / "recordings/README.md",
        ROOT / "benchmarks/README.md",
    ]
)

GENERATED = re.compile(r"^<!-- [^\n]+ -->\n.*?^<!-- end -->$", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)|src=\"(?P<picture>[^\"]+)\"")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
EVENT_EXAMPLE = re.compile(r'^\{.*"type":.*\}$', re.MULTILINE)
ENVELOPE = frozenset({"v", "seq", "ts", "t", "session_id", "tenant_id", "room"})
LIVE_JOURNAL = ROOT / "recordings" / "live-demo" / "events.jsonl"
EVENT_TYPE = re.compile(r"[a-z]+\.[a-z]+")
INSTRUMENTS = {"Counter": "_total", "_counter": "_total", "Gauge": "", "Histogram": "", "_histogram": ""}
"""What makes a metric, and what Prometheus puts behind its name."""
FOREIGN_OPTIONS = frozenset({"--debug", "--help", "--no-color", "--profile"})
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


def calls_in(directory: Path) -> Iterator[tuple[str, str]]:
    """Return the calls with a text as the first argument: the function's own name, and the text."""
    for path in directory.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if isinstance(node.args[0].value, str):
                yield name, node.args[0].value


def event_types() -> set[str]:
    """Return the types of events that the agent and the recorder write."""
    calls = [*calls_in(SOURCE / "agent"), *calls_in(SOURCE / "recorder")]
    found = {text for name, text in calls if name in ("write", "record")}
    # Of a provider's change the type depends on what has changed.
    providers = ast.parse((SOURCE / "agent" / "providers.py").read_text(encoding="utf-8"))
    kinds = [
        node for node in ast.walk(providers) if isinstance(node, ast.FunctionDef) and node.name == "kind"
    ]
    found |= {
        node.value
        for kind in kinds
        for node in ast.walk(kind)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {text for text in found if EVENT_TYPE.fullmatch(text)} | {"transcript", "log", "error"}


def described_in_tables(page: Path) -> set[str]:
    """Return what stands as code in the first column of the page's tables."""
    rows = re.findall(r"^\| (`[^|]+) \|", text_of(page), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_each_event_that_the_agent_writes_is_described_and_none_is_made_up() -> None:
    described = described_in_tables(ROOT / "docs/journal.md") | {"llm.request"}
    assert event_types() - described == set()
    assert {name for name in described if EVENT_TYPE.fullmatch(name)} - event_types() == set()


def test_each_metric_is_described_and_none_is_made_up() -> None:
    metrics = {
        text + INSTRUMENTS[name]
        for name, text in calls_in(SOURCE / "core")
        if name in INSTRUMENTS and text.startswith("meetctl_")
    }
    assert metrics
    named = set(re.findall(r"`(meetctl_[a-z_]+)`", text_of(ROOT / "docs/monitoring.md")))
    assert named == metrics


def test_each_variable_is_described() -> None:
    described = described_in_tables(ROOT / "docs/configuration.md")
    assert set(VARIABLES) - described == set()


def test_no_variable_is_made_up() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    # An option's variable is named without its prefix.
    known = set(re.findall(r"MEETCTL_[A-Z_]+", code))
    known |= {f"MEETCTL_{name}" for name in re.findall(r'"([A-Z][A-Z_]+)"', code)}
    named = {name for page in PAGES for name in re.findall(r"`(MEETCTL_[A-Z_]+)`", text_of(page))}
    assert named - known == set()


def test_each_procedure_of_the_backend_is_described() -> None:
    assert set(PROCEDURES) - described_in_tables(ROOT / "docs/backend.md") == set()


def test_each_operation_and_each_reason_to_refuse_one_is_described() -> None:
    page = ROOT / "docs/control.md"
    assert set(OPERATIONS) - described_in_tables(page) == set()
    first_column = re.findall(r"^\| ([a-zJSON ,-]+) \|", text_of(page), re.MULTILINE)
    reasons = {reason for row in first_column for reason in row.split(", ")}
    assert set(get_args(RefusalReason)) - reasons == set()


def test_each_part_of_the_agent_is_in_the_picture() -> None:
    parts = {path.stem for path in (SOURCE / "agent").glob("*.py")} - {"__init__"}
    named = set(re.findall(r"`([a-z_]+)`", text_of(ROOT / "docs/architecture.md")))
    assert parts - named == set()


def test_each_decision_is_listed() -> None:
    listed = text_of(ROOT / "docs/architecture.md")
    decisions = sorted(path.name for path in (ROOT / "docs/decisions").glob("*.md"))
    assert [name for name in decisions if f"(decisions/{name})" not in listed] == []
