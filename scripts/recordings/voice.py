"""The voice of the drawn meetings: meetctl's own synthesizer."""

from __future__ import annotations

from meetctl.stack.offline.voice import SpeechError, SpeechSynthesizer

__all__ = ["SpeechError", "SpeechSynthesizer"]
