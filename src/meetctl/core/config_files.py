"""Configuration files: TOML whose keys stand for variables, with profiles, and `${VARIABLE}` in values."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from meetctl.core.values import Found
from meetctl.core.variables import VARIABLES, Form, Variable
from meetctl.errors import UsageError

FileRole = Literal["working directory", "user", "named"]
"""Whose file it is; a `named` one is read instead of the others."""

_PROFILES = "profiles"
_BY_KEY: Mapping[str, Variable] = {variable.key: variable for variable in VARIABLES.values()}
_REFERENCE = re.compile(
    r"\$\$\{|\$\{(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\}|(?P<bad>\$\{)", re.ASCII
)
_MAX_DOTS = 8
"""More than in any key that we know, and few enough for any file to be read."""
_SEPARATORS = {Form.NAMES: " ", Form.PATHS: os.pathsep}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a file says of one variable."""

    key: str
    variable: Variable
    texts: tuple[str, ...] = field(repr=False)
    """As written, before anything is put in for `${VARIABLE}`; several only of a list."""

    @property
    def is_plain_secret(self) -> bool:
        """Whether it is a secret that can be read in the file itself."""
        return self.variable.is_secret and any(text.strip() and "${" not in text for text in self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLayer:
    """The values of one file, or of a profile in it, by the names of their variables."""

    label: str
    directory: Path
    entries: Mapping[str, Entry]
    environment: Mapping[str, str] = field(repr=False)
    """What `${VARIABLE}` is taken from."""

    def find(self, name: str) -> Found | None:
        """Return a variable's value, with everything put in; None where the file says nothing of it.

        Raises:
            UsageError: It asks for a variable of the environment that is not set and has no default.
        """
        entry = self.entries.get(name)
        if entry is None:
            return None
        source = f"{entry.key} in {self.label}"
        texts = [self._complete(entry, text, source) for text in entry.texts]
        return Found(value=_join(entry.variable.form, texts, source), source=source, kind="file")

    def _complete(self, entry: Entry, text: str, source: str) -> str:
        try:
            value = interpolate(text, self.environment)
        except UsageError as error:
            raise UsageError(f"{source} {error.message}", hint=error.hint) from None
        bare = value.strip()
        if entry.variable.form not in (Form.PATH, Form.PATHS) or not bare or bare in entry.variable.words:
            return value
        return str(self.directory / Path(bare).expanduser())


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """One file that was looked for, and what is in it."""

    path: Path
    label: str
    """What people call it."""
    role: FileRole
    is_there: bool = False
    own: FileLayer | None = None
    profiles: Mapping[str, FileLayer] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    """All that is wrong with it, each with the file's name; a file with problems says nothing."""
    exposed_keys: tuple[str, ...] = ()
    """Secrets in plain text that others than the owner may read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFiles:
    """All files that were looked for, strongest first, and the profile that was asked for."""

    files: tuple[ConfigFile, ...]
    profile: str | None = None

    def check(self) -> None:
        """Check that the files can be used.

        Raises:
            UsageError: Something is wrong with a file, or no file has the profile.
        """
        if problems := self.find_problems():
            raise UsageError("; ".join(problems), hint="`meetctl config check` tells all that is wrong")

    def layers(self) -> list[FileLayer]:
        """Return their values, strongest first: of each file the profile's before its own."""
        layers = []
        for file in self.files:
            chosen = self._chosen(file)
            layers += [layer for layer in (chosen, file.own) if layer is not None]
        return layers

    def _chosen(self, file: ConfigFile) -> FileLayer | None:
        return file.profiles.get(self.profile) if self.profile is not None else None

    @property
    def allows_lk(self) -> bool:
        """Whether lk's own configuration may be looked at: not where one file is named."""
        return all(file.role != "named" for file in self.files)

    def overridden_names(self, environment: Mapping[str, str]) -> list[str]:
        """Return which of the profile's variables the environment sets as well."""
        chosen = filter(None, map(self._chosen, self.files))
        names = dict.fromkeys(name for layer in chosen for name in layer.entries)
        return [name for name in names if environment.get(name, "").strip()]

    def find_problems(self) -> list[str]:
        """Return all that is wrong with the files, and with the profile."""
        problems = [problem for file in self.files for problem in file.problems]
        known = sorted({name for file in self.files for name in file.profiles})
        if self.profile is not None and self.profile not in known and not problems:
            there = f"; there are {', '.join(known)}" if known else ""
            problems.append(f"profile {self.profile!r} is in no file{_suggest(self.profile, known) or there}")
        return problems


def find_files(environment: Mapping[str, str], directory: Path, user_directory: Path) -> list[ConfigFile]:
    """Return the files to look for, strongest first, unread.

    `MEETCTL_CONFIG` names one that is read instead of the one in the working `directory` and the user's own.
    """
    if named := environment.get("MEETCTL_CONFIG", "").strip():
        path = Path(named).expanduser()
        return [ConfigFile(path=directory / path, label=named, role="named")]
    user = user_directory / "config.toml"
    return [
        ConfigFile(path=directory / "meetctl.toml", label="meetctl.toml", role="working directory"),
        ConfigFile(path=user, label=_shorten_home(user), role="user"),
    ]


def read_files(files: Sequence[ConfigFile], environment: Mapping[str, str]) -> ConfigFiles:
    """Read files; `MEETCTL_PROFILE` names the profile. What is wrong with a file is one of its `problems`."""
    return ConfigFiles(
        files=tuple(_read_file(file, environment) for file in files),
        profile=environment.get("MEETCTL_PROFILE", "").strip() or None,
    )


def interpolate(text: str, environment: Mapping[str, str]) -> str:
    """Put the environment's values in for `${NAME}` and `${NAME:-default}`; `$${` is a plain `${`.

    As in a shell, the default also stands in for an empty variable.

    >>> interpolate("wss://${HOST:-localhost}:7880", {})
    'wss://localhost:7880'

    Raises:
        UsageError: A variable is not set and has no default; the words follow the name of what asks for it.
    """

    def put_in(match: re.Match[str]) -> str:
        if match["bad"]:
            raise UsageError("holds a ${ that is no ${NAME}", hint="a plain ${ is written $${")
        name, default = match["name"], match["default"]
        if name is None:
            return "${"
        value = environment.get(name, "")
        if not value and default is None:
            raise UsageError(
                f"asks for ${{{name}}}, which is not set", hint=f"set {name}, or write ${{{name}:-default}}"
            )
        return value or default or ""

    return _REFERENCE.sub(put_in, text)


def _read_file(file: ConfigFile, environment: Mapping[str, str]) -> ConfigFile:
    import tomllib

    try:
        return _Reader(file, environment).read(tomllib.loads(file.path.read_bytes().decode()))
    except FileNotFoundError:
        missing = (f"{file.label} (named by MEETCTL_CONFIG) does not exist",) if file.role == "named" else ()
        return ConfigFile(path=file.path, label=file.label, role=file.role, problems=missing)
    except OSError as error:
        return _broken(file, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        return _broken(file, "is not UTF-8 text")
    except tomllib.TOMLDecodeError as error:
        return _broken(file, f"is no TOML: {error}")
    except RecursionError:
        return _broken(file, "is nested too deeply")


def _broken(file: ConfigFile, what: str) -> ConfigFile:
    return ConfigFile(
        path=file.path, label=file.label, role=file.role, is_there=True, problems=(f"{file.label} {what}",)
    )


class _Reader:
    """Reads one file's document, and collects what is wrong with it."""

    def __init__(self, file: ConfigFile, environment: Mapping[str, str]) -> None:
        self._file = file
        self._environment = environment
        self._problems: list[str] = []

    def read(self, document: Mapping[str, object]) -> ConfigFile:
        own = self._read_layer({key: value for key, value in document.items() if key != _PROFILES})
        profiles = {
            name: self._read_layer(table, (_PROFILES, name)) for name, table in self._tables(document)
        }
        entries = [entry for layer in (own, *profiles.values()) for entry in layer.entries.values()]
        return ConfigFile(
            path=self._file.path,
            label=self._file.label,
            role=self._file.role,
            is_there=True,
            own=None if self._problems else own,
            profiles={} if self._problems else profiles,
            problems=tuple(self._problems),
            exposed_keys=tuple(entry.key for entry in entries if entry.is_plain_secret)
            if _others_may_read(self._file.path)
            else (),
        )

    def _tables(self, document: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Return the profiles' tables by their names."""
        profiles = document.get(_PROFILES, {})
        for name, table in profiles.items() if isinstance(profiles, dict) else [("", profiles)]:
            if isinstance(table, dict):
                yield name, table
            else:
                key = f"{_PROFILES}.{name}".removesuffix(".")
                self._problems.append(
                    f"{key} in {self._file.label} is {_describe(table)}, where a table belongs"
                )

    def _read_layer(self, table: Mapping[str, object], prefix: tuple[str, ...] = ()) -> FileLayer:
        entries = {}
        for key, value in _flatten(table):
            shown = ".".join((*prefix, key))
            variable = _BY_KEY.get(key)
            if _is_table(key):
                self._problems.append(
                    f"{shown} in {self._file.label} is {_describe(value)}, where a table belongs"
                )
            elif variable is None:
                near = _suggest(key, _BY_KEY)
                self._problems.append(f"{self._file.label} has an unknown key {shown}{near}")
            elif (texts := _read_texts(variable.form, value)) is None:
                wanted = f"where {variable.form.value} belongs"
                self._problems.append(f"{shown} in {self._file.label} is {_describe(value)}, {wanted}")
            else:
                entries[variable.name] = Entry(key=shown, variable=variable, texts=texts)
        return FileLayer(
            label=self._file.label,
            directory=self._file.path.parent,
            entries=entries,
            environment=self._environment,
        )


def _flatten(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Return the values of nested tables by keys with dots; a table that is itself a value stays one."""
    for name, value in table.items():
        key = prefix + name
        if not isinstance(value, dict) or key in _BY_KEY or key.count(".") > _MAX_DOTS:
            yield key, value
        elif value:
            yield from _flatten(value, f"{key}.")
        elif not _is_table(key):
            yield key, value


def _is_table(key: str) -> bool:
    """Tell whether known keys lie below a key."""
    return any(known.startswith(f"{key}.") for known in _BY_KEY)


def _read_texts(form: Form, value: object) -> tuple[str, ...] | None:
    """Return a value as the texts that stand for it in the environment; None where it has another form."""
    if isinstance(value, str):
        return (value,)
    match form:
        case Form.FLAG if isinstance(value, bool):
            return (str(value).lower(),)
        case Form.NUMBER if isinstance(value, int | float) and not isinstance(value, bool):
            return (str(value),)
        case Form.NAMES | Form.PATHS if isinstance(value, list):
            return tuple(value) if all(isinstance(item, str) for item in value) else None
        case Form.TABLE if isinstance(value, dict):
            try:
                return (json.dumps(value),)
            except TypeError:
                return None
    return None


def _join(form: Form, texts: Sequence[str], source: str) -> str:
    """Return the texts as the environment would have them.

    Raises:
        UsageError: One holds what separates them.
    """
    separator = _SEPARATORS.get(form, "")
    parts = [text.strip() for text in texts] if separator else list(texts)
    # A single text may be several names, as in the environment.
    if separator and (len(parts) > 1 or form is Form.PATHS) and any(separator in part for part in parts):
        raise UsageError(f"{source} holds {separator!r} in a {form.value.removeprefix('a list of ')[:-1]}")
    return separator.join(part for part in parts if part) if separator else "".join(parts)


def _describe(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    names = {str: "a text", int: "a number", float: "a number", dict: "a table", list: "a list"}
    return names.get(type(value), "a date or a time")


def _suggest(name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _others_may_read(path: Path) -> bool:
    try:
        return os.name == "posix" and bool(path.stat().st_mode & 0o077)
    except OSError:
        return False


def _shorten_home(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
