"""Examining everything that meetings need, one check after another, without spending anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meetctl.domain.diagnosis import Diagnosis, Finding, list_names

if TYPE_CHECKING:
    from meetctl.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing to examine."""

    name: str
    examine: Callable[[], Awaitable[Sequence[Finding]]]
    """Returns what was found; raises nothing."""
    finds: tuple[str, ...] = ()
    """The names of its findings, where they are not its own."""
    needs: tuple[str, ...] = ()
    """The checks without whose success this one would say nothing new."""

    def skip(self, why: str) -> tuple[Finding, ...]:
        """Return that it was not made."""
        return tuple(skip(name, why) for name in self.finds or (self.name,))


async def run_checks(
    checks: Sequence[Check],
    *,
    clock: Clock,
    begun: Callable[[str], None],
    found: Callable[[Finding], None],
) -> Diagnosis:
    """Run checks in their order; `begun` is told each one's name, `found` each finding.

    A check that needs one which has failed, or was skipped, is skipped. Of one that is not among them nothing
    is known, so nothing is skipped for it.
    """
    findings: list[Finding] = []
    for check in checks:
        begun(check.name)
        begun_s = clock.monotonic()
        missing = _without_success(check.needs, findings)
        if missing:
            made: Sequence[Finding] = check.skip(f"needs {list_names(missing)}")
        else:
            made = await check.examine()
        seconds = clock.monotonic() - begun_s
        for one in made:
            finding = replace(one, seconds=round(seconds, 3))
            findings.append(finding)
            found(finding)
    return Diagnosis(findings=tuple(findings))


def skip(check: str, why: str) -> Finding:
    """Return that a check was not made."""
    return Finding(check=check, status="skipped", message=why)


def _without_success(names: Collection[str], findings: Sequence[Finding]) -> list[str]:
    return [one.check for one in findings if one.check in names and one.status in ("fail", "skipped")]
