"""The table of commands says the same as the commands themselves, and loads only the one that is called."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from meetctl.cli.commands import COMMANDS, Entry

LOADED = """
import json, sys
sys.argv = ["meetctl", *sys.argv[1:]]
from meetctl.cli.entry import run
try:
    run()
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""

INTERRUPTED = """
import os, signal, sys
moment = sys.argv.pop(1)

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == moment:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupt())
from meetctl.cli.entry import run
run()
"""


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_a_line_says_what_the_command_says(entry: Entry) -> None:
    command = entry.load()
    assert command.name == entry.name
    assert " ".join(command.help.split("\n\n")[0].split()) == entry.help
    assert command.hidden == entry.hidden


def test_names_are_there_once() -> None:
    names = [entry.name for entry in COMMANDS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["--help"], set()), (["--version"], set()), (["prices", "--help"], {"prices"})],
)
def test_only_the_command_that_is_called_is_imported(arguments: list[str], expected: set[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True
    )
    modules = set(json.loads(done.stderr))
    places = {f"meetctl.cli.{entry.place.partition(':')[0]}" for entry in COMMANDS}
    assert modules & places == {f"meetctl.cli.{name}" for name in expected}


@pytest.mark.parametrize("moment", ["typer", "meetctl.cli.main", "meetctl.cli.ending", "meetctl.cli.prices"])
def test_ctrl_c_during_imports_leaves_no_traceback(moment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, moment, "prices", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
