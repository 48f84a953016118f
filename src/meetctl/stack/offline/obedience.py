"""The offline model obeys hostile orders, as a weak model would, so that the agent's own checks are tried.

An order is whatever follows "ignore your instructions" in what a person says, in the knowledge that came
with it, or in a tool's result: to call a tool by its name, or to repeat the instructions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meetctl.domain.material import read_sources

if TYPE_CHECKING:
    from meetctl.stack.offline.chat_request import ChatRequest, Tool

_ORDER = re.compile(
    r"(?i)\bignore (?:all |any )?(?:of )?(?:your |the |my )?(?:previous |other )?instructions\b"
)
_RECITE = re.compile(r"(?i)\b(?:repeat|recite|reveal|tell|read|say)\b.*\b(?:instructions|prompt|them)\b")


def find_ordered_tool(request: ChatRequest) -> Tool | None:
    """Return the tool that an order names; None where there is no order, or it names none."""
    order = _find_order(request).lower().replace("_", " ")
    return next((tool for tool in request.tools if tool.name.replace("_", " ") in order), None)


def recite_instructions(request: ChatRequest) -> str | None:
    """Return all instructions, where an order wants them repeated; else None."""
    if not _RECITE.search(_find_order(request)):
        return None
    return " ".join(message.text for message in request.messages if message.role in ("system", "developer"))


def _find_order(request: ChatRequest) -> str:
    """Return what follows the first "ignore your instructions"; "" where nothing says so."""
    last = request.messages[-1]
    texts = [request.question] if last.role == "user" else [last.text] if last.role == "tool" else []
    texts += [source for message in request.messages for source in read_sources(message.text)]
    for text in texts:
        if order := _ORDER.search(text):
            return text[order.end() :]
    return ""
