"""A session's session.json: who and when, beside its journal and recording."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from meetctl import __version__
from meetctl.domain.policy_span import document_policy
from meetctl.errors import OutputError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from meetctl.agent.adapters import BundleAdapters
    from meetctl.core.config import AgentSettings

logger = logging.getLogger(__name__)

SCHEMA = "meetctl.session/1"
RecordingKind = Literal["live", "room"]
"""Whose stay it was: the agent's, or that of a recorder that takes part in nothing."""
_PACKAGES = ("livekit-agents", "livekit", "av")


class SessionDocument:
    """Writes what is known of a session when it starts, and all of it when it ends."""

    def __init__(
        self,
        directory: Path,
        *,
        session_id: str,
        room: str,
        recording: RecordingKind,
        config: Mapping[str, Any],
        adapters: BundleAdapters,
    ) -> None:
        """Write nothing yet; `config` is what an audit needs of the settings, without secrets."""
        self._directory = directory
        self._adapters = adapters
        self._started: dict[str, Any] = {
            "schema": SCHEMA,
            "session_id": session_id,
            "tenant_id": None,
            "room": room,
            "recording": recording,
            "started_at": _show_time(adapters.clock.now()),
            "config": config,
            "price_book": {"version": adapters.book.version},
            "versions": {"meetctl": __version__, **{name: version(name) for name in _PACKAGES}},
        }

    def write_start(self, tenant_id: str | None) -> None:
        """Write what is known at the start; what the disk refuses is logged."""
        self._write({**self._started, "tenant_id": tenant_id})

    def write_end(
        self, tenant_id: str | None, participants: Sequence[Mapping[str, str]], end: Mapping[str, Any]
    ) -> None:
        """Write all of it; `end` is what `session.ended` says."""
        self._write(
            {
                **self._started,
                "tenant_id": tenant_id,
                "ended_at": _show_time(self._adapters.clock.now()),
                "participants": list(participants),
                **end,
            }
        )

    def _write(self, document: Mapping[str, Any]) -> None:
        try:
            self._adapters.write_session(self._directory, document)
        except OutputError as error:
            logger.error("%s; the meeting goes on", error.message)


def describe_config(settings: AgentSettings) -> dict[str, Any]:
    """Return the settings that an audit needs, without secrets."""
    return {
        "policy": {**document_policy(settings.policy), "model": settings.llm.model},
        "record": settings.recording.text,
        "providers": {
            use: {"provider": access.billed_as, "model": access.model}
            for use, access in (("llm", settings.llm), ("stt", settings.stt), ("tts", settings.tts))
        },
    }


def _show_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
