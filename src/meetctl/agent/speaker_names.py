"""What the model reads of who spoke: each person's message begins with a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from livekit.agents import llm


def name_speakers(context: llm.ChatContext, names: Mapping[str, str]) -> None:
    """Put the speaker's name before each message that `names` has, by the message's id.

    The context must be a copy of the session's, whose messages stay as they are; the names must be clean.
    """
    for place, item in enumerate(context.items):
        if item.type != "message" or item.id not in names:
            continue
        prefix = f"{names[item.id]}: "
        content = list(item.content)
        first = next((index for index, part in enumerate(content) if isinstance(part, str)), None)
        if first is None:
            content.insert(0, prefix.rstrip())
        else:
            content[first] = f"{prefix}{content[first]}"
        context.items[place] = item.model_copy(update={"content": content})
