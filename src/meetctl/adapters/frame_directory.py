"""Kept frames as JPEG files in a directory, with the labels that the model would have read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from meetctl.errors import OutputError

_LABELS = "labels.jsonl"
_FRAMES = "track-*/frame-*.jpg"


class FrameDirectory:
    """The FrameSink port on a directory, for one recording.

    A frame becomes FOLDER/track-N/frame-INDEX-tSECONDS.jpg; FOLDER/labels.jsonl has one line a
    request: its time, and the file and label of each frame it took; the file is null where the frame is not
    in the recording. What an earlier export left there
    is removed first; a folder with other files is left alone.
    """

    def __init__(self, directory: Path, folder: str) -> None:
        self._folder = directory / folder
        self._is_prepared = False
        self._names: dict[tuple[int, int], str] = {}

    def save(self, recording: str, track: int, index: int, t_us: int, jpeg: bytes) -> None:
        """Write one frame.

        Raises:
            OutputError: It cannot be written, or the folder holds something else.
        """
        name = f"track-{track}/frame-{index:06d}-t{t_us / 1_000_000:010.3f}.jpg"
        self._names[track, index] = name
        path = self._folder / name
        with self._writing(recording):
            path.parent.mkdir(exist_ok=True)
            draft = path.with_suffix(".part")
            try:
                draft.write_bytes(jpeg)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)

    def label(self, recording: str, request_us: int, labels: Sequence[tuple[int, int, str]]) -> None:
        """Add one request's line to labels.jsonl.

        Raises:
            OutputError: It cannot be written, or the folder holds something else.
        """
        line = {
            "t": request_us / 1_000_000,
            "frames": [
                {"file": self._names.get((track, index)), "label": text} for track, index, text in labels
            ],
        }
        with self._writing(recording), (self._folder / _LABELS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    @contextmanager
    def _writing(self, recording: str) -> Iterator[None]:
        try:
            if not self._is_prepared:
                self._prepare()
            yield
        except OSError as error:
            where = error.filename or self._folder
            raise OutputError(
                f"--frames: {where} cannot be written for {recording}: {error.strerror or error}"
            ) from error

    def _prepare(self) -> None:
        """Make the folder, or empty the one that an earlier export made."""
        if self._folder.exists():
            earlier = [*self._folder.glob(_FRAMES), *self._folder.glob(_LABELS)]
            others = {path for path in self._folder.rglob("*") if not path.is_dir()} - set(earlier)
            if others:
                raise OutputError(
                    f"--frames: {self._folder} holds what meetctl did not export: {min(others).name}",
                    hint="choose another directory",
                )
            for path in earlier:
                path.unlink()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._is_prepared = True
