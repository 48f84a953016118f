"""`meetctl cost budget` as a user runs it, on a book that real processes have written."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.agent_settings import make_settings

from meetctl import bootstrap
from meetctl.domain.budget import BudgetLimits
from meetctl.domain.spending import SessionSpending, Spent

if TYPE_CHECKING:
    from tests.conftest import MeetctlRunner


@pytest.fixture
def spending() -> SessionSpending:
    """A session of this very process, which therefore runs."""
    now = bootstrap.system_clock().now()
    return SessionSpending(
        day=now.date(),
        session_id="20261116T090000Z-standup-5c1e77",
        tenant_id="acme",
        room="standup",
        began_at=now - timedelta(minutes=10),
        updated_at=now,
        spent=Spent(usd=Decimal("1.50"), uses=12),
        meeting=Spent(usd=Decimal("1.50"), uses=12),
        limits=BudgetLimits(meeting_usd=Decimal(2), day_usd=Decimal(20)),
        step="detail=low",
    )


def test_it_shows_meetings_and_tenants(meetctl: MeetctlRunner, spending: SessionSpending) -> None:
    book = bootstrap.spending_book()
    book.write(spending)
    book.write(replace(spending, session_id="ended", room="retro", is_running=False))
    done = meetctl("cost", "budget")
    assert (done.returncode, done.stderr) == (0, "")
    meetings, tenants = done.stdout.split("Tenant today")
    assert "standup" in meetings
    assert "retro" not in meetings
    assert "detail=low" in meetings
    assert "$3.00" in tenants
    assert "2, 1 running" in tenants
    assert "\x1b" not in done.stdout


def test_json_is_one_document(meetctl: MeetctlRunner, spending: SessionSpending) -> None:
    bootstrap.spending_book().write(spending)
    bootstrap.spending_book().write(replace(spending, tenant_id="globex", session_id="other"))
    done = meetctl("cost", "budget", "--json", "--tenant", "acme")
    document = json.loads(done.stdout)
    assert document["schema"] == "meetctl.cost.budget/1"
    assert [one["tenant_id"] for one in document["tenants"]] == ["acme"]
    (meeting,) = document["meetings"]
    assert (meeting["spent_usd"], meeting["limit_usd"], meeting["used"]) == ("1.500000", "2.000000", 0.75)
    assert done.returncode == 0


def test_usage_without_a_price_is_said_and_has_its_own_exit_code(
    meetctl: MeetctlRunner, spending: SessionSpending
) -> None:
    spent = Spent(usd=Decimal(1), uses=2, unpriced=1)
    bootstrap.spending_book().write(replace(spending, spent=spent, meeting=spent))
    table, document = meetctl("cost", "budget"), meetctl("cost", "budget", "--json")
    for done in (table, document):
        assert done.returncode == 5
        assert "has no price, so more was spent than is shown" in done.stderr
    assert json.loads(document.stdout)["tenants"][0]["priced"] == 0.5


def test_without_meetings_it_says_so_and_what_is_configured_stands_there(
    meetctl: MeetctlRunner,
) -> None:
    done = meetctl("cost", "budget")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "no meeting runs on this machine\n"
    Path("meetctl.toml").write_text('[budget.tenants.acme]\nday_usd = "20"\n', encoding="utf-8")
    done = meetctl("cost", "budget", "--tenant", "acme")
    assert "$20.00" in done.stdout
    assert done.stderr == "no meeting runs on this machine for this tenant\n"


def test_a_wrong_budget_is_named_with_its_place(
    meetctl: MeetctlRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("meetctl.toml").write_text('[budget]\nmeeting_usd = "lots"\n', encoding="utf-8")
    done = meetctl("cost", "budget")
    assert done.returncode == 2
    assert "'lots' is no amount of US dollars" in done.stderr
    assert "meetctl.toml" in done.stderr
    monkeypatch.setenv("MEETCTL_BUDGET_MEETING_USD", "2")
    assert meetctl("cost", "budget").returncode == 0


def test_a_worker_restores_what_the_book_has_lost_and_removes_old_days(
    meetctl: MeetctlRunner, spending: SessionSpending, tmp_path: Path
) -> None:
    book = bootstrap.spending_book()
    book.write(replace(spending, day=spending.day - timedelta(days=2)))
    now = f"{spending.updated_at:%Y-%m-%dT%H:%M:%S.%fZ}"
    use = {"provider": "deepgram", "model": "nova-3", "audio_s": 60, "usd": "0.0048"}
    envelope = {"ts": now, "session_id": "killed", "tenant_id": "acme", "room": "demo", "type": "stt.usage"}
    lines = [json.dumps({"seq": seq, "t": seq, **envelope, **use}) for seq in range(3)]
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / "events.jsonl").write_text("\n".join(lines) + '\n{"torn', encoding="utf-8")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "events.jsonl").write_bytes(b"\xff\n[]\n")
    for _ in range(2):
        asyncio.run(bootstrap.restore_days_spending(replace(make_settings(), sessions=tmp_path)))
    (tenant,) = json.loads(meetctl("cost", "budget", "--json").stdout)["tenants"]
    assert (tenant["tenant_id"], tenant["spent_usd"], tenant["running"]) == ("acme", "0.014400", 0)
    assert list(book.of_day(spending.day - timedelta(days=2))) == []


def test_each_killed_session_goes_on_counting(meetctl: MeetctlRunner, spending: SessionSpending) -> None:
    """An entry whose process is gone is what a killed meeting leaves."""
    bootstrap.spending_book().write(spending)
    (path,) = bootstrap.spending_book()._directory.rglob("*.json")  # type: ignore[attr-defined]
    document = json.loads(path.read_bytes())
    document["process"]["created"] -= 1000
    path.write_text(json.dumps(document), encoding="utf-8")
    found = json.loads(meetctl("cost", "budget", "--json").stdout)
    assert found["meetings"] == []
    assert [(one["running"], one["spent_usd"]) for one in found["tenants"]] == [(0, "1.500000")]
