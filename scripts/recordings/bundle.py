"""Writing a meeting as a bundle: the video, the speech, the journal, the session file, the truth."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from recordings import journal
from recordings.film import frames
from recordings.meeting import FPS, HEIGHT, WIDTH
from recordings.voice import SpeechError, SpeechSynthesizer

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from av.container import OutputContainer

    from recordings.meeting import Meeting, Screen, Utterance, VoiceSettings

AUDIO_RATE = 48_000
AUDIO_FRAME = 960
OPUS_DELAY = 312
"""Samples that libopus adds before the first one; the audio starts that much later, so that both tracks
start at 0 (RFC 7845, section 4.2, calls it pre-skip)."""
PEAK = 22_000
KEYFRAME_FRAMES = 300
MKV_OPTIONS = {"fflags": "+bitexact"}
X264_OPTIONS = {"preset": "veryfast", "crf": "23", "tune": "animation"}
BT709 = 1
LIMITED_RANGE = 1


def write_bundle(meeting: Meeting, screen: Screen, directory: Path) -> str:
    """Write all files of a bundle and return the SHA-256 over its raw frames, one after the other.

    Raises:
        SpeechError: The speech could not be made or is longer than its span.
    """
    directory.mkdir(parents=True, exist_ok=True)
    digest = write_film(meeting, screen, directory / "meeting.mkv", speak(meeting))
    for name, text in texts(meeting, digest).items():
        (directory / name).write_text(text, encoding="utf-8", newline="\n")
    return digest


def texts(meeting: Meeting, frames_sha256: str) -> dict[str, str]:
    """Return the contents of the bundle's text files, by name."""
    versions = {name: version(name) for name in ("av", "numpy", "pillow")}
    lines = [
        json.dumps(event, separators=(",", ":"), ensure_ascii=False) for event in journal.events(meeting)
    ]
    return {
        "events.jsonl": "\n".join(lines) + "\n",
        "session.json": _document(journal.session(meeting, versions, frames_sha256)),
        "truth.json": _document(journal.truth(meeting, frames_sha256)),
    }


def frames_digest(meeting: Meeting, screen: Screen) -> str:
    """Return the SHA-256 over all raw frames without encoding them."""
    digest = hashlib.sha256()
    for raw in frames(meeting, screen):
        digest.update(raw)
    return digest.hexdigest()


def speak(meeting: Meeting) -> npt.NDArray[np.int16]:
    """Return the whole audio track: mono, at AUDIO_RATE, silent between the utterances."""
    track = np.zeros(meeting.duration_s * AUDIO_RATE, np.int16)
    with SpeechSynthesizer() as synthesizer:
        for turn in meeting.turns:
            for part, voice in ((turn.question, meeting.person_voice), (turn.answer, meeting.agent_voice)):
                samples = _utter(synthesizer, part, voice)
                start = round(part.start_s * AUDIO_RATE)
                track[start : start + samples.size] = samples
    return track


def _utter(synthesizer: SpeechSynthesizer, part: Utterance, settings: VoiceSettings) -> npt.NDArray[np.int16]:
    spoken = synthesizer.speak(part.text, voice=settings.voice, rate=settings.rate, pitch=settings.pitch)
    samples = resample(spoken, synthesizer.sample_rate)
    longest = round((part.end_s - part.start_s) * AUDIO_RATE)
    if samples.size > longest:
        needed = samples.size / AUDIO_RATE
        raise SpeechError(f"{part.text!r} takes {needed:.2f} s, more than its span from {part.start_s} s")
    scaled = samples.astype(np.int64) * PEAK // max(1, int(np.abs(samples.astype(np.int64)).max()))
    return scaled.astype(np.int16)


def resample(samples: npt.NDArray[np.int16], rate: int) -> npt.NDArray[np.int16]:
    """Return mono samples of `rate` Hz at AUDIO_RATE."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=AUDIO_RATE)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = rate
    parts = [part.to_ndarray().reshape(-1) for given in (frame, None) for part in resampler.resample(given)]
    return np.concatenate(parts).astype(np.int16)


def write_film(meeting: Meeting, screen: Screen, path: Path, speech: npt.NDArray[np.int16]) -> str:
    """Encode all frames and the speech as Matroska; returns the SHA-256 over the raw frames.

    The raw frames are the same each time; the encoded bytes may differ between versions of the encoders.
    """
    digest = hashlib.sha256()
    with av.open(str(path), "w", format="matroska", options=MKV_OPTIONS) as container:
        video = add_video(container, "libx264", X264_OPTIONS, WIDTH, HEIGHT)
        audio: Any = container.add_stream("libopus", rate=AUDIO_RATE, options={"application": "voip"})
        audio.codec_context.layout = "mono"
        audio.codec_context.bit_rate = 32_000
        audio.codec_context.flags |= av.codec.context.Flags.bitexact
        # The encoder's delay would make the last packets outlive the video.
        audible = speech.size - 2 * AUDIO_FRAME
        sent = 0
        for index, raw in enumerate(frames(meeting, screen)):
            digest.update(raw)
            container.mux(video.encode(to_video_frame(raw, index)))
            while sent < min(audible, (index + 1) * AUDIO_RATE // FPS):
                container.mux(audio.encode(_audio_frame(speech, sent)))
                sent += AUDIO_FRAME
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return digest.hexdigest()


def add_video(
    container: OutputContainer, codec: str, options: dict[str, str], width: int, height: int
) -> Any:
    """Add a 30 fps video stream, one thread and no varying metadata, a keyframe at least every 10 s."""
    stream: Any = container.add_stream(codec, rate=FPS, options=options)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = Fraction(1, FPS)
    context = stream.codec_context
    context.time_base = Fraction(1, FPS)
    context.gop_size = KEYFRAME_FRAMES
    context.thread_count = 1
    context.flags |= av.codec.context.Flags.bitexact
    context.color_range = LIMITED_RANGE
    context.colorspace = context.color_primaries = context.color_trc = BT709
    return stream


def to_video_frame(raw: bytes, index: int) -> av.VideoFrame:
    """Wrap one raw I420 frame as frame `index` of a stream with time base 1/FPS."""
    planes = np.frombuffer(raw, np.uint8).reshape(HEIGHT * 3 // 2, WIDTH)
    frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    frame.pts = index
    frame.time_base = Fraction(1, FPS)
    return frame


def _audio_frame(speech: npt.NDArray[np.int16], start: int) -> av.AudioFrame:
    samples = np.zeros(AUDIO_FRAME, np.int16)
    part = speech[start : start + AUDIO_FRAME]
    samples[: part.size] = part
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = AUDIO_RATE
    frame.pts = start + OPUS_DELAY
    frame.time_base = Fraction(1, AUDIO_RATE)
    return frame


def _document(contents: dict[str, Any]) -> str:
    return json.dumps(contents, indent=2, ensure_ascii=False) + "\n"
