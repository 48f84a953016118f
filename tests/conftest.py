"""What every test gets: a clean environment, the real command, and the sample recordings."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI") == "true"
LIVE_TESTS = (os.cpu_count() or 1) + 1
"""How many meetings this machine holds at a time; each mostly waits for what people say."""
COMMAND_LIMIT_S = 300
"""After this a command is taken for hung; no test measures time by it."""

# Examples are the same in every CI run; a slow machine is no failure anywhere.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if IN_CI else "here")

DROPPED_PREFIXES = ("MEETCTL_", "LIVEKIT_", "OPENAI_", "DEEPGRAM_", "CARTESIA_", "RIME_", "XDG_")
DROPPED_NAMES = (
    "API_BASE_URL",
    "AGENT_API_KEY",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
    "COLUMNS",
    "LINES",
    "PYTHONWARNINGS",
)


def pytest_configure() -> None:
    """Hear Ctrl-C, and let what is started hear it, also where a shell runs the tests in its background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def usual_priority() -> Iterator[None]:
    """No test leaves this thread with another scheduling policy: every later process would inherit it."""
    if sys.platform != "linux":
        yield
        return
    before = os.sched_getscheduler(0)
    yield
    after = os.sched_getscheduler(0)
    if after != before:
        os.sched_setscheduler(0, before, os.sched_param(0))
    assert after == before


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run only so many `live` tests at a time on this machine: of too many meetings some lose their sound."""
    if item.get_closest_marker("live") is None:
        return (yield)
    with take_place(LIVE_TESTS):
        return (yield)


@contextmanager
def take_place(places: int) -> Iterator[None]:
    """Hold one of so many places, which all test runs of this machine share; wait while there is none."""
    paths = [Path(tempfile.gettempdir()) / f"meetctl-live-tests-{number}.lock" for number in range(places)]
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("w")) for path in paths]
        while not any(is_locked(file) for file in files):
            time.sleep(0.2)
        yield


def is_locked(file: TextIO) -> bool:
    """Lock a file if nobody else has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class MeetctlRunner(Protocol):
    """Runs the real command in a process of its own."""

    def __call__(
        self,
        *args: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        input: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Return what the command printed and its exit status; `env` is laid over the clean environment."""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No settings from the caller's shell, a home of its own, and a working directory of its own."""
    for name in os.environ:
        if name in DROPPED_NAMES or name.startswith(DROPPED_PREFIXES):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name, folder in {
        "XDG_CONFIG_HOME": ".config",
        "XDG_CACHE_HOME": ".cache",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
    }.items():
        monkeypatch.setenv(name, str(home / folder))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))


@pytest.fixture
def meetctl() -> MeetctlRunner:
    """The real command: `meetctl("replay", "--fps", "1", path, env={"NO_COLOR": "1"})`."""

    def run(
        *args: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        input: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        # With no input the command must not wait for the terminal that pytest was started from.
        return subprocess.run(
            [sys.executable, "-m", "meetctl", *map(str, args)],
            env={**os.environ, **(env or {})},
            cwd=cwd,
            input=input if input is not None else "",
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=COMMAND_LIMIT_S,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def recordings(root: Path) -> Path:
    """The directory of the sample bundles; copy a bundle before changing it."""
    return root / "recordings"


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], str]:
    """Return a tool's path; without it skip the test, but fail it in CI, which installs what tests need."""

    def require(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            reason = f"missing tool: {name} is not on PATH"
            if IN_CI:
                pytest.fail(f"{reason}; .ci/run should have installed it")
            pytest.skip(reason)
        return path

    return require
