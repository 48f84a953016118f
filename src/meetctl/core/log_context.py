"""Whose line it is: the tenant, session, room and turn that every line of a meeting carries."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CONTEXT_FIELDS = ("tenant", "session_id", "room", "turn", "job_id")
"""What a line says of where it comes from, in this order."""


class LogContext:
    """What is known of the one meeting of a process; safe to use from any thread.

    A process holds one meeting, so its context holds for every thread and every library in it, which a
    context variable would not.

    >>> context = LogContext()
    >>> context.bind(room="demo", turn=1)
    >>> context.bind(turn=2)
    >>> dict(context.fields)
    {'room': 'demo', 'turn': 2}
    """

    def __init__(self) -> None:
        self._fields: Mapping[str, str | int] = MappingProxyType({})

    def bind(self, **fields: str | int | None) -> None:
        """Let every line from now on carry these fields; None takes a field away.

        Raises:
            ValueError: A name is none of `CONTEXT_FIELDS`.
        """
        unknown = fields.keys() - set(CONTEXT_FIELDS)
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))}: no such field of a log's context")
        merged = {**self._fields, **fields}
        # One assignment, so that another thread sees either the old fields or the new ones.
        self._fields = MappingProxyType({name: value for name, value in merged.items() if value is not None})

    @property
    def fields(self) -> Mapping[str, str | int]:
        """The fields as they are now; never changed afterwards."""
        return self._fields
