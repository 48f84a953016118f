"""The sound of the meeting: all voices mixed, as Opus in a file of its own."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from av.audio.frame import AudioFrame
from av.codec.context import CodecContext

from meetctl.adapters.recorder_av.live_matroska import AudioHeader, LiveMatroska
from meetctl.adapters.recorder_av.voice import RATE_HZ, Voice, place_of
from meetctl.services.audio_mix import AudioMix

if TYPE_CHECKING:
    from pathlib import Path

    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream
    from av.packet import Packet

    from meetctl.services.audio_mix import Samples

LATE_US = 500_000
"""How late a piece may arrive and still be heard."""

_FRAME = RATE_HZ // 50
"""Samples in a packet: 20 ms."""

_BIT_RATE = 32_000

_COMPLEXITY = 5
"""Of 10; measured, a third of the CPU time of 10 at this bit rate."""


class AudioTrack:
    """Writes silence where nobody speaks, so that the file always reaches up to the present.

    It begins as much before the first piece as another piece may be late.
    """

    def __init__(self, path: Path, first_us: int) -> None:
        self._voices: dict[str, Voice] = {}
        self._mix = AudioMix(place_of(max(0, first_us - LATE_US)) // _FRAME * _FRAME)
        self._encoder = _open_encoder()
        # The encoder's lead-in, in samples: "pre-skip" in its header (RFC 7845, section 5.1).
        header = self._encoder.extradata or b""
        self._lead_in = int.from_bytes(header[10:12], "little")
        self._file = LiveMatroska(
            path,
            AudioHeader(
                codec_id="A_OPUS",
                codec_private=header,
                sample_rate=RATE_HZ,
                delay_ns=self._lead_in * 1_000_000_000 // RATE_HZ,
                name="meeting",
            ),
        )

    def add(self, voice: str, t_us: int, sample_rate: int, data: bytes) -> None:
        """Put a piece of one voice into the mix.

        Raises:
            ValueError: The bytes are no whole samples.
        """
        for start, samples in self._voices.setdefault(voice, Voice()).place(t_us, sample_rate, data):
            self._mix.add(start, samples)

    def write_until(self, t_us: int) -> None:
        """Write everything before this moment, in whole packets; it is too late for pieces before it then.

        Raises:
            OSError: It could not be written.
        """
        count = max(0, place_of(t_us) - self._mix.position) // _FRAME * _FRAME
        for _ in range(0, count, RATE_HZ):
            self._write(self._mix.take(min(count, RATE_HZ)))
            count -= min(count, RATE_HZ)

    def close(self, t_us: int) -> None:
        """Write up to this moment, or to the end of what is heard if that is later, and finish the file.

        Raises:
            OSError: It could not be written; what is in the file stays readable.
        """
        try:
            for voice in self._voices.values():
                for start, samples in voice.finish():
                    self._mix.add(start, samples)
            end = max(place_of(t_us), self._mix.end)
            self.write_until(-(-end // _FRAME) * 20_000)
            self._write_packets(self._encoder.encode(None))
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Finish the file as it stands.

        Raises:
            OSError: The file's length could not be noted in it; it is still readable.
        """
        self._file.close()

    def _write(self, samples: Samples) -> None:
        place = self._mix.position - len(samples)
        for start in range(0, len(samples), _FRAME):
            part = np.ascontiguousarray(samples[start : start + _FRAME]).reshape(1, -1)
            frame = AudioFrame.from_ndarray(part, format="s16", layout="mono")
            frame.sample_rate = RATE_HZ
            frame.pts, frame.time_base = place + start, Fraction(1, RATE_HZ)
            self._write_packets(self._encoder.encode(frame))

    def _write_packets(self, packets: list[Packet[AudioStream]]) -> None:
        for packet in packets:
            if packet.pts is not None:
                t_ms = (packet.pts + self._lead_in) * 1000 // RATE_HZ
                self._file.write(t_ms, memoryview(packet), is_keyframe=True, duration_ms=20)


def _open_encoder() -> AudioCodecContext:
    encoder = CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE_HZ, "mono", "s16"
    encoder.bit_rate = _BIT_RATE
    encoder.options = {"compression_level": str(_COMPLEXITY)}
    encoder.open()
    return encoder
