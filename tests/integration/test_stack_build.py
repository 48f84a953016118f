"""Building the LiveKit server, with a program in Go's place that takes its arguments and makes its files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from meetctl.core.places import cache_directory
from meetctl.errors import UsageError
from meetctl.stack.go_toolchain import find_go
from meetctl.stack.livekit_build import SOURCE, VERSION, cached_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MeetctlRunner

GO = f"""#!/bin/sh
if [ "$1" = version ]; then echo "go version go$FAKE_GO_VERSION linux/amd64"; exit; fi
echo "$@" >> "$FAKE_GO_CALLS"
echo "go: downloading {SOURCE}" >&2
[ -z "$FAKE_GO_WAITS" ] || {{ touch "$GOBIN/server"; sleep 600; }}
[ -z "$FAKE_GO_FAILS" ] || {{ echo "verifying module: checksum mismatch" >&2; exit 1; }}
sleep 0.5
printf '#!/bin/sh\\necho livekit-server version {VERSION}\\n' > "$GOBIN/server"
chmod 755 "$GOBIN/server"
"""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the program on PATH; return the file that lists how it was called."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "go").write_text(GO)
    (tools / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("FAKE_GO_CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("FAKE_GO_VERSION", "1.99.1")
    return tmp_path / "calls"


def files_in_cache() -> set[str]:
    return {path.name for path in cached_server(cache_directory()).parent.iterdir()}


def test_server_is_built_once_and_then_found(meetctl: MeetctlRunner, go: Path) -> None:
    first, second = meetctl("up", "--prepare"), meetctl("up", "--prepare")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert first.stdout == second.stdout == f"{cached_server(cache_directory())}\n"
    (call,) = go.read_text().splitlines()
    assert call.startswith("install ")
    assert call.endswith(f" {SOURCE}")
    assert "takes some minutes" in first.stderr
    assert second.stderr == ""
    assert files_in_cache() == {f"livekit-server-{VERSION}", "build.lock", "build.log"}


def test_failed_build_shows_what_go_said_and_leaves_nothing(meetctl: MeetctlRunner, go: Path) -> None:
    done = meetctl("up", "--prepare", env={"FAKE_GO_FAILS": "1"})
    assert (done.returncode, done.stdout) == (1, "")
    *_, message, hint = done.stderr.splitlines()
    assert message.startswith("meetctl: the LiveKit server could not be built: ")
    assert str(cached_server(cache_directory()).parent / "build.log") in message
    assert hint.startswith("  hint: go said: ")
    assert hint.endswith("| verifying module: checksum mismatch")
    assert files_in_cache() == {"build.lock", "build.log"}
    assert meetctl("up", "--prepare").returncode == 0
    assert len(go.read_text().splitlines()) == 2


def test_two_builds_at_once_make_one(go: Path) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "meetctl", "up", "--prepare"], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    printed = {process.communicate(timeout=60)[0] for process in both}
    assert printed == {f"{cached_server(cache_directory())}\n"}
    assert len(go.read_text().splitlines()) == 1


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_interrupted_build_leaves_nothing_that_is_broken(
    meetctl: MeetctlRunner, go: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("FAKE_GO_WAITS", "1")
    process = subprocess.Popen(
        [sys.executable, "-m", "meetctl", "up", "--prepare"], stderr=subprocess.PIPE, start_new_session=True
    )
    while process.poll() is None and not any(cache_directory().rglob("build-*/server")):
        pass
    os.killpg(process.pid, signal.Signals[name])
    process.communicate(timeout=60)
    assert process.returncode == (130 if name == "SIGINT" else -signal.SIGKILL)
    if name == "SIGINT":
        assert files_in_cache() == {"build.lock", "build.log"}
    monkeypatch.delenv("FAKE_GO_WAITS")
    assert meetctl("up", "--prepare").returncode == 0
    assert {name for name in files_in_cache() if name.startswith("build-")} == set()
    assert len(go.read_text().splitlines()) == 2


def test_old_go_on_path_gives_way_to_the_wheels(meetctl: MeetctlRunner, go: Path) -> None:
    # Without a network the wheel's Go cannot fetch the source, which is as far as this test lets it come.
    done = meetctl(
        "up", "--prepare", env={"FAKE_GO_VERSION": "1.19", "GOPROXY": "off", "GOFLAGS": "-modcacherw"}
    )
    assert done.returncode == 1
    assert "module lookup disabled by GOPROXY=off" in done.stderr
    assert not go.exists()


def test_cache_that_cannot_be_written_is_named(meetctl: MeetctlRunner, go: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = meetctl("up", "--prepare", env={"XDG_CACHE_HOME": str(tmp_path / "file")})
    assert done.returncode == 1
    assert done.stderr.startswith(f"meetctl: the cache {tmp_path / 'file'}")
    assert not go.exists()


def test_2_without_a_go_that_is_new_enough(go: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FAKE_GO_VERSION", "1.19")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(UsageError, match=r"no Go 1\.26 or newer .*/go is Go 1\.19") as error:
        find_go(os.environ)
    assert "meetctl[local]" in (error.value.hint or "")
    assert not go.exists()
