"""When the offline model calls a tool, and with what.

It calls the tool that the last user message plainly asks for: the message has every meaning word of the
tool's name, or at least two meaning words of its name and description, one of them of the name. After a
tool's result it calls none. `tool_choice` is obeyed. A hostile order that names a tool is obeyed as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from meetctl.stack.offline.obedience import find_ordered_tool
from meetctl.stack.offline.words import content_words, shared_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meetctl.stack.offline.chat_request import ChatRequest, Tool


def choose_tool(request: ChatRequest) -> Tool | None:
    """Return the tool to call for a request; None to answer."""
    if request.tool_choice == "none" or not request.tools or request.messages[-1].role == "tool":
        return None
    for tool in request.tools:
        if tool.name == request.tool_choice:
            return tool
    if (ordered := find_ordered_tool(request)) is not None:
        return ordered
    scored = [(_score(request.question, tool), tool) for tool in request.tools]
    best_score, best = max(scored, key=lambda pair: pair[0])
    return best if best_score > 0 or request.tool_choice == "required" else None


def make_arguments(tool: Tool, question: str) -> dict[str, Any]:
    """Fill a tool's required arguments from the question.

    >>> from meetctl.stack.offline.chat_request import Tool
    >>> schema = {"properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
    >>> weather = Tool(name="weather", description="", parameters={**schema, "required": ["city", "days"]})
    >>> make_arguments(weather, "The weather of 3 days?")
    {'city': 'The weather of 3 days?', 'days': 3}
    """
    properties = tool.parameters.get("properties") or {}
    required = tool.parameters.get("required") or []
    return {name: _fill(properties.get(name) or {}, question) for name in required}


def _score(question: str, tool: Tool) -> int:
    name = tool.name.replace("_", " ").replace("-", " ")
    from_name = shared_words(question, name)
    from_both = shared_words(question, f"{name} {tool.description}")
    has_whole_name = bool(from_name) and len(from_name) >= len(set(content_words(name)))
    return len(from_both) if has_whole_name or (from_name and len(from_both) > 1) else 0


def _fill(schema: Mapping[str, Any], question: str) -> object:
    if "default" in schema:
        return schema["default"]
    if schema.get("enum"):
        named = [value for value in schema["enum"] if str(value).lower() in question.lower()]
        return (named or schema["enum"])[0]
    kind = schema.get("type")
    number = re.search(r"-?\d+(?:\.\d+)?", question)
    if kind == "integer":
        return int(float(number.group())) if number else 1
    if kind == "number":
        return float(number.group()) if number else 1.0
    empty: dict[str, object] = {"boolean": True, "array": [], "object": {}, "null": None}
    return empty.get(str(kind), question)
