"""What Deepgram's clients ask for and are told: the query, alternatives and errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from meetctl.stack.offline.connections import ProtocolError, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meetctl.stack.offline.recognition import Transcript

MODEL_INFO = {"name": "offline-pocketsphinx", "version": "5", "arch": "pocketsphinx"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenOptions:
    """What the query of a live connection asks for."""

    sample_rate: int
    interim_results: bool
    punctuate: bool
    vad_events: bool
    endpointing_s: float | None
    """Silence that ends an utterance; None where silence ends none."""
    utterance_end_s: float | None


def read_options(query: Mapping[str, str]) -> ListenOptions:
    """Read the query of a live connection.

    Raises:
        ProtocolError: The encoding, the rate or the number of channels is one that is not served here.
    """
    encoding = query.get("encoding", "")
    if encoding != "linear16":
        raise ProtocolError(f"encoding {encoding!r} is not served offline; use linear16")
    if query.get("channels", "1") != "1":
        raise ProtocolError("only one channel is served offline")
    sample_rate = _read_number(query, "sample_rate", 0)
    if not 8000 <= sample_rate <= 48000:
        raise ProtocolError("sample_rate must be 8000 to 48000")
    endpointing = None if query.get("endpointing") == "false" else _read_number(query, "endpointing", 10)
    utterance_end = _read_number(query, "utterance_end_ms", 0)
    return ListenOptions(
        sample_rate=sample_rate,
        interim_results=is_on(query, "interim_results"),
        punctuate=is_on(query, "punctuate") or is_on(query, "smart_format"),
        vad_events=is_on(query, "vad_events"),
        endpointing_s=None if endpointing is None else endpointing / 1000,
        utterance_end_s=utterance_end / 1000 or None,
    )


def error_response(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> web.Response:
    """Return an error as Deepgram shapes it."""
    document = {"err_code": code, "err_msg": message, "request_id": new_id()}
    return web.json_response(document, status=status, headers=headers)


def _read_number(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name, str(default))
    if not value.isdecimal():
        raise ProtocolError(f"{name} must be a number, not {value!r}")
    return int(value)


def is_on(query: Mapping[str, str], name: str) -> bool:
    """Tell whether a query switches an option on."""
    return query.get(name, "false").lower() == "true"


def describe_alternative(transcript: Transcript, *, offset_s: float, punctuated: bool) -> dict[str, Any]:
    """Return a transcript as an alternative of a channel, its times `offset_s` later."""
    words = [
        {
            "word": word.word,
            "punctuated_word": word.punctuated,
            "start": round(offset_s + word.start_s, 2),
            "end": round(offset_s + word.end_s, 2),
            "confidence": transcript.confidence,
        }
        for word in transcript.words
    ]
    return {
        "transcript": transcript.text(punctuated=punctuated),
        "confidence": transcript.confidence,
        "words": words,
    }
