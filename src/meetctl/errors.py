"""Every error that meetctl raises on purpose, each with its exit code and a hint.

MeetctlError                 1  failed
├── MediaError               1  a file is no media, has no video, or cannot be read
├── LogError                 1  a log or a journal cannot be read
├── OutputError              1  a result could not be written
├── UsageError               2  wrong option, file or configuration
│   └── UnknownModelError    2  no image-token rule for a model; names close matches
├── ServiceError             3  a service could not be reached or refused us
│   ├── BackendError         3  the platform's backend failed one call; says how
│   └── NotFoundError        3  a room, a participant, a track or a dispatch is not there
└── CheckFailedError         4  an --assert or --verify did not hold, or is undecided
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, Literal

BackendFailure = Literal["unreachable", "timeout", "refused", "not found", "wrong answer", "failed", "paused"]
"""How a call to the backend can fail.

`refused` is about our key or our rights, `wrong answer` an answer in a shape that nobody expects, `failed` an
error of its own, and `paused` a call that was not made, because the ones before it failed.
"""


class ExitCode(IntEnum):
    """What meetctl's exit status means; docs/exit-codes.md explains each to users."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    SERVICE = 3
    CHECK_FAILED = 4
    PARTIAL = 5
    INTERRUPTED = 130


class MeetctlError(Exception):
    """A failure with one plain sentence for the user and, where there is one, a remedy."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the hint when an error crosses from a worker process."""
        return (_rebuild, (type(self), self.message, self.hint))


def _rebuild(kind: type[MeetctlError], message: str, hint: str | None) -> MeetctlError:
    return kind(message, hint=hint)


class MediaError(MeetctlError):
    """A recording could not be read: no media, no video, or nothing left to salvage."""


class LogError(MeetctlError):
    """A log or a journal that was asked for cannot be read."""


class OutputError(MeetctlError):
    """A result could not be written where the user asked for it."""


class UsageError(MeetctlError):
    """Wrong usage or configuration; the message names the option, file or variable."""

    exit_code = ExitCode.USAGE


class UnknownModelError(UsageError):
    """No dated image-token rule covers this model at this time."""


class ServiceError(MeetctlError):
    """A service could not be reached, or refused us; the message names which one."""

    exit_code = ExitCode.SERVICE


class BackendError(ServiceError):
    """One call to the platform's backend failed; `reason` says how, in one of a few words."""

    def __init__(self, message: str, *, reason: BackendFailure, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason: BackendFailure = reason

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the reason too when an error crosses from a worker process."""
        return (_rebuild_backend_error, (self.message, self.reason, self.hint))


def _rebuild_backend_error(message: str, reason: BackendFailure, hint: str | None) -> BackendError:
    return BackendError(message, reason=reason, hint=hint)


class NotFoundError(ServiceError):
    """The LiveKit server has no such room, participant, track or dispatch."""


class CheckFailedError(MeetctlError):
    """An assertion or verification did not hold, or could not be decided."""

    exit_code = ExitCode.CHECK_FAILED
