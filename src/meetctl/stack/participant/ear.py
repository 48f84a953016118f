"""Telling an agent's answers apart, from when it is audible, from its state, and from its transcription.

Nothing here touches a network or a clock: every moment is handed in, in seconds of one monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from meetctl.stack.participant.report import Answer

PAUSE_S = 1.5
"""Silence after which an answer is over, whatever the agent's state says."""

SETTLED_S = 0.3
"""Silence after which an answer is over when the agent says that it no longer speaks: its state may arrive
before its last sound does."""

BREAK_S = 0.6
"""Silence that parts what the agent was saying from its answer, once the person speaks over it."""

CUT_WITHIN_S = 1.0
"""An agent that falls silent later than this after the person spoke over it had simply finished."""

_WAITING = frozenset({"listening", "idle"})


@dataclass(slots=True)
class _Heard:
    """One answer while it is heard."""

    since_s: float
    first_s: float | None = None
    last_s: float | None = None
    segments: dict[str, str] = field(default_factory=dict)

    def answer(self, *, interrupted: bool) -> Answer | None:
        if self.first_s is None or self.last_s is None:
            return None
        return Answer(
            text=self.text,
            first_audio_s=self.first_s - self.since_s,
            audio_s=self.last_s - self.first_s,
            interrupted=interrupted,
        )

    @property
    def text(self) -> str:
        return " ".join(text.strip() for text in self.segments.values() if text.strip())


class Ear:
    """Follows what an agent says to one person.

    Feed it in the order in which things happen. What the agent was saying when the person began to speak
    is kept apart from the answer to that.
    """

    def __init__(self, now_s: float) -> None:
        self._current = _Heard(now_s)
        self._before = _Heard(now_s)
        self._spoken_over = False
        self._before_sounds = False
        self._own_end_s: float | None = now_s
        self._state = ""
        self._stopped_speaking_s: float | None = None
        self._understood: dict[str, str] = {}

    @property
    def understood(self) -> str:
        """What the agent transcribed of the person's own last speech."""
        return " ".join(text.strip() for text in self._understood.values() if text.strip())

    @property
    def written(self) -> str:
        """What the agent transcribed of its own answer so far."""
        return self._current.text

    @property
    def has_begun(self) -> bool:
        """Whether something of the answer has been audible."""
        return self._current.first_s is not None

    def is_audible(self, now_s: float) -> bool:
        """Tell whether the agent is in the middle of saying something."""
        heard = self._sounding
        if heard.last_s is None or self._went_back_to_waiting(heard, now_s):
            return False
        return now_s - heard.last_s < BREAK_S or self._state == "speaking"

    def begin_speech(self, now_s: float) -> None:
        """Note that the person begins to speak: what is heard from here on may be the answer to that."""
        self._spoken_over = self._before_sounds = self.is_audible(now_s)
        self._before = self._current
        self._current = _Heard(now_s)
        self._own_end_s = None
        self._understood = {}

    def end_speech(self, now_s: float) -> None:
        """Note that the person has finished: answers are timed from here."""
        self._current.since_s = now_s
        self._own_end_s = now_s

    def hear(self, end_s: float, block_s: float) -> None:
        """Note an audible block of `block_s` seconds that ended at `end_s`."""
        if self._before_sounds and self._is_cut(end_s - block_s):
            self._before_sounds = False
        heard = self._sounding
        if heard.first_s is None:
            heard.first_s = end_s - block_s
        heard.last_s = end_s

    def note_state(self, now_s: float, state: str) -> None:
        """Note the agent's own word on what it does: `lk.agent.state`."""
        if self._state == "speaking" and state != "speaking":
            self._stopped_speaking_s = now_s
        self._state = state

    def begin_segment(self, segment: str) -> None:
        """Note that the agent begins to transcribe a piece of its own speech."""
        self._current.segments.setdefault(segment, "")

    def add_text(self, segment: str, text: str) -> None:
        """Add to a segment that has begun."""
        for heard in (self._current, self._before):
            if segment in heard.segments:
                heard.segments[segment] += text

    def note_understood(self, segment: str, text: str) -> None:
        """Note what the agent takes the person to have said; a segment's later texts replace earlier ones."""
        self._understood[segment] = text

    def is_over(self, now_s: float) -> bool:
        """Tell whether an answer has begun and ended."""
        heard = self._current
        if heard.last_s is None:
            return False
        if self._went_back_to_waiting(heard, now_s):
            return True
        return now_s - heard.last_s >= PAUSE_S and self._state != "thinking"

    def take_answer(self) -> Answer | None:
        """Return what was heard since the person last spoke, and forget it; None when nothing was."""
        answer = self._current.answer(interrupted=False)
        self._current = _Heard(self._current.since_s)
        return answer

    def interrupted_answer(self, now_s: float) -> Answer | None:
        """Return what the person spoke over; None while it is still heard, and when there was nothing.

        It counts as interrupted when it fell silent by CUT_WITHIN_S after the person's own speech.
        """
        heard = self._before
        if not self._spoken_over or heard.last_s is None or (self._before_sounds and not self._is_cut(now_s)):
            return None
        own_end_s = now_s if self._own_end_s is None else self._own_end_s
        return heard.answer(interrupted=heard.last_s <= own_end_s + CUT_WITHIN_S)

    @property
    def _sounding(self) -> _Heard:
        """What a sound that is heard now belongs to."""
        return self._before if self._before_sounds else self._current

    def _went_back_to_waiting(self, heard: _Heard, now_s: float) -> bool:
        """Tell whether the agent has said, since this began, that it no longer speaks, and is silent."""
        stopped_s = self._stopped_speaking_s
        if heard.first_s is None or heard.last_s is None or stopped_s is None or stopped_s < heard.first_s:
            return False
        return self._state in _WAITING and now_s - heard.last_s >= SETTLED_S

    def _is_cut(self, now_s: float) -> bool:
        """Tell whether what the person speaks over is over."""
        if self._before.last_s is None:
            return True
        silence_s = now_s - self._before.last_s
        return silence_s >= BREAK_S or (self._state != "speaking" and silence_s >= SETTLED_S)
