"""The LiveKit server, found on this machine or built once from its source."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING

from meetctl.errors import MeetctlError, OutputError, UsageError
from meetctl.stack.go_toolchain import GoToolchain, find_go
from meetctl.stack.process import open_log, read_tail, tether_command

if TYPE_CHECKING:
    from meetctl.ports import Progress

VERSION = "1.13.5"
SOURCE = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"
VARIABLE = "MEETCTL_LIVEKIT_SERVER"

_HINT_LINES = 5
_VERSION_LIMIT_S = 60
_BUILD_PREFIX = "build-"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveKitBinary:
    """A livekit-server that was asked for its version and answered."""

    path: Path
    version: str


def find_livekit_server(
    option: Path | None, environment: Mapping[str, str], cache: Path
) -> LiveKitBinary | None:
    """Return the server to run, the first of: the option, MEETCTL_LIVEKIT_SERVER, PATH, the cached build.

    None where there is none, and one must be built.

    Raises:
        UsageError: The first of them is no LiveKit server; the message says who named it.
    """
    for path, named_by in _candidates(option, environment, cache):
        version, why_not = _ask_version(path)
        if version is None:
            raise UsageError(
                f"{named_by}: {path} {why_not}",
                hint="name a livekit-server program, or leave it out to have one built",
            )
        return LiveKitBinary(path=path.absolute(), version=version)
    return None


def prepare_livekit_server(
    option: Path | None, environment: Mapping[str, str], cache: Path, progress: Progress
) -> LiveKitBinary:
    """Return the server to run, and build it first where this machine has none, which takes some minutes.

    Of two processes that want to build, one waits for the other.

    Raises:
        UsageError: What was named is no LiveKit server, or there is no Go to build one with.
        OutputError: The cache cannot be written.
        MeetctlError: The build failed.
    """
    found = find_livekit_server(option, environment, cache)
    if found:
        return found
    directory = _build_directory(cache)
    go = find_go(environment)
    try:
        with _only_one_builds(directory, progress):
            _remove_abandoned(directory)
            return find_livekit_server(option, environment, cache) or _build(directory, go, progress)
    except OSError as error:
        raise OutputError(
            f"the cache {directory} cannot be written: {error.strerror or error}",
            hint="XDG_CACHE_HOME puts it elsewhere",
        ) from error


def cached_server(cache: Path) -> Path:
    """Return where the built server is kept, whether or not it is there."""
    return _build_directory(cache) / f"livekit-server-{VERSION}"


def _build_directory(cache: Path) -> Path:
    return cache / "livekit-server"


def _candidates(
    option: Path | None, environment: Mapping[str, str], cache: Path
) -> Iterator[tuple[Path, str]]:
    if option is not None:
        yield option, "--livekit-server"
    if named := environment.get(VARIABLE):
        yield Path(named), f"{VARIABLE} (environment)"
    if found := shutil.which("livekit-server", path=environment.get("PATH", "")):
        yield Path(found), "livekit-server on PATH"
    if (cached := cached_server(cache)).is_file():
        yield cached, "the cached build"


def _ask_version(path: Path) -> tuple[str | None, str]:
    """Return the server's version; or None, and why there is none."""
    if not path.is_file():
        return None, "is a directory" if path.is_dir() else "does not exist"
    try:
        answer = subprocess.run(
            [path.absolute(), "--version"],
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VERSION_LIMIT_S,
            check=False,
        )
    except OSError as error:
        return None, f"cannot be run: {error.strerror or error}"
    except subprocess.TimeoutExpired:
        return None, "does not say its version"
    match = re.search(r"livekit-server version (\S+)", answer.stdout)
    return (match[1], "") if match else (None, "is no LiveKit server: it does not say its version")


@contextmanager
def _only_one_builds(directory: Path, progress: Progress) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    lock = os.open(directory / "build.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another meetctl that builds the LiveKit server", 0, 0, "")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _remove_abandoned(directory: Path) -> None:
    """Remove what a killed build left; nobody builds now, since we hold the lock."""
    for left in directory.glob(f"{_BUILD_PREFIX}*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)


def _build(directory: Path, go: GoToolchain, progress: Progress) -> LiveKitBinary:
    target = directory / f"livekit-server-{VERSION}"
    with TemporaryDirectory(prefix=_BUILD_PREFIX, dir=directory) as draft:
        log = directory / "build.log"
        status = _run_go(go.command, _go_environment(go.environment, draft), Path(draft), log, progress)
        built = Path(draft, "server")
        if status != 0 or not built.is_file():
            said = " | ".join(read_tail(log)[-_HINT_LINES:]) or "nothing"
            raise MeetctlError(
                f"the LiveKit server could not be built: `go install` ended with {status}, see {log}",
                hint=f"go said: {said}",
            )
        version, why_not = _ask_version(built)
        if version is None:
            raise MeetctlError(f"the LiveKit server that was built {why_not}", hint=f"see {log}")
        built.replace(target)
    return LiveKitBinary(path=target, version=version)


def _go_environment(environment: Mapping[str, str], target: str) -> dict[str, str]:
    """Let go build for this machine, without a C compiler, and no other Go than the one that was chosen."""
    kept = {name: value for name, value in environment.items() if name not in ("GOOS", "GOARCH")}
    return {**kept, "GOBIN": target, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}


def _run_go(
    command: Path, environment: Mapping[str, str], directory: Path, log: Path, progress: Progress
) -> int:
    """Build into the directory, telling each package; Ctrl-C ends go and what it started."""
    with (
        open_log(log) as file,
        subprocess.Popen(
            tether_command([str(command), "install", "-v", "-ldflags=-s -w", SOURCE]),
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process,
    ):
        try:
            _tell_lines(process.stdout, file, progress)
            return process.wait()
        finally:
            # Until it has been waited for, its id and its group's are its own.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _tell_lines(output: IO[str] | None, log: IO[bytes], progress: Progress) -> None:
    downloaded = compiled = 0
    for line in output or ():
        log.write(line.encode())
        if line.startswith("go: downloading"):
            downloaded += 1
            progress("downloading the LiveKit server's source", downloaded, 0, "modules")
        elif not line.startswith("go: "):
            compiled += 1
            progress("compiling the LiveKit server", compiled, 0, "packages")
