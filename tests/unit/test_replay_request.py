from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from meetctl.cli.replay_request import make_request
from meetctl.errors import UsageError

if TYPE_CHECKING:
    from meetctl.services.replay import AuditRequest


def request(**options: Any) -> AuditRequest:
    """Return the request for these options, the others being as on the command line."""
    defaults: dict[str, Any] = {
        "fps": (),
        "policy_texts": (),
        "policy_file": None,
        "model": "gpt-4.1",
        "detail": "high",
        "window": 5,
        "side": None,
        "sweep": False,
        "coverage": "decode",
        "turns": "auto",
        "turns_per_min": "2",
        "at": None,
        "thumbnails": False,
    }
    return make_request(**defaults | options)


def test_one_fps_is_audited_where_nothing_is_asked_for() -> None:
    assert [policy.name for policy in request().policies] == ["1 fps"]
    assert request(sweep=True).policies == ()


def test_options_hold_for_every_policy_that_says_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "policies.toml"
    path.write_text("[policies.slow]\nfps = 0.5\nside = 512\n")
    found = request(
        fps=("2",), policy_texts=("low: detail=low",), policy_file=path, window=3, side=640, model="m"
    )
    assert [(p.name, p.fps, p.detail, p.window, p.side, p.model) for p in found.policies] == [
        ("2 fps", Fraction(2), "high", 3, 640, "m"),
        ("low", Fraction(1), "low", 3, 640, "m"),
        ("slow", Fraction(1, 2), "high", 3, 512, "m"),
    ]


def test_rate_that_is_given_twice_is_one_policy() -> None:
    rates = ("1", "1.0", "2/2", "every-frame", "every-frame", "30000/1001")
    assert [policy.fps for policy in request(fps=rates).policies] == [
        Fraction(1),
        None,
        Fraction(30000, 1001),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11-22T10:00:00+02:00", datetime(2026, 11, 22, 8, tzinfo=UTC)),
        ("2026-11-22T10:00:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
    ],
)
def test_day_is_read_in_utc(text: str, expected: datetime) -> None:
    assert request(at=text).at == expected


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"fps": ("1e3",)}, "--fps '1e3'"),
        ({"fps": ("1", "")}, "--fps ''"),
        ({"detail": "huge"}, "--detail 'huge'"),
        ({"at": "9999-12-31T23:59:59-12:00"}, "--at '9999"),
        ({"turns_per_min": "-1"}, "--turns-per-min '-1'"),
        ({"sweep": True, "coverage": "off"}, "--sweep and --coverage off"),
        ({"fps": ("1",), "policy_texts": ("1 fps: fps=2",)}, "two policies are named '1 fps'"),
        ({"policy_texts": ("a: fps=1", "a: fps=2")}, "two policies are named 'a'"),
        ({"policy_file": Path("none.toml")}, "--policies none.toml cannot be read"),
    ],
)
def test_mistake_names_its_option(options: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError) as caught:
        request(**options)
    assert named in caught.value.message


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("[policies", "is not TOML"),
        ("", "has no tables"),
        ("[policies]", "has no tables"),
        ("policies = 1", "has no tables"),
        ("[policies]\nslow = 1", "has no tables"),
        ("[policies.slow]\nspeed = 1", "policy 'slow': 'speed' is not a key"),
        ("[policies.slow]\nfps = true", "policy 'slow': fps 'True'"),
        ("[policies.slow]\nwindow = 1.5", "policy 'slow': window '1.5'"),
    ],
)
def test_mistake_in_a_file_names_the_file(tmp_path: Path, content: str, wrong: str) -> None:
    path = tmp_path / "policies.toml"
    path.write_text(content)
    with pytest.raises(UsageError) as caught:
        request(policy_file=path)
    assert caught.value.message.startswith(f"--policies {path}")
    assert wrong in caught.value.message
