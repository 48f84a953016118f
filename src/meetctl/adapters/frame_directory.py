"""Kept frames as JPEG files in a directory, with the labels that the model would have read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from meetctl.errors import OutputError


class FrameDirectory:
    """The FrameSink port on a directory.

    A frame becomes RECORDING/track-N/frame-INDEX-tSECONDS.jpg; RECORDING/labels.jsonl has one line a
    request: its time, and the file and label of each frame it took.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._labelled: set[str] = set()
        self._names: dict[tuple[str, int, int], str] = {}

    def save(self, recording: str, track: int, index: int, t_us: int, jpeg: bytes) -> None:
        """Write one frame.

        Raises:
            OutputError: It cannot be written.
        """
        name = f"track-{track}/frame-{index:06d}-t{t_us / 1_000_000:010.3f}.jpg"
        self._names[recording, track, index] = name
        path = self._directory / recording / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(jpeg)
        except OSError as error:
            raise OutputError(f"--frames: {path} cannot be written: {error.strerror}") from error

    def label(self, recording: str, track: int, request_us: int, labels: Sequence[tuple[int, str]]) -> None:
        """Add one request's line to labels.jsonl.

        Raises:
            OutputError: It cannot be written.
        """
        line = {
            "t": request_us / 1_000_000,
            "track": track,
            "frames": [
                {"file": self._names.get((recording, track, index)), "label": text} for index, text in labels
            ],
        }
        path = self._directory / recording / "labels.jsonl"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a" if recording in self._labelled else "w", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            self._labelled.add(recording)
        except OSError as error:
            raise OutputError(f"--frames: {path} cannot be written: {error.strerror}") from error
