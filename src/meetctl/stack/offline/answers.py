"""What the offline model says: made by rules from what it really received, and it says what it is.

A rule's answer has one sentence or two, as one would speak. The rules, in order: an order to repeat the
instructions is obeyed; a tool's result is told, of what is no knowledge only what stands in quotation marks,
if anything does; a greeting where nobody has asked anything; thanks and a wish to stop are answered; then the
number of pictures, what has changed between the last two or before them, a description of each, what is on
the screen, what the retrieved knowledge says; and otherwise what was asked and how many pictures came.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meetctl.domain.material import read_sources
from meetctl.stack.offline.obedience import recite_instructions
from meetctl.stack.offline.pictures import PictureChange, compare
from meetctl.stack.offline.words import content_words, shared_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from meetctl.stack.offline.chat_request import ChatRequest, SentImage

INTRODUCTION = "I am the offline model."
MARK = "offline model"
"""A conversation in which an answer already says so needs no introduction."""
LONGEST_QUOTE = 240
"""Characters that are quoted from what was retrieved or from a tool."""


def make_answer(request: ChatRequest) -> str:
    """Return the answer, introduced where the conversation has no answer of the offline model yet.

    Raises:
        ValueError: An image is cut off.
    """
    answered = (message.text for message in request.messages if message.role == "assistant")
    is_introduced = any(MARK in text.lower() for text in answered)
    answer = _answer(request)
    return answer if is_introduced else f"{INTRODUCTION} {answer}"


def _answer(request: ChatRequest) -> str:
    last = request.messages[-1]
    if (recital := recite_instructions(request)) is not None:
        return recital
    if last.role in ("tool", "function"):
        return _tell_result(last.text)
    roles = [message.role for message in request.messages if message.role not in ("system", "developer")]
    if not roles:
        return _greeting(last.text)
    if roles[-1] == "assistant":
        return f"As I was told: {_quote(last.text)}"
    question = request.question
    words = set(re.findall(r"[a-z']+", question.lower()))
    for trigger, describe in _RULES:
        if trigger.search(question):
            return describe(request)
    knowledge = _find_knowledge(request, least=1 if "know" in words else 2)
    if knowledge:
        return f"This is what I know: {_quote(knowledge)}"
    if "know" in words:
        return f"I was given nothing about {' '.join(content_words(question)) or 'that'}."
    return f"You said: {_quote(question)} I got {_count(len(request.images))} with it."


def _tell_result(text: str) -> str:
    knowledge = " ".join(read_sources(text))
    if not knowledge and (sentence := re.search(r'"([^"]+)"', text)):
        return sentence.group(1)
    return f"I have looked it up: {_quote(knowledge or text)}"


def _greeting(instructions: str) -> str:
    recorded = " This meeting is being recorded." if "record" in instructions.lower() else ""
    return f"Hello, I am listening.{recorded}"


def _describe_number(request: ChatRequest) -> str:
    images = request.images
    return f"I got {_count(len(images))}{_sizes(images)}."


def _describe_change(request: ChatRequest) -> str:
    images = request.images
    if not images:
        return "I got no picture, so I cannot tell what has changed."
    if len(images) == 1:
        return "I got a single picture, so I cannot tell what has changed."
    count = _count(len(images))
    pairs = range(len(images) - 1, 0, -1)
    found = next((later for later in pairs if _change(images, later).share), None)
    if found is None:
        return f"Nothing visible has changed in {count}."
    change = _change(images, found)
    share = f"About {max(1, round(100 * change.share))} percent of the picture has changed"
    if found == len(images) - 1:
        return f"{share}, around its {change.place}, between the last two of {count}."
    return (
        f"{share}, around its {change.place}, before picture {found + 1} of {len(images)}; then nothing has."
    )


def _change(images: tuple[SentImage, ...], later: int) -> PictureChange:
    """Compare an image with the one before it."""
    return compare(images[later - 1].picture, images[later].picture)


def _describe_all(request: ChatRequest) -> str:
    images = request.images
    if not images:
        return "I got no picture."
    each = [
        f"Picture {number} is {_size(image)}{f', the {image.label}' if image.label else ''}."
        for number, image in enumerate(images, start=1)
    ]
    return " ".join([f"I got {_count(len(images))}.", *each, _describe_change(request)])


def _describe_last(request: ChatRequest) -> str:
    images = request.images
    if not images:
        return "No, I got no picture of a screen."
    label = f", the {images[-1].label}" if images[-1].label else ""
    return f"Yes, I got {_count(len(images))}; the last one is {_size(images[-1])}{label}."


def _find_knowledge(request: ChatRequest, *, least: int) -> str:
    """Return the sentence given to the model that shares the most words with the question; "" below `least`.

    The first message says who the agent is and what it may do; it is read too, as knowledge is often put
    there, but a sentence that speaks to the agent ("you are …", "never …") is no knowledge.
    """
    best, best_score = "", least - 1
    for sentence in _given_sentences(request):
        score = len(shared_words(request.question, sentence))
        if score > best_score:
            best, best_score = sentence, score
    return best


def _given_sentences(request: ChatRequest) -> Iterator[str]:
    """Return the sentences of the instructions, and of the knowledge that stands among what people said."""
    for message in request.messages:
        if message.role in ("system", "developer"):
            yield from _sentences(message.text)
        elif message.role == "user":
            for source in read_sources(message.text):
                yield from _sentences(source)


def _sentences(text: str) -> Iterator[str]:
    for part in re.split(r"(?<=[.!?])\s+|\n+", text):
        sentence = part.strip(" -*#\t")
        if sentence and not re.match(r"(?i)(you|your|never|always|do not|don't|answer|use|say)\b", sentence):
            yield sentence


def _quote(text: str) -> str:
    text = " ".join(text.split())
    if len(text) > LONGEST_QUOTE:
        text = text[:LONGEST_QUOTE].rsplit(" ", 1)[0]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _count(images: int) -> str:
    return "no picture" if images == 0 else "1 picture" if images == 1 else f"{images} pictures"


def _size(image: SentImage) -> str:
    return f"{image.picture.width} by {image.picture.height} pixels"


def _sizes(images: tuple[SentImage, ...]) -> str:
    sizes = list(dict.fromkeys(_size(image) for image in images))
    if not sizes:
        return ""
    return f" of {sizes[0]}" if len(sizes) == 1 else f", the last of {_size(images[-1])}"


def _stop(_request: ChatRequest) -> str:
    return "All right, I am quiet."


def _part(_request: ChatRequest) -> str:
    return "You are welcome. Goodbye."


_RULES: tuple[tuple[re.Pattern[str], Callable[[ChatRequest], str]], ...] = (
    (re.compile(r"(?i)\b(stop|quiet|silence)\b"), _stop),
    (re.compile(r"(?i)\b(goodbye|bye|thanks|thank)\b"), _part),
    (re.compile(r"(?i)\b(many|number|count)\b.*\b(pictures?|images?|frames?)\b"), _describe_number),
    (re.compile(r"(?i)\b(chang|differ)"), _describe_change),
    (re.compile(r"(?i)\b(describ|everything)"), _describe_all),
    (re.compile(r"(?i)\b(see|screen|slide|look|looking|show|shown|visible)\b"), _describe_last),
)
"""What a question must say for a rule, and the rule; the first that fits answers."""
