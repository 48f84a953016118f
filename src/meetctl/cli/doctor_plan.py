"""Which checks the doctor makes: on what the configuration names, as far as that can be used."""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from meetctl import bootstrap
from meetctl.bootstrap import doctor as wiring
from meetctl.bootstrap.rooms import local_workers
from meetctl.core.config import (
    KEY_VARIABLES,
    find_backend,
    find_livekit,
    find_provider,
    find_voices,
)
from meetctl.core.effective import find_all_problems, list_values
from meetctl.domain.diagnosis import BilledUse, Finding
from meetctl.errors import UsageError
from meetctl.services import doctor_checks as at_home
from meetctl.services import doctor_services as away
from meetctl.services.doctor import Check, skip

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from meetctl.core.config import BackendAccess, ProviderAccess, Sources, Speaker
    from meetctl.core.config_files import ConfigFiles
    from meetctl.core.local_stack import LiveKitAccess

CHECKS = (
    *("configuration", "keys", "livekit", "clock", "worker", "dispatch", "media"),
    *("backend", "prices", "disk", "codecs", "programs"),
)
"""The names of the checks, in their order; media finds "udp" and "tcp"."""

FoundT = TypeVar("FoundT")


def plan_checks(
    files: ConfigFiles, sources: Sources, *, agent_name: str | None, defaults: Mapping[str, str]
) -> list[Check]:
    """Return all checks, in the order of `CHECKS`; `defaults` are the options' own, by their variables.

    Without `agent_name` the configured one counts.
    """
    values = {one.variable.name: one.value or "" for one in list_values(sources, defaults)}
    access = _or_none(lambda: find_livekit(sources))
    return [
        _check("configuration", lambda: _examine_configuration(files, sources)),
        _check("keys", lambda: _examine_keys(sources)),
        *_plan_server(access, agent_name or values["MEETCTL_AGENT_NAME"]),
        _plan_backend(sources),
        _check("prices", lambda: _examine_prices(sources, values)),
        _check("disk", lambda: at_home.check_disk(wiring.this_machine(), _sessions(values))),
        _check("codecs", lambda: at_home.check_codecs(wiring.this_machine())),
        _check("programs", lambda: _examine_programs(sources, has_server=access is not None)),
    ]


def _check(name: str, examine: Callable[[], Finding]) -> Check:
    """Return a check that waits for nothing but this machine."""

    async def run() -> Sequence[Finding]:
        return [await asyncio.to_thread(examine)]

    return Check(name=name, examine=run)


def _or_none(find: Callable[[], FoundT]) -> FoundT | None:
    """Return what is found; None where the configuration is wrong, which its own check tells."""
    try:
        return find()
    except UsageError:
        return None


def _examine_configuration(files: ConfigFiles, sources: Sources) -> Finding:
    problems = find_all_problems(files, sources)
    missing = [problem.variable for problem in problems if problem.variable]
    hint = sources.hint(missing) if missing else "`meetctl config show` names every value's source"
    return at_home.check_configuration([problem.message for problem in problems], hint)


def _examine_keys(sources: Sources) -> Finding:
    keys, offline = {}, []
    for provider, name in KEY_VARIABLES.items():
        if key := _or_none(partial(sources.values.get, name)):
            keys[name] = key
        elif sources.offline_url:
            offline.append(provider)
    return at_home.check_keys(keys, offline, has_other_address=sources.values.has("OPENAI_BASE_URL"))


def _plan_server(access: LiveKitAccess | None, agent_name: str) -> list[Check]:
    clock = bootstrap.system_clock()

    async def livekit(access: LiveKitAccess) -> Sequence[Finding]:
        async with aclosing(bootstrap.room_admin(access)) as admin:
            return [await away.check_livekit(admin, clock, access.url)]

    async def skew(access: LiveKitAccess) -> Sequence[Finding]:
        return [await away.check_clock(wiring.server_clock(access), clock)]

    async def worker(access: LiveKitAccess) -> Sequence[Finding]:
        return [await away.check_worker(local_workers(), access.url, agent_name)]

    async def dispatch(access: LiveKitAccess) -> Sequence[Finding]:
        async with aclosing(bootstrap.room_admin(access)) as admin:
            workers = local_workers()
            found = await away.check_dispatch(admin, workers, clock, agent_name=agent_name, url=access.url)
            return [found]

    async def media(access: LiveKitAccess) -> Sequence[Finding]:
        async with aclosing(bootstrap.room_admin(access)) as admin:
            return await away.check_media(admin, wiring.media_probe(access))

    return [
        _at_server("livekit", livekit, access),
        _at_server("clock", skew, access, needs=("livekit",)),
        _at_server("worker", worker, access),
        _at_server("dispatch", dispatch, access, needs=("livekit",)),
        _at_server("media", media, access, finds=("udp", "tcp"), needs=("livekit",)),
    ]


def _at_server(
    name: str,
    examine: Callable[[LiveKitAccess], Awaitable[Sequence[Finding]]],
    access: LiveKitAccess | None,
    *,
    finds: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
) -> Check:
    """Return a check of the server; without one it says so."""

    async def run() -> Sequence[Finding]:
        if access is None:
            nowhere = "the configuration names no server that could be asked"
            return [skip(finding, nowhere) for finding in finds or (name,)]
        return await examine(access)

    return Check(name=name, examine=run, finds=finds, needs=needs)


def _plan_backend(sources: Sources) -> Check:
    access: BackendAccess | None = _or_none(lambda: find_backend(sources))

    async def examine() -> Sequence[Finding]:
        if access is None:
            wrong = "what is configured cannot be used" if sources.has_backend else "none is configured"
            return [skip("backend", wrong)]
        async with aclosing(bootstrap.open_backend(access)) as backend:
            return [await away.check_backend(backend, access.url)]

    return Check(name="backend", examine=examine)


def _examine_prices(sources: Sources, values: Mapping[str, str]) -> Finding:
    names = filter(None, values["MEETCTL_PRICES"].split(os.pathsep))
    try:
        book = bootstrap.price_book([Path(name) for name in names])
    except UsageError as error:
        return Finding(
            check="prices",
            status="fail",
            message=error.message,
            hint=error.hint or "",
            blame="configuration",
        )
    return at_home.check_prices(book, list(_list_uses(sources, values)), bootstrap.system_clock().now())


def _list_uses(sources: Sources, values: Mapping[str, str]) -> Iterator[BilledUse]:
    """Return what is billed of the providers that can be used."""

    def billed(
        use: str, access: ProviderAccess | None, *units: str, detail: str | None = None
    ) -> list[BilledUse]:
        if access is None:
            return []
        return [BilledUse(use=use, model=access.priced_model, units=units, detail=detail)]

    for model in (values["MEETCTL_MODEL"], *values["MEETCTL_FALLBACK_MODEL"].split()):
        access = _or_none(partial(find_provider, "openai", model, sources))
        yield from billed("model", access, "input_tokens", "output_tokens", detail=values["MEETCTL_DETAIL"])
    ears = _or_none(lambda: find_provider("deepgram", values["MEETCTL_STT_MODEL"], sources))
    yield from billed("ears", ears, "minutes")
    speaker = cast("Speaker", values["MEETCTL_VOICE"].lower())
    voices = _or_none(lambda: find_voices(speaker, values["MEETCTL_TTS_MODEL"] or None, sources))
    if voices is not None:
        for voice in dict.fromkeys((voices.usual, voices.premium, *voices.fallbacks)):
            yield from billed("voice", voice, "characters")


def _examine_programs(sources: Sources, *, has_server: bool) -> Finding:
    try:
        programs = wiring.local_programs(os.environ)
    except UsageError as error:
        return Finding(check="programs", status="warn", message=error.message, hint=error.hint or "")
    return at_home.check_programs(programs, environment=sources.environment, has_server=has_server)


def _sessions(values: Mapping[str, str]) -> Path:
    return Path(values["MEETCTL_SESSIONS"]).absolute()
