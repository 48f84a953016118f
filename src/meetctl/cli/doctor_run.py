"""Making the doctor's checks, showing what they find, and failing by it."""

from __future__ import annotations

import asyncio
from difflib import get_close_matches
from typing import TYPE_CHECKING

from meetctl import bootstrap
from meetctl.cli.configuration import make_sources, read_config_files, warn_of_files
from meetctl.cli.doctor_output import FindingDisplay, make_doctor_document, summarize
from meetctl.cli.doctor_plan import CHECKS, plan_checks
from meetctl.cli.output import print_json, print_lines
from meetctl.errors import MeetctlError, ServiceError, UsageError
from meetctl.services.doctor import run_checks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meetctl.core.config import Environment
    from meetctl.domain.diagnosis import Diagnosis


def run_doctor(
    *,
    only: Sequence[str],
    environment: Environment | None,
    url: str | None,
    agent_name: str | None,
    defaults: Mapping[str, str],
    json: bool,
) -> None:
    """Make the checks, show each finding as soon as it is there, and fail when one has failed.

    `only` names checks that are made alone; without `agent_name` the configured one counts; `defaults` are
    the options' own, by their variables.

    Raises:
        UsageError: The configuration is wrong, or there is no check of a name in `only`.
        ServiceError: A service failed.
        MeetctlError: Something of this machine is not as it must be.
    """
    _check_names(only)
    files = read_config_files()
    warn_of_files(files)
    sources = make_sources(files, url=url, environment=environment)
    checks = plan_checks(files, sources, agent_name=agent_name, defaults=defaults)
    with FindingDisplay(is_quiet=json) as display:
        diagnosis = asyncio.run(
            run_checks(
                [check for check in checks if not only or check.name in only],
                clock=bootstrap.system_clock(),
                begun=display.begin,
                found=display.show,
            )
        )
    if json:
        print_json(make_doctor_document(sources.environment, files.profile, diagnosis))
    else:
        print_lines([summarize(diagnosis)])
    _raise_failure(diagnosis)


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if name not in CHECKS:
            near = get_close_matches(name, CHECKS, n=1)
            raise UsageError(
                f"--only {name!r} is no check" + (f"; did you mean {near[0]}?" if near else ""),
                hint=f"the checks are {', '.join(CHECKS)}",
            )


def _raise_failure(diagnosis: Diagnosis) -> None:
    kinds: dict[str, type[MeetctlError]] = {
        "configuration": UsageError,
        "service": ServiceError,
        "machine": MeetctlError,
    }
    if diagnosis.blame is not None:
        raise kinds[diagnosis.blame](f"failed: {', '.join(diagnosis.failed)}")
