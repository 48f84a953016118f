"""What sessions spend, as one small file for each session and day, which all processes of this machine share.

They lie in `DAY/TENANT/SESSION.json`, where TENANT is a digest, because a tenant's id may hold anything.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from meetctl.core.local_stack import ProcessIdentity
from meetctl.domain.budget import BudgetLimits
from meetctl.domain.events import parse_journal
from meetctl.domain.session_bundle import BUNDLES
from meetctl.domain.spending import SessionSpending, Spent
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from meetctl.domain.events import Event

SCHEMA = "meetctl.spending/1"
NO_TENANT = "no-tenant"
"""The directory of sessions without a tenant, which no digest is named like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """What a file said when it looked like this."""

    stamp: tuple[int, int, int]
    spending: SessionSpending | None
    """None for a file that is none of ours."""
    process: ProcessIdentity | None
    """Whose process writes it; None once the session has ended."""


class FileSpendingBook:
    """The SpendingBook port on a directory; not for several threads at a time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[Path, _Entry] = {}

    def write(self, spending: SessionSpending) -> None:
        """Put a session's entry of a day in the place of the one before.

        Raises:
            OutputError: It cannot be written.
        """
        path = self._path(spending.day, spending.tenant_id, spending.session_id)
        draft = path.with_suffix(f".{os.getpid()}.part")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with draft.open("w", encoding="utf-8") as file:
                json.dump(_document(spending), file)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise OutputError(f"what was spent cannot be written to {path}: {error.strerror}") from error

    def remove(self, day: date, tenant_id: str | None, session_id: str) -> None:
        """Take out an entry, if there is one.

        Raises:
            OutputError: It cannot be removed.
        """
        path = self._path(day, tenant_id, session_id)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{path} cannot be removed: {error.strerror}") from error

    def of_tenant(self, day: date, tenant_id: str | None) -> Sequence[SessionSpending]:
        """Return the entries of a tenant's day; of sessions without a tenant where it is None."""
        return [one for one in self._read(self._tenant(day, tenant_id)) if one.tenant_id == tenant_id]

    def of_day(self, day: date) -> Sequence[SessionSpending]:
        """Return the entries of a day, of all tenants."""
        return [one for tenant in _list(self._directory / day.isoformat()) for one in self._read(tenant)]

    def forget_before(self, day: date) -> None:
        """Take out all entries of earlier days."""
        for path in _list(self._directory):
            with suppress(ValueError):
                if date.fromisoformat(path.name) < day:
                    shutil.rmtree(path, ignore_errors=True)

    def _read(self, tenant: Path) -> Iterator[SessionSpending]:
        """Yield what a tenant's files say; a file that has not changed is not read again."""
        for path in _list(tenant):
            if path.suffix != ".json":
                continue
            try:
                status = path.stat()
                stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
                entry = self._known.get(path)
                if entry is None or entry.stamp != stamp:
                    entry = self._known[path] = _read_entry(path.read_bytes(), stamp)
            except OSError:
                continue  # it was moved to another tenant meanwhile
            if entry.spending is not None:
                is_running = entry.process is not None and entry.process.is_running()
                yield replace(entry.spending, is_running=is_running)

    def _tenant(self, day: date, tenant_id: str | None) -> Path:
        digest = NO_TENANT if tenant_id is None else hashlib.sha256(tenant_id.encode()).hexdigest()[:32]
        return self._directory / day.isoformat() / digest

    def _path(self, day: date, tenant_id: str | None, session_id: str) -> Path:
        return self._tenant(day, tenant_id) / f"{session_id}.json"


def read_journals(sessions: Path, journal: str, since: datetime) -> Iterator[Iterator[Event]]:
    """Yield the events of each bundle's journal that was written to since a moment.

    `journal` is the name of the file in each bundle. What cannot be read is left out.
    """
    for path in sorted(sessions.glob(f"{BUNDLES}/{journal}")):
        try:
            text = path.read_bytes() if path.stat().st_mtime >= since.timestamp() else b""
        except OSError:
            continue  # another one's bundle, or one that is being removed
        yield (event for event in parse_journal(text) if event is not None)


def _list(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _document(spending: SessionSpending) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "day": spending.day.isoformat(),
        "session_id": spending.session_id,
        "tenant_id": spending.tenant_id,
        "room": spending.room,
        "began_at": spending.began_at.isoformat(),
        "updated_at": spending.updated_at.isoformat(),
        "process": _own_process() if spending.is_running else None,
        "spent": _document_spent(spending.spent),
        "meeting": _document_spent(spending.meeting),
        "limits": {
            "meeting_usd": _text(spending.limits.meeting_usd),
            "day_usd": _text(spending.limits.day_usd),
        },
        "step": spending.step,
        "day_step": spending.day_step,
    }


def _own_process() -> dict[str, float]:
    return {"pid": os.getpid(), "created": psutil.Process().create_time()}


def _document_spent(spent: Spent) -> dict[str, Any]:
    return {"usd": _text(spent.usd), "uses": spent.uses, "unpriced": spent.unpriced}


def _read_entry(data: bytes, stamp: tuple[int, int, int]) -> _Entry:
    try:
        document = json.loads(data)
        if document["schema"] != SCHEMA:
            raise ValueError(document["schema"])
        process, limits = document["process"], document["limits"]
        return _Entry(
            stamp=stamp,
            spending=SessionSpending(
                day=date.fromisoformat(document["day"]),
                session_id=document["session_id"],
                tenant_id=document["tenant_id"],
                room=document["room"],
                began_at=datetime.fromisoformat(document["began_at"]),
                updated_at=datetime.fromisoformat(document["updated_at"]),
                spent=_read_spent(document["spent"]),
                meeting=_read_spent(document["meeting"]),
                limits=BudgetLimits(
                    meeting_usd=_amount(limits["meeting_usd"]), day_usd=_amount(limits["day_usd"])
                ),
                step=document["step"],
                day_step=document["day_step"],
            ),
            process=process and ProcessIdentity(pid=int(process["pid"]), created=float(process["created"])),
        )
    except (ValueError, KeyError, TypeError, ArithmeticError):
        return _Entry(stamp=stamp, spending=None, process=None)


def _read_spent(document: dict[str, Any]) -> Spent:
    return Spent(usd=Decimal(document["usd"]), uses=int(document["uses"]), unpriced=int(document["unpriced"]))


def _text(usd: Decimal | None) -> str | None:
    return None if usd is None else f"{usd:f}"


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
