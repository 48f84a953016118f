"""What commands really import, which the import linter cannot see: it does not know what runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

HEAVY = frozenset({"PIL", "av", "duckdb", "genai_prices", "httpx", "livekit", "numpy", "openai", "textual"})
"""Packages that cost a tenth of a second or more to import."""

RUN_COMMAND = """
import json, runpy, sys
from pathlib import Path
report, sys.argv = Path(sys.argv[1]), ["meetctl", *sys.argv[2:]]
try:
    runpy.run_module("meetctl", run_name="__main__", alter_sys=True)
finally:
    report.write_text(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""

RUN_IMPORT = """
import importlib, json, sys
before = set(sys.modules)
importlib.import_module(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def packages_of_command(report: Path, *args: str | Path, expect: int = 0) -> set[str]:
    """Run a command in a process of its own and return the top-level packages it had imported at its end."""
    process = subprocess.run(
        [sys.executable, "-c", RUN_COMMAND, report, *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == expect, process.stderr
    packages: list[str] = json.loads(report.read_text())
    assert "meetctl" in packages
    return set(packages)


def packages_of_import(module: str) -> set[str]:
    """Import a module in a process of its own and return the top-level packages that this brought in."""
    process = subprocess.run(
        [sys.executable, "-c", RUN_IMPORT, module], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    return set(json.loads(process.stdout))


def modules_below(package: Path) -> Iterable[str]:
    """Return the dotted names of a package's modules, its own first."""
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def domain_modules() -> list[str]:
    source = Path(__file__).resolve().parents[2] / "src"
    return list(modules_below(source / "meetctl" / "domain"))


@pytest.mark.parametrize("args", [["--version"], ["--help"]])
def test_version_and_help_import_nothing_heavy(tmp_path: Path, args: list[str]) -> None:
    assert not packages_of_command(tmp_path / "packages.json", *args) & (HEAVY | {"pydantic", "rich"})


@pytest.mark.parametrize("args", [["up", "--help"], ["replay", "--help"], ["prices", "show", "--help"]])
def test_help_of_a_command_does_not_import_what_only_reading_options_needs(
    tmp_path: Path, args: list[str]
) -> None:
    assert "pydantic" not in packages_of_command(tmp_path / "packages.json", *args)


@pytest.mark.parametrize("args", [["config", "check"], ["doctor", "--only", "configuration"]])
def test_reading_the_configuration_imports_no_vendor(tmp_path: Path, args: list[str]) -> None:
    packages = packages_of_command(tmp_path / "packages.json", *args, expect=2)
    # YAML is only for lk's file, which is not there.
    assert not packages & (HEAVY | {"yaml", "aiohttp"})


def test_help_of_replay_imports_no_vendor(tmp_path: Path) -> None:
    assert not packages_of_command(tmp_path / "packages.json", "replay", "--help") & HEAVY


@pytest.mark.parametrize("command", ["replay", "record"])
def test_help_of_a_heavy_command_imports_no_vendor(tmp_path: Path, command: str) -> None:
    assert not packages_of_command(tmp_path / "packages.json", command, "--help") & HEAVY


def test_recorder_needs_no_agent_framework() -> None:
    script = "import sys, meetctl.recorder.service; sys.exit('livekit.agents' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr or "livekit.agents was imported"


def test_replay_without_pictures_imports_only_what_reads_packets(tmp_path: Path, recordings: Path) -> None:
    packages = packages_of_command(
        tmp_path / "packages.json",
        *("replay", "--fps", "1", "--coverage", "off", "--json"),
        recordings / "quarterly-review",
    )
    assert "av" in packages
    assert not packages & (HEAVY - {"av", "numpy"})


@pytest.mark.parametrize("command", ["list", "show"])
def test_looking_at_sessions_imports_no_vendor(tmp_path: Path, recordings: Path, command: str) -> None:
    arguments = [recordings / "live-demo"] if command == "show" else ["--sessions", recordings]
    packages = packages_of_command(tmp_path / "packages.json", "sessions", command, *arguments)
    assert not packages & HEAVY


def test_logs_import_nothing_heavy(tmp_path: Path, recordings: Path) -> None:
    packages = packages_of_command(tmp_path / "packages.json", "logs", recordings / "live-demo")
    assert not packages & (HEAVY | {"rich"})


@pytest.mark.parametrize("module", domain_modules())
def test_domain_module_imports_only_the_standard_library(module: str) -> None:
    assert packages_of_import(module) - sys.stdlib_module_names <= {"meetctl"}


@pytest.mark.parametrize("module", ["meetctl", "meetctl.errors", "meetctl.ports", "meetctl.bootstrap"])
def test_module_that_everything_imports_is_light(module: str) -> None:
    assert packages_of_import(module) - sys.stdlib_module_names <= {"meetctl"}


def test_dashboard_without_rooms_knows_no_vendor(tmp_path: Path) -> None:
    packages = packages_of_command(
        tmp_path / "packages.json", "tui", "--json", "--sessions", tmp_path, expect=0
    )
    assert not packages & {"duckdb", "openai", "livekit", "textual"}


@pytest.mark.parametrize("module", ["meetctl.tui.app", "meetctl.tui.run"])
def test_dashboards_app_knows_no_vendor(module: str) -> None:
    packages = packages_of_import(module)
    assert "textual" in packages
    assert not packages & {"duckdb", "openai", "livekit", "aiohttp", "httpx"}
