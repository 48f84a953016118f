"""Servers that come as a whole: a project of lk's, or the local stack's."""

from __future__ import annotations

from dataclasses import dataclass

from meetctl.core.lk_config import LkProjects, read_lk
from meetctl.core.local_stack import LiveKitAccess
from meetctl.core.sources import LIVEKIT_VARIABLES, Sources
from meetctl.core.values import SourceKind, Values
from meetctl.errors import UsageError

_PROJECT = "MEETCTL_LIVEKIT_PROJECT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A server that comes as a whole: the address, the key and the secret belong together."""

    access: LiveKitAccess
    source: str
    """In words that follow "from"."""
    kind: SourceKind


def find_offer(sources: Sources) -> Offer | None:
    """Return the server that is taken as a whole; None where single values have to say which one.

    The strongest is a project of lk's that is named, unless something stronger than its name names a server.
    Then come the local stack and lk's default project, where no address but theirs is given. A key that is
    given by itself is never mixed with a project's address.

    Raises:
        UsageError: lk's configuration does not have the project that is named, or cannot be read.
    """
    values = sources.values
    url = values.get("LIVEKIT_URL")
    if named := values.get(_PROJECT):
        is_strongest = all(values.is_stronger(_PROJECT, name) for name in LIVEKIT_VARIABLES)
        if is_strongest or not _has_key(values):
            access = _read_projects(sources).find(named)
            if is_strongest or _is_same(url, access.url):
                return Offer(access=access, source=f"lk's project {named}", kind="lk")
    local = sources.local_livekit
    if local is not None and url in ("", local.url):
        return Offer(access=local, source="the local stack", kind="local stack")
    if _has_key(values):
        return None
    lk = _read_projects(sources)
    if lk.problem and not url:
        raise UsageError(lk.problem, hint="it is looked at because nothing else names a server")
    if url:
        fitting = (name for name, access in lk.projects.items() if _is_same(url, access.url))
        project = next(fitting, None)
    else:
        project = lk.default
    if project is None or project not in lk.projects:
        return None
    return Offer(access=lk.projects[project], source=f"lk's project {project}", kind="lk")


def _read_projects(sources: Sources) -> LkProjects:
    return read_lk(sources.lk_file) if sources.lk_file else LkProjects(projects={})


def _has_key(values: Values) -> bool:
    return bool(values.find("LIVEKIT_API_KEY") or values.find("LIVEKIT_API_SECRET"))


def _is_same(url: str, other: str) -> bool:
    return url.rstrip("/") == other.rstrip("/")
