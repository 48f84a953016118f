"""A voice that speaks by script, or fails by it."""

from __future__ import annotations

from livekit.agents import APIConnectionError, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions

SAMPLE_RATE = 24_000
AUDIO = bytes(SAMPLE_RATE // 10 * 2)
"""A tenth of a second of silence."""


class ScriptedVoice(tts.TTS[str]):
    """Speaks a tenth of a second for each text, unless it is told to fail."""

    def __init__(self, model: str, *, fails: bool = False) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False), sample_rate=SAMPLE_RATE, num_channels=1
        )
        self._model = model
        self.fails = fails
        self.asked: list[str] = []

    @property
    def model(self) -> str:
        return self._model

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _ScriptedSpeech(voice=self, text=text, conn_options=conn_options)


class _ScriptedSpeech(tts.ChunkedStream):
    def __init__(self, *, voice: ScriptedVoice, text: str, conn_options: APIConnectOptions) -> None:
        self._voice = voice
        super().__init__(tts=voice, input_text=text, conn_options=conn_options)

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        self._voice.asked.append(self._input_text)
        if self._voice.fails:
            raise APIConnectionError
        output_emitter.initialize(
            request_id="request-1", sample_rate=SAMPLE_RATE, num_channels=1, mime_type="audio/pcm"
        )
        output_emitter.push(AUDIO)
        output_emitter.flush()
