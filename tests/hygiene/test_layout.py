"""Rules of the house that no linter knows: sizes, circles, reasons, and what must not be in any file."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60

SOURCE_FILES = sorted(SOURCE.rglob("*.py"))
CODE_FILES = sorted(
    path for folder in ("src", "tests", "scripts", "benchmarks") for path in (ROOT / folder).rglob("*.py")
)

BROAD = ("Exception", "BaseException")
# Put together here so that this file does not hold what it looks for.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("registry", "npmjs", "org"),
        ("npmjs", "com"),
        ("repo1", "maven", "org"),
        ("repo", "maven", "apache", "org"),
        ("deb", "debian", "org"),
    )
)
MACHINE_PATHS = tuple("/" + folder + "/" for folder in ("work", "root", "home/[a-z]+", "Users/[A-Za-z]+"))
UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "NotImplemented" + "Error")))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_for_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def nodes_run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Return what runs when a module is imported: everything outside functions."""
    for child in ast.iter_child_nodes(node):
        if is_for_type_checking(child):
            continue
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from nodes_run_at_import(child)


def modules_imported_by(node: ast.AST, modules: set[str]) -> Iterator[str]:
    """Return which of `modules` a statement imports; `from package import module` names the module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in modules)
    elif isinstance(node, ast.ImportFrom) and node.module in modules:
        inner = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name if name in modules else node.module for name in inner)


def is_broad(handler: ast.ExceptHandler) -> bool:
    caught = ast.unparse(handler.type).strip("()").split(", ") if handler.type else BROAD
    return any(name in BROAD for name in caught)


def is_reason(line: str) -> bool:
    """Say whether a line carries a comment for people; a suppressed warning alone is none."""
    comment = line.partition("#")[2]
    return bool(re.sub(r"(noqa|type: ignore)\S*( [A-Z]+\d+,?)*", "", comment).strip(" #-–—:"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("except Exception:", False),
        ("except Exception:  # noqa: BLE001", False),
        ("except Exception:  # noqa: BLE001, RUF100", False),
        ("except Exception:  # noqa: BLE001  the vendor raises anything", True),
        ("except Exception:  # noqa: BLE001 - the vendor raises anything", True),
        ("# The vendor raises anything.", True),
    ],
)
def test_reason_is_a_comment_for_people(line: str, expected: bool) -> None:
    assert is_reason(line) is expected


def tracked_files() -> list[Path]:
    """Return the files that are, or would be, in a commit."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def lines_that_match(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    found = []
    for path in paths:
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{name_of(path)}:{number}: {line.strip()[:100]}")
    return found


def find_circle(imports: dict[str, set[str]]) -> list[str]:
    """Return the modules of one circle, in the order in which they are imported; none where there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_modules_import_each_other_in_no_circle() -> None:
    modules = {module_name(path) for path in SOURCE_FILES}
    imports = {
        module_name(path): {
            imported
            for node in nodes_run_at_import(tree_of(path))
            for imported in modules_imported_by(node, modules - {module_name(path)})
        }
        for path in SOURCE_FILES
    }
    assert find_circle(imports) == []


def test_a_circle_of_imports_is_found() -> None:
    assert set(find_circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}


def test_files_are_short() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in CODE_FILES}
    assert not {name: length for name, length in lengths.items() if length > MAX_FILE_LINES}


def test_functions_are_short() -> None:
    # Without the signature: a command's is the table of its options.
    lengths = {
        f"{name_of(path)}:{node.name}": (node.end_lineno or node.lineno) - node.body[0].lineno + 1
        for path in CODE_FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES}


def test_broad_excepts_give_their_reason() -> None:
    unexplained = []
    for path in SOURCE_FILES:
        lines = path.read_text(encoding="utf-8").splitlines()
        unexplained += [
            f"{name_of(path)}:{node.lineno}"
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.ExceptHandler)
            and is_broad(node)
            and not any(is_reason(line) for line in lines[node.lineno - 2 : node.lineno + 1])
        ]
    assert not unexplained


def test_environment_is_not_read_at_import() -> None:
    assert not [
        f"{name_of(path)}:{node.lineno}"
        for path in SOURCE_FILES
        for node in nodes_run_at_import(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]


def test_source_is_finished() -> None:
    assert not lines_that_match(UNFINISHED, SOURCE_FILES)


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("package registries", re.compile("|".join(re.escape(host) for host in REGISTRY_HOSTS))),
        ("paths of one machine", re.compile("|".join(rf"(?<![\w.$}}/-]){path}" for path in MACHINE_PATHS))),
    ],
    ids=["registry hosts", "machine paths"],
)
def test_no_tracked_file_names(
    what: str, pattern: re.Pattern[str], require_tool: Callable[[str], str]
) -> None:
    require_tool("git")
    found = lines_that_match(pattern, tracked_files())
    assert not found, f"files name {what}:\n" + "\n".join(found)
