"""Make the generated parts of the documentation by running what they describe.

python scripts/make_docs.py            rewrite what is stale
python scripts/make_docs.py --check    say what is stale, write nothing; exit 1 if anything is

A generated part of a page stands between `<!-- SOURCE -->` and `<!-- end -->`. SOURCE is one of
    meetctl …                  the command and its output; ` | head -20` shows the first lines only
    recorded: NAME             the command whose output is docs/transcripts/NAME, and that output
    file: NAME                 the code block in it is the file NAME that commands of the same page read
    sql: meetctl … --save …    the query in it, and its result on the database that the command saves
    table: NAME                a table of scripts/docs
    benchmarks/results/NAME    what `make bench` measured last

The pages in docs/commands are generated as a whole, from the commands' help.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from docs import claim, command_pages, example, pictures, transcripts, variables
from docs.blocks import Block, BlockError, fenced_text, fill_blocks, find_blocks
from docs.commands import ROOT, Commands, show_command, split_head
from docs.queries import answer_query

PAGES = ("README.md", "docs/**/*.md")
TABLE_PICTURE = ROOT / "docs" / "images" / "replay.svg"
DASHBOARD_PICTURE = ROOT / "docs" / "images" / "tui.svg"
DASHBOARD_SNAPSHOT = (
    ROOT / "tests/tui/__snapshots__/test_meetings_screen/test_list_looks_as_it_did[size1].svg"
)
"""What the tests hold the dashboard to; the picture in the pages is the same."""
REPORT_PICTURE = ROOT / "docs" / "images" / "report.png"
RECORDED = {name: command for command, name in transcripts.FILES.items()}
TABLES = {
    **claim.TABLES,
    "worked example": example.worked_example,
    "variables": variables.variables_table,
}
NOT_MEASURED = "Not measured yet: `make bench` does."


def main(arguments: list[str] | None = None) -> int:
    """Make or check everything; return the exit code."""
    parser = argparse.ArgumentParser(description="Make the generated parts of the documentation.")
    parser.add_argument("--check", action="store_true", help="say what is stale, and write nothing")
    check: bool = parser.parse_args(arguments).check
    with TemporaryDirectory() as directory:
        commands = Commands(Path(directory))
        try:
            made = make_texts(commands)
        except (BlockError, RuntimeError) as error:
            print(error, file=sys.stderr)
            return 1
        stale = {path: text for path, text in made.items() if _read(path) != text}
        if check:
            return report_stale(stale)
        for path, text in stale.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            if text:
                path.write_text(text, encoding="utf-8", newline="\n")
            else:
                path.unlink()
            print(f"{path.relative_to(ROOT)}: {'rewritten' if text else 'removed'}")
        print(pictures.draw_report(commands, REPORT_PICTURE))
    return 0


def make_texts(commands: Commands) -> dict[Path, str]:
    """Return every generated file as it should be."""
    found = {path for pattern in PAGES for path in ROOT.glob(pattern)}
    pages = {path: _read(path) for path in sorted(found) if path.parent != command_pages.DIRECTORY}
    blocks = [block for path, text in pages.items() for block in find_blocks(path.relative_to(ROOT), text)]
    for block in blocks:
        if block.source.startswith("file: "):
            path = commands.directory / block.source.removeprefix("file: ")
            path.write_text(fenced_text(block), encoding="utf-8")
    shown = [split_head(block.source)[0] for block in blocks if block.source.startswith("meetctl ")]
    saved = [block.source.removeprefix("sql: ") for block in blocks if block.source.startswith("sql: ")]
    with ThreadPoolExecutor(1) as beside:
        picture = beside.submit(pictures.draw_table, ROOT / "recordings")
        commands.prepare([*claim.COMMANDS, example.COMMAND, *shown, *saved])
    made = {
        path: fill_blocks(path.relative_to(ROOT), text, lambda block: render(commands, block))
        for path, text in pages.items()
    }
    dashboard = {DASHBOARD_PICTURE: _read(DASHBOARD_SNAPSHOT)}
    return made | command_pages.make_pages() | dashboard | {TABLE_PICTURE: picture.result()}


def render(commands: Commands, block: Block) -> str:
    """Return what a block should hold.

    Raises:
        BlockError: Its source is of no known kind.
    """
    kind, _, name = block.source.partition(" ")
    match kind:
        case "meetctl":
            return show_command(commands, block.source)
        case "recorded:" if name in RECORDED:
            return show_command(commands, RECORDED[name])
        case "file:":
            return block.body
        case "sql:":
            return answer_query(commands, block)
        case "table:" if name in TABLES:
            return TABLES[name](commands)
    if block.source.startswith("benchmarks/results/"):
        result = ROOT / block.source
        return result.read_text(encoding="utf-8") if result.exists() else NOT_MEASURED
    raise BlockError(block, "nothing is known that makes this")


def report_stale(stale: dict[Path, str]) -> int:
    """Print how stale files differ from what they should be; return the exit code."""
    for path, text in stale.items():
        name = str(path.relative_to(ROOT))
        if path.suffix == ".svg":
            print(f"{name}: not the picture of what the command prints now")
            continue
        old, new = _read(path).splitlines(), text.splitlines()
        print("\n".join(difflib.unified_diff(old, new, name, f"{name} as it should be", lineterm="", n=1)))
    if stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        print(f"stale: {names}; `make docs` rewrites them", file=sys.stderr)
    return 1 if stale else 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
