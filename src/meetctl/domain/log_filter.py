"""Which lines are wanted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from meetctl.domain.log_level import Level, find_level, highest_level, reaches, words_of_level
from meetctl.domain.log_line import LogLine, peek_type
from meetctl.domain.log_where import Needles, Where, quote_plain

_LITERAL = re.compile(r"[\w:@ ,;=#%!-]+", re.ASCII)
"""Patterns that stand for themselves, in characters that JSON has as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """What a line has to be; everything that is not given admits all."""

    since: str = ""
    """The earliest time, as `format_time` shows it."""
    until: str = ""
    level: Level = "debug"
    tenant: str | None = None
    session: str | None = None
    """A session's id, or its beginning or its end."""
    room: str | None = None
    turn: int | None = None
    types: tuple[str, ...] = ()
    """Types of events, of which one must fit; `*` and `?` as in file names."""
    patterns: tuple[re.Pattern[str], ...] = ()
    """All of these are found in the line."""
    unwanted: tuple[re.Pattern[str], ...] = ()
    """None of these is."""
    where: tuple[Where, ...] = ()

    @property
    def needles(self) -> Needles:
        """What a line that is admitted must contain: of each group at least one."""
        groups: list[tuple[bytes, ...]] = []
        for name in (self.tenant, self.room):
            quoted = quote_plain(name) if name is not None else None
            groups += [(quoted,)] if quoted else []
        if self.session is not None and quote_plain(self.session):
            groups.append((self.session.encode(),))
        if self.turn is not None:
            # A blank before the colon is allowed, and then no digit is certain.
            groups.append((b'"turn":%d' % self.turn, b'"turn": %d' % self.turn, b'"turn" '))
        if self.types and not any(set("*?[") & set(kind) for kind in self.types):
            kinds = [quote_plain(kind) for kind in self.types]
            groups += [tuple(kind for kind in kinds if kind)] if all(kinds) else []
        if words := words_of_level(self.level):
            groups.append(tuple(f'"{word}"'.encode() for word in words))
        for pattern in self.patterns:
            if pattern.flags & re.IGNORECASE == 0 and _is_literal(pattern.pattern):
                groups.append((pattern.pattern.encode(),))
        return (*groups, *(group for where in self.where for group in where.needles))

    def make_test(self) -> LineTest:
        """Return the same as a test of lines, which knows what need not be asked."""
        return LineTest(raw=tuple(self._raw_checks()), line=tuple(self._line_checks()))

    def _raw_checks(self) -> Iterator[Callable[[bytes], bool]]:
        if self.level != "debug":
            yield self._may_reach
        if self._is_searched:
            yield lambda raw: b"\\u" in raw or self._fits_text(raw.decode("utf-8", "surrogateescape"))

    def _line_checks(self) -> Iterator[Callable[[LogLine], bool]]:
        if self.since:
            yield lambda line: line.time >= self.since
        if self.until:
            yield lambda line: line.time < self.until
        if self._is_searched:
            yield lambda line: b"\\u" not in line.raw or self._fits_text(_unescaped(line))
        if self.level != "debug":
            yield lambda line: reaches(find_level(line.document or {}), self.level)
        for name in ("turn", "room", "tenant"):
            if (wanted := getattr(self, name)) is not None:
                yield _fits(name, wanted)
        if (session := self.session) is not None:
            yield lambda line: fits_session(line.session, session)
        if self.types:
            yield lambda line: self._fits_type(line.event_type)
        for where in self.where:
            yield _holds(where)

    @property
    def _is_searched(self) -> bool:
        return bool(self.patterns or self.unwanted)

    def _may_reach(self, raw: bytes) -> bool:
        kind = peek_type(raw)
        return kind is None or reaches(highest_level(kind), self.level)

    def _fits_type(self, kind: str | None) -> bool:
        return kind is not None and any(fnmatchcase(kind, wanted) for wanted in self.types)

    def _fits_text(self, text: str) -> bool:
        return all(pattern.search(text) for pattern in self.patterns) and not any(
            pattern.search(text) for pattern in self.unwanted
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTest:
    """Tests lines in two steps: what can be seen without reading a line's object, and the rest."""

    raw: tuple[Callable[[bytes], bool], ...]
    line: tuple[Callable[[LogLine], bool], ...]

    def admits(self, line: LogLine) -> bool:
        """Tell whether a line is wanted."""
        return self.may_pass(line.raw) and self.passes(line)

    def may_pass(self, raw: bytes) -> bool:
        """Tell whether a line is worth reading."""
        # A loop, as this is asked of millions of lines.
        for check in self.raw:  # noqa: SIM110
            if not check(raw):
                return False
        return True

    def passes(self, line: LogLine) -> bool:
        """Tell whether a line is wanted that is worth reading."""
        for check in self.line:  # noqa: SIM110
            if not check(line):
                return False
        return True


def fits_session(session_id: str, wanted: str) -> bool:
    """Tell whether a session's id is the wanted one, or begins or ends with it."""
    return session_id.startswith(wanted) or session_id.endswith(wanted)


def _fits(name: str, wanted: object) -> Callable[[LogLine], bool]:
    return lambda line: getattr(line, name) == wanted


def _holds(where: Where) -> Callable[[LogLine], bool]:
    return lambda line: line.document is not None and where.holds(line.document)


def _is_literal(pattern: str) -> bool:
    return bool(_LITERAL.fullmatch(pattern))


def _unescaped(line: LogLine) -> str:
    """Return the line with characters in place of their escapes, so that "é" is found in any spelling."""
    return line.text if line.document is None else json.dumps(line.document, ensure_ascii=False)
