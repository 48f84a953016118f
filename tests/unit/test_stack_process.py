from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from meetctl.stack.livekit_server import choose_ports, is_serving, make_access, server_environment
from meetctl.stack.offline_part import read_ready_file, without_secrets
from meetctl.stack.process import (
    describe_exit,
    identify_self,
    last_message,
    listens,
    open_log,
    tether_command,
)

if TYPE_CHECKING:
    from pathlib import Path

HTTP_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-signal.SIGKILL, "was killed by SIGKILL"),
        (-300, "was killed by signal 300"),
    ],
)
def test_exit_is_described(status: int, words: str) -> None:
    assert describe_exit(status) == words


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("", None),
        ("one\ntwo\n\n", "two"),
        ("meetctl: no voice\n  hint: install it\n", "meetctl: no voice"),
        ("served\npanic: no map\n\ngoroutine 1:\nrax 0x0\n", "panic: no map"),
    ],
)
def test_message_of_a_log_is_the_line_that_says_why(tmp_path: Path, log: str, message: str | None) -> None:
    path = tmp_path / "log"
    path.write_text(log)
    assert last_message(path) == message


def test_there_is_no_message_without_a_log(tmp_path: Path) -> None:
    assert last_message(tmp_path / "none") is None


def test_new_log_is_private_and_keeps_the_one_before_it(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for text in (b"first", b"second"):
        with open_log(path) as log:
            log.write(text)
    with open_log(path, keep=True) as log:
        log.write(b", third")
    assert path.read_bytes() == b"second, third"
    assert (tmp_path / "log.1").read_bytes() == b"first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_tethered_command_gets_its_arguments_output_and_exit_code() -> None:
    program = "import sys; print(sys.argv[1:]); sys.exit(7)"
    done = subprocess.run(
        tether_command([sys.executable, "-c", program, "a b", "--", "-x"]), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (7, b"['a b', '--', '-x']\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_tethered_command_that_does_not_exist_says_so_in_one_line(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    done = subprocess.run(tether_command([missing]), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"{missing} cannot be started: No such file or directory\n"


def test_ports_are_free_and_on_loopback() -> None:
    ports = choose_ports()
    with socket.create_server(("127.0.0.1", ports.http)):
        assert listens(identify_self().pid, ports.http)
    assert not listens(identify_self().pid, ports.http)


def test_stranger_on_the_port_is_not_taken_for_the_server() -> None:
    program = f"""
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    while True:
        connection, _ = server.accept()
        connection.recv(9999)
        connection.sendall({HTTP_OK!r})
        connection.close()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as stranger:
        assert stranger.stdout
        port = int(stranger.stdout.readline())
        try:
            assert is_serving(stranger.pid, port)
            assert not is_serving(identify_self().pid, port)
        finally:
            stranger.kill()


def test_each_server_has_a_key_of_its_own_that_is_long_enough() -> None:
    first, second = (make_access(choose_ports()) for _ in range(2))
    assert first.api_secret != second.api_secret
    assert first.api_key != second.api_key
    assert len(first.api_secret) >= 32


def test_server_gets_no_setting_and_no_key_of_the_user() -> None:
    environment = {"PATH": "/bin", "LIVEKIT_CONFIG": "port: 1", "UDP_PORT": "2", "OPENAI_API_KEY": "k"}
    assert server_environment(environment) == {"PATH": "/bin"}


def test_offline_providers_get_no_key_of_the_user() -> None:
    environment = {"PATH": "/bin", "OPENAI_API_KEY": "k", "LIVEKIT_API_SECRET": "s", "XDG_CACHE_HOME": "/c"}
    assert without_secrets(environment) == {"PATH": "/bin", "XDG_CACHE_HOME": "/c"}


@pytest.mark.parametrize(
    ("content", "url"),
    [(b"", None), (b'{"url": "http://1', None), (b"[]", None), (b'{"url": 1}', None), (b'{"url": "u"}', "u")],
)
def test_ready_file_counts_once_it_is_complete(tmp_path: Path, content: bytes, url: str | None) -> None:
    path = tmp_path / "ready.json"
    assert read_ready_file(path) is None
    path.write_bytes(content)
    assert read_ready_file(path) == url
