"""Where speech starts and ends in a stream, by how loud it is."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from meetctl.stack.offline.recognition import RECOGNITION_RATE

if TYPE_CHECKING:
    from meetctl.stack.offline.audio import Samples

FRAME_S = 0.02
FRAME = round(RECOGNITION_RATE * FRAME_S)
LEAST_LOUDNESS = 200.0
"""Root mean square of 16-bit samples below which nothing is speech: 44 dB below full scale."""
OVER_NOISE = 4.0
"""How many times louder than the background speech is."""
MOST_NOISE = 500.0
"""The background is never taken to be louder, or a long speech would become its own background."""
STAYS_ABOVE = 0.5
"""Speech goes on while it is louder than this share of what starts it."""
FRAMES_TO_START = 3
LEAD_FRAMES = 15
"""Frames kept from before the start, as words often begin quietly."""
TAIL_FRAMES = 12
"""Frames of silence that a recognizer is given after the end."""


class SpeechGate:
    """Cuts utterances out of a mono stream at `RECOGNITION_RATE`; time is counted in samples heard."""

    def __init__(self) -> None:
        self._rest: Samples = np.empty(0, np.int16)
        self._noise = MOST_NOISE / OVER_NOISE
        self._loud_frames = 0
        self._frames: deque[Samples] | list[Samples] = deque(maxlen=LEAD_FRAMES)
        self._quiet_frames = 0
        self._heard_frames = 0
        self.speaking = False
        """Whether an utterance has started and has not been taken yet."""

    @property
    def heard_s(self) -> float:
        """Seconds of sound so far."""
        return self._heard_frames * FRAME_S

    @property
    def silence_s(self) -> float:
        """Seconds since the last loud frame."""
        return self._quiet_frames * FRAME_S

    @property
    def utterance_s(self) -> float:
        """Seconds of the current utterance, its lead included; 0 when nobody speaks."""
        return len(self._frames) * FRAME_S if self.speaking else 0.0

    @property
    def start_s(self) -> float:
        """Where in the stream the current utterance starts, its lead included."""
        return self.heard_s - len(self._frames) * FRAME_S

    def push(self, samples: Samples) -> bool:
        """Take a piece of the stream; True when an utterance has started in it."""
        was_speaking = self.speaking
        joined = np.concatenate([self._rest, samples])
        whole = len(joined) // FRAME * FRAME
        self._rest = joined[whole:]
        for frame in joined[:whole].reshape(-1, FRAME):
            self._hear(frame)
        return self.speaking and not was_speaking

    def utterance(self) -> Samples:
        """Return the current utterance, with little of the silence after it."""
        frames = list(self._frames)
        surplus = max(0, self._quiet_frames - TAIL_FRAMES)
        kept = frames[: len(frames) - surplus]
        return np.concatenate(kept) if kept else np.empty(0, np.int16)

    def end_utterance(self) -> None:
        """Forget the current utterance and wait for the next."""
        self._frames = deque(self._frames, maxlen=LEAD_FRAMES)
        self.speaking = False
        self._loud_frames = 0

    def _hear(self, frame: Samples) -> None:
        self._heard_frames += 1
        loudness = float(np.sqrt(np.mean(np.square(frame.astype(np.float64)))))
        starts_at = max(LEAST_LOUDNESS, OVER_NOISE * self._noise)
        if not self.speaking:
            # The background is learnt quickly when it falls, slowly when it rises.
            self._noise = min(loudness, self._noise * 1.01 + 0.1, MOST_NOISE)
        is_loud = loudness > (starts_at * STAYS_ABOVE if self.speaking else starts_at)
        self._quiet_frames = 0 if is_loud else self._quiet_frames + 1
        self._frames.append(frame)
        self._loud_frames = self._loud_frames + 1 if is_loud else 0
        if not self.speaking and self._loud_frames >= FRAMES_TO_START:
            self.speaking = True
            self._frames = list(self._frames)
