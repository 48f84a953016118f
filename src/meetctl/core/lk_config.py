"""What LiveKit's own command line tool, `lk`, knows: projects with their servers' addresses and keys."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from meetctl.core.local_stack import LiveKitAccess
from meetctl.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class LkProjects:
    """The projects in lk's configuration."""

    is_there: bool = False
    projects: Mapping[str, LiveKitAccess]
    """By name; those without an address, a key or a secret are left out."""
    default: str | None = None
    problem: str | None = None
    """What is wrong with the file, which then has no projects."""
    is_exposed: bool = False
    """Whether others than the owner may read the secrets in it."""

    def find(self, name: str) -> LiveKitAccess:
        """Return the server of a project.

        Raises:
            UsageError: There is no such project; close matches are named.
        """
        if self.problem:
            raise UsageError(self.problem)
        if name not in self.projects:
            near = get_close_matches(name, self.projects, n=1, cutoff=0.5)
            known = f"did you mean {near[0]}?" if near else f"there are {', '.join(self.projects) or 'none'}"
            raise UsageError(f"lk has no project {name!r}; {known}", hint="`lk project add` adds one")
        return self.projects[name]


def lk_path() -> Path:
    """Return where lk keeps its configuration."""
    return Path.home() / ".livekit" / "cli-config.yaml"


def read_lk(path: Path) -> LkProjects:
    """Read lk's configuration; without the file there are no projects."""
    try:
        content = path.read_bytes()
        is_exposed = bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except FileNotFoundError:
        return LkProjects(projects={})
    except OSError as error:
        return _broken(path, f"cannot be read: {error.strerror}")
    import yaml

    try:
        document = yaml.safe_load(content)
    except (yaml.YAMLError, RecursionError, ValueError):
        # Its own words may quote a secret.
        return _broken(path, "is no YAML")
    if document is None:
        return LkProjects(is_there=True, projects={})
    if not isinstance(document, dict):
        return _broken(path, "is no configuration of lk")
    projects = document.get("projects") or []
    return LkProjects(
        is_there=True,
        projects=dict(filter(None, map(_read_project, projects if isinstance(projects, list) else []))),
        default=_text(document.get("default_project")) or None,
        is_exposed=is_exposed,
    )


def _read_project(project: object) -> tuple[str, LiveKitAccess] | None:
    if not isinstance(project, dict):
        return None
    fields: Mapping[str, Any] = project
    name, url, api_key, api_secret = (
        _text(fields.get(field)) for field in ("name", "url", "api_key", "api_secret")
    )
    if not (name and url and api_key and api_secret):
        return None
    return name, LiveKitAccess(url=url, api_key=api_key, api_secret=api_secret)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _broken(path: Path, what: str) -> LkProjects:
    return LkProjects(is_there=True, projects={}, problem=f"{path} {what}")
