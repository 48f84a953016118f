"""A recognizer in a process of its own: sound in on stdin, transcripts out on stdout, as `ears` asks for it.

Decoding holds Python's lock for as long as it takes, which in a thread would stop every other conversation.
The first line in is the list of phrases; then each request is a line with the task and the number of bytes,
and the bytes. Each answer is one line of JSON. The end of stdin ends the process, so it never outlives its
parent.
"""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from meetctl.errors import UsageError
from meetctl.stack.offline.recognition import Recognizer

if TYPE_CHECKING:
    from typing import BinaryIO


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until there are no more."""
    try:
        recognizer = Recognizer(json.loads(requests.readline()))
    except UsageError as error:
        _answer(answers, {"error": error.message, "hint": error.hint})
        return
    _answer(answers, {"ready": True})
    tasks = {
        "match": recognizer.match_phrase,
        "guess": recognizer.guess,
        "transcribe": recognizer.transcribe,
    }
    while line := requests.readline():
        request = json.loads(line)
        sound = requests.read(request["bytes"])
        if len(sound) < request["bytes"]:
            return
        transcript = tasks[request["task"]](np.frombuffer(sound, np.int16))
        _answer(answers, {"transcript": dataclasses.asdict(transcript) if transcript else None})


def _answer(answers: BinaryIO, document: dict[str, Any]) -> None:
    answers.write(json.dumps(document).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    # Ctrl-C goes to the whole group; the parent ends this process by closing its stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer)
