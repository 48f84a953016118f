"""What a scripted person said, what it heard, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One thing the agent said, as a person in the room heard it."""

    text: str
    """What the agent transcribed of its own speech; empty when it sent no transcription."""
    first_audio_s: float
    """From the end of the person's own speech (or from joining, for a greeting) to the first audible
    sound, to 20 ms; negative when the agent began before the person had finished."""
    audio_s: float
    """From the first audible sound to the last."""
    interrupted: bool = False
    """The person spoke over it, and it fell silent for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One thing the person said, and what came of it."""

    said: str
    at_s: float
    """When the person began to speak, in seconds since it first joined."""
    speech_s: float
    """How long it spoke."""
    understood: str
    """What the agent says it understood; empty when it did not say."""
    answer: Answer | None
    """None when no answer was waited for, or none came."""
    interrupted: Answer | None = None
    """What the agent was saying when the person spoke over it; None when the agent was silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonReport:
    """A scripted person's account of a meeting."""

    identity: str
    name: str
    greeting: Answer | None
    """What the agent said before the person had said anything."""
    exchanges: tuple[Exchange, ...]
    """In the order in which things were said."""
    problems: tuple[str, ...]
    """What did not go as it should, one sentence each; empty when all went well."""

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The answers that came, without the greeting."""
        return tuple(exchange.answer for exchange in self.exchanges if exchange.answer is not None)
