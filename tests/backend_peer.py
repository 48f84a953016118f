"""A real tRPC server in place of the backend, for tests: it is told what it knows and how it fails."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import urllib.request
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import pytest

from meetctl.core.config import BackendAccess
from meetctl.core.places import cache_directory
from meetctl.domain.tenancy import SessionEvent, UsageRecord
from meetctl.stack.process import tether_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meetctl.domain.tenancy import Personality, Tenant

Transformer = Literal["superjson", "plain"]
PeerFault = Literal["down", "slow", "wrong", "garbage", "refuse", "failing", "too-many", "lost"]

SOURCE = Path(__file__).resolve().parent / "trpc_peer"
IN_CI = os.environ.get("CI") == "true"
NODE, NPM = shutil.which("node"), shutil.which("npm")
# Looked up when tests are collected: by the time they run, HOME and the cache are elsewhere.
CACHE = cache_directory() / "trpc-peer"
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}

_KEY = "key-of-the-agent"
_ASK_LIMIT_S = 60
_START_TRIES = 5


class MissingPeerError(Exception):
    """This machine cannot run the server; the message says why."""


class Peer:
    """A running server; every change is in force when the method returns.

    What it knows survives `stop` and `start`, the calls that it got do not.
    """

    def __init__(self, program: Path, directory: Path, transformer: Transformer) -> None:
        self.key = _KEY
        self.transformer = transformer
        self._program = program
        self._state = directory / "state.json"
        self._log = directory / "peer.log"
        self._port = 0
        self._process: subprocess.Popen[str] | None = None
        # No proxy of the environment stands between tests and this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def access(self) -> BackendAccess:
        return BackendAccess(url=self.url, api_key=self.key, transformer=self.transformer)

    def start(self) -> None:
        """Serve, after a stop on the same port as before."""
        for _ in range(_START_TRIES):
            options = {
                "port": self._port,
                "transformer": self.transformer,
                "key": self.key,
                "state": str(self._state),
            }
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    tether_command([str(NODE), str(self._program), json.dumps(options)]),
                    env=ENVIRONMENT,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
            assert self._process.stdout is not None
            if line := self._process.stdout.readline():
                self._port = int(line)
                return
            self.stop()
        raise AssertionError("the tRPC server did not start:\n" + self._log.read_text(errors="replace"))

    def stop(self) -> None:
        """End it at once, in the middle of whatever it does; nothing listens afterwards."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def set_tenant(self, room: str, tenant: Tenant) -> None:
        fields = {"tenantId": tenant.id, "tier": tenant.tier, "name": tenant.name, "plan": {"seats": 5}}
        self._change(tenants={room: fields})

    def set_no_such_room(self, room: str) -> None:
        """Let the room be NOT_FOUND, where others are just unknown."""
        self._change(tenants={room: "missing"})

    def set_flag(self, tenant_id: str, flag: str, enabled: bool = True) -> None:
        self._change(flags={f"{tenant_id} {flag}": enabled})

    def set_personality(self, tenant_id: str, personality: Personality) -> None:
        fields = {
            "name": personality.name,
            "instructions": personality.instructions,
            "greeting": personality.greeting,
            "greetsLatecomers": personality.greets_latecomers,
            "latecomerGreeting": personality.latecomer_greeting,
        }
        self._change(personalities={tenant_id: fields})

    def add_knowledge(
        self, tenant_id: str, id: str, text: str, *, title: str | None = None, url: str | None = None
    ) -> None:
        piece = {"tenantId": tenant_id, "id": id, "text": text, "title": title, "url": url}
        self._change(knowledge=[piece])

    def usage(self, tenant_id: str | None = None) -> list[UsageRecord]:
        """Return what was counted, each key once, in the order in which it came."""
        return [
            UsageRecord(
                key=item["idempotencyKey"],
                session_id=item["sessionId"],
                room=item["roomName"],
                at=item["at"],
                kind=item["kind"],
                provider=item["provider"],
                model=item["model"],
                quantities={unit: Decimal(amount) for unit, amount in item["quantities"].items()},
                usd=None if item["costUsd"] is None else Decimal(item["costUsd"]),
                basis=item["basis"],
            )
            for item in self._ask("GET", "state")["usage"]
            if tenant_id in (None, item["tenantId"])
        ]

    def events(self, tenant_id: str | None = None) -> list[SessionEvent]:
        return [
            SessionEvent(
                key=item["idempotencyKey"],
                session_id=item["sessionId"],
                room=item["roomName"],
                at=item["at"],
                kind=item["kind"],
                fields=item["fields"],
            )
            for item in self._ask("GET", "state")["events"]
            if tenant_id in (None, item["tenantId"])
        ]

    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the procedure and the input of each call since it was started, failed ones included."""
        return [(call["path"], call.get("input") or {}) for call in self._ask("GET", "state")["calls"]]

    def break_with(
        self, kind: PeerFault, *, procedure: str | None = None, times: int | None = None, **settings: Any
    ) -> None:
        """Let calls of one procedure fail, or of all, that often or until it is healed.

        "down" drops the connection, "slow" waits `ms`, "wrong" answers in another shape (or with `data`),
        "garbage" answers HTML with `status`, "refuse" is UNAUTHORIZED (or `code`), "failing" an internal
        error, "too-many" asks for `retry_after_s`, and "lost" does what is asked and drops the answer.
        """
        fault = {"kind": kind, "procedure": procedure, "times": times, **settings}
        self._change(faults=[fault])

    def heal(self) -> None:
        """Take every fault away."""
        self._ask("DELETE", "faults")

    def _change(self, **changes: Any) -> None:
        self._ask("POST", "state", changes)

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/control/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={} if body is None else {"Content-Type": "application/json"},
        )
        with self._opener.open(request, timeout=_ASK_LIMIT_S) as response:
            return json.loads(response.read())


@contextmanager
def run_backend_peer(transformer: Transformer = "superjson") -> Iterator[Peer]:
    """Run a server of its own on a free port; where there is no Node skip the test, but fail it in CI."""
    try:
        program = install_peer()
    except MissingPeerError as error:
        if IN_CI:
            pytest.fail(str(error))
        pytest.skip(str(error))
    with TemporaryDirectory(prefix="meetctl-peer-") as directory:
        peer = Peer(program, Path(directory), transformer)
        try:
            peer.start()
            yield peer
        finally:
            peer.stop()


def install_peer() -> Path:
    """Return the server's program beside its packages, which are installed once for each lock file.

    Raises:
        MissingPeerError: There is no Node or npm, or the packages cannot be had.
    """
    for name, found in (("node", NODE), ("npm", NPM)):
        if found is None:
            raise MissingPeerError(f"missing tool: {name} is not on PATH")
    packages = CACHE / _hash(SOURCE / "package-lock.json")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not packages.is_dir():
            _install_packages(packages)
        program = packages / f"server-{_hash(SOURCE / 'server.mjs')}.mjs"
        if not program.is_file():
            draft = program.with_suffix(".new")
            shutil.copyfile(SOURCE / "server.mjs", draft)
            draft.replace(program)
    return program


def _install_packages(packages: Path) -> None:
    with TemporaryDirectory(prefix="install-", dir=CACHE) as draft:
        target = Path(draft, "peer")
        target.mkdir()
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copyfile(SOURCE / name, target / name)
        process = subprocess.run(
            # TypeScript is a peer of tRPC's types only.
            [str(NPM), "ci", "--ignore-scripts", "--omit=peer"],
            cwd=target,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode != 0:
            said = " | ".join(process.stderr.strip().splitlines()[-3:])
            raise MissingPeerError(f"missing packages: npm could not install the tRPC server: {said}")
        target.rename(packages)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
