"""A live connection to Deepgram's /v1/listen: sound in, interim and final results out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from meetctl.stack.offline.audio import StreamResampler
from meetctl.stack.offline.connections import ProtocolError, is_data, read_message
from meetctl.stack.offline.deepgram_messages import MODEL_INFO, describe_alternative
from meetctl.stack.offline.endpointing import SpeechGate
from meetctl.stack.offline.faults import STREAM_KINDS, Disturbance
from meetctl.stack.offline.recognition import RECOGNITION_RATE, Transcript

if TYPE_CHECKING:
    from aiohttp import web

    from meetctl.stack.offline.deepgram_messages import ListenOptions
    from meetctl.stack.offline.services import OfflineServices

INTERIM_EVERY_S = 0.5
"""Sound between two interim results."""
PHRASE_SILENCE_S = 0.2
"""Silence after which an utterance ends at once if it is one of the known phrases."""
SILENCE_S = 0.8
"""Silence after which any utterance ends. Deepgram ends one after `endpointing` milliseconds, as few as 10;
a grammar needs whole phrases, and people pause within them, so a smaller value counts as these two."""
LONGEST_UTTERANCE_S = 30.0


class Conversation:
    """One live connection: sound in, results out."""

    def __init__(
        self,
        websocket: web.WebSocketResponse,
        options: ListenOptions,
        request_id: str,
        services: OfflineServices,
    ) -> None:
        self._websocket = websocket
        self._options = options
        self._request_id = request_id
        self._services = services
        self._resampler = StreamResampler(options.sample_rate, RECOGNITION_RATE)
        self._gate = SpeechGate()
        self._disturbance = Disturbance()
        self._next_interim_s = 0.0
        self._checked_phrase = False
        self._utterance_end_due = False
        self._last_word_end_s = 0.0
        self._received = 0

    async def run(self) -> None:
        """Answer until the client closes.

        Raises:
            ProtocolError: The client sent what the protocol does not have.
            ServiceError: The recognizer is gone.
            DroppedConnectionError: A fault cuts the connection.
        """
        async for message in self._websocket:
            if not is_data(message.type):
                continue
            if isinstance(message.data, bytes):
                if message.data == b"":
                    break
                await self._hear(message.data)
            elif await self._obey(read_message(message.data)):
                break
        await self._close()

    async def _obey(self, message: dict[str, Any]) -> bool:
        """Do what a control message asks for; True when it ends the stream."""
        kind = message.get("type")
        if kind == "Finalize":
            await self._end_utterance(from_finalize=True)
        elif kind not in ("KeepAlive", "CloseStream"):
            raise ProtocolError(f"there is no message of type {kind!r}")
        return bool(kind == "CloseStream")

    async def _hear(self, data: bytes) -> None:
        samples = np.frombuffer(data[: len(data) // 2 * 2], np.dtype("<i2")).astype(np.int16)
        self._received += len(samples)
        self._services.meter.add_sound("deepgram", "listen", len(samples), self._options.sample_rate)
        gate = self._gate
        if gate.push(self._resampler.push(samples)):
            await self._start_utterance()
        if gate.speaking:
            await self._follow_utterance()
        elif self._utterance_end_due and gate.silence_s >= (self._options.utterance_end_s or 0.0):
            self._utterance_end_due = False
            await self._send(
                {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": self._last_word_end_s}
            )

    async def _start_utterance(self) -> None:
        self._disturbance = self._services.faults.draw("deepgram", STREAM_KINDS)
        self._next_interim_s = INTERIM_EVERY_S
        self._checked_phrase = False
        self._utterance_end_due = False
        if self._options.vad_events:
            await self._send(
                {"type": "SpeechStarted", "channel": [0], "timestamp": round(self._gate.start_s, 2)}
            )

    async def _follow_utterance(self) -> None:
        gate, endpointing_s = self._gate, self._options.endpointing_s
        if gate.silence_s == 0.0:
            self._checked_phrase = False
        if endpointing_s is not None and gate.silence_s >= max(endpointing_s, SILENCE_S):
            await self._end_utterance()
        elif (
            endpointing_s is not None
            and gate.silence_s >= max(endpointing_s, PHRASE_SILENCE_S)
            and not self._checked_phrase
        ):
            self._checked_phrase = True
            phrase = await self._services.ears.match_phrase(gate.utterance())
            if phrase is not None:
                await self._finish_utterance(phrase, speech_final=True)
        elif gate.utterance_s >= LONGEST_UTTERANCE_S:
            await self._end_utterance(speech_final=False)
        elif (
            self._options.interim_results
            and gate.utterance_s >= self._next_interim_s
            and not self._checked_phrase
        ):
            self._next_interim_s = gate.utterance_s + INTERIM_EVERY_S
            guess = await self._services.ears.guess(gate.utterance())
            if guess.words:
                await self._disturbance.before_piece()
                await self._send(self._results(guess, is_final=False, speech_final=False))

    async def _end_utterance(self, *, speech_final: bool = True, from_finalize: bool = False) -> None:
        """Send the final result of what is being said."""
        if self._gate.speaking:
            transcript = await self._services.ears.transcribe(self._gate.utterance())
            await self._finish_utterance(transcript, speech_final=speech_final, from_finalize=from_finalize)
        elif from_finalize:
            nothing = Transcript(words=(), confidence=0.0)
            await self._send(
                self._results(nothing, is_final=True, speech_final=True) | {"from_finalize": True}
            )

    async def _finish_utterance(
        self, transcript: Transcript, *, speech_final: bool, from_finalize: bool = False
    ) -> None:
        await self._disturbance.before_answer()
        await self._disturbance.before_piece()
        results = self._results(transcript, is_final=True, speech_final=speech_final)
        await self._disturbance.before_piece()
        await self._send(results | {"from_finalize": from_finalize})
        self._services.meter.add("deepgram", "listen", utterances=1)
        if transcript.words:
            self._last_word_end_s = round(self._gate.start_s + transcript.words[-1].end_s, 2)
            self._utterance_end_due = self._options.utterance_end_s is not None
        self._gate.end_utterance()

    async def _close(self) -> None:
        """Answer the end of the stream with what is still unsaid and the bill."""
        if self._websocket.closed:
            return
        await self._end_utterance()
        await self._send(
            {
                "type": "Metadata",
                "transaction_key": "deprecated",
                "request_id": self._request_id,
                "created": self._services.clock.now().isoformat(),
                "duration": self._received / self._options.sample_rate,
                "channels": 1,
                "model_info": {"offline": MODEL_INFO},
            }
        )
        await self._websocket.close()

    def _results(self, transcript: Transcript, *, is_final: bool, speech_final: bool) -> dict[str, Any]:
        start_s = round(self._gate.start_s, 2)
        alternative = describe_alternative(transcript, offset_s=start_s, punctuated=self._options.punctuate)
        return {
            "type": "Results",
            "channel_index": [0, 1],
            "start": start_s,
            "duration": round(self._gate.heard_s - start_s, 2),
            "is_final": is_final,
            "speech_final": speech_final,
            "channel": {"alternatives": [alternative]},
            "metadata": {"request_id": self._request_id, "model_info": MODEL_INFO},
        }

    async def _send(self, message: dict[str, Any]) -> None:
        await self._websocket.send_json(message)
