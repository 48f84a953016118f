"""From replay's options to an audit request; every mistake names its option."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from meetctl.domain.coverage import Method
from meetctl.domain.policy import (
    Policy,
    name_rate,
    parse_detail,
    parse_number,
    parse_policy,
    parse_rate,
    policy_from_fields,
)
from meetctl.errors import UsageError
from meetctl.services.replay import AuditRequest
from meetctl.services.requests import TurnsChoice


def make_request(
    *,
    fps: Sequence[str],
    policy_texts: Sequence[str],
    policy_file: Path | None,
    model: str,
    detail: str,
    window: int,
    side: int | None,
    sweep: bool,
    coverage: Method,
    turns: TurnsChoice,
    turns_per_min: str,
    at: str | None,
    thumbnails: bool,
) -> AuditRequest:
    """Read all options that say what to audit.

    Raises:
        UsageError: One of them does not fit.
    """
    if sweep and coverage == "off":
        raise UsageError(
            "--sweep and --coverage off contradict each other",
            hint="a sweep chooses by coverage: --coverage packets is the fast way to find it",
        )
    with _naming("--"):
        parse_detail(detail)
    base = Policy(name="base", fps=Fraction(1), window=window, detail=detail, model=model, side=side)
    with _naming("--"):
        rates = dict.fromkeys(parse_rate(text) for text in fps)
    policies = [replace(base, name=name_rate(rate), fps=rate) for rate in rates]
    policies += [parse_policy(text, base) for text in policy_texts]
    policies += _read_policies(policy_file, base) if policy_file else []
    if not policies and not sweep:
        policies = [replace(base, name=name_rate(base.fps))]
    _refuse_twins(policy.name for policy in policies)
    return AuditRequest(
        base=base,
        policies=tuple(policies),
        sweep=sweep,
        coverage=coverage,
        turns=turns,
        turns_per_min=parse_number("--turns-per-min", turns_per_min),
        at=_parse_day(at) if at else None,
        thumbnails=thumbnails,
    )


@contextmanager
def _naming(prefix: str) -> Iterator[None]:
    """Put the option or file that a value comes from before what is wrong with it."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{prefix}{error.message}", hint=error.hint) from None


def _read_policies(path: Path, base: Policy) -> list[Policy]:
    """Read [policies.NAME] tables; values may be numbers or texts, as TOML likes."""
    import tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--policies {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--policies {path} is not TOML: {error}") from error
    tables = document.get("policies")
    if not isinstance(tables, dict) or not tables or not all(isinstance(t, dict) for t in tables.values()):
        raise UsageError(f"--policies {path} has no tables [policies.NAME]")
    with _naming(f"--policies {path}: "):
        return [
            policy_from_fields(name, {key: str(value) for key, value in table.items()}, base)
            for name, table in tables.items()
        ]


def _refuse_twins(names: Iterable[str]) -> None:
    twins = [name for name, count in Counter(names).items() if count > 1]
    if twins:
        raise UsageError(f"two policies are named {twins[0]!r}", hint="give each --policy a name of its own")


def _parse_day(text: str) -> datetime:
    """Read a day or a moment; a day means its start in UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"--at {text!r} is not a date", hint="write it as 2026-11-22") from None
