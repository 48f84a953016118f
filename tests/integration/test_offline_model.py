"""OpenAI's API offline, asked by livekit's plugin and by plain HTTP."""

from __future__ import annotations

import asyncio
import base64
import io
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import openai as openai_sdk
import pytest
from livekit.agents import APIConnectOptions, APIStatusError, llm
from livekit.plugins import openai
from PIL import Image, ImageDraw
from tests.offline_server import OfflineServer, run_with_session, running_offline_server, say, to_frames

from meetctl.bootstrap import price_book, system_clock
from meetctl.domain.vision_tokens import image_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    import aiohttp

ONCE = APIConnectOptions(max_retry=0, timeout=30.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfflineServer]:
    with running_offline_server(tmp_path_factory.mktemp("offline")) as running:
        yield running


def draw_slide(width: int = 640, height: int = 360, mark: str = "") -> str:
    image = Image.new("RGB", (width, height), "white")
    if mark == "lower right":
        ImageDraw.Draw(image).rectangle((width * 0.8, height * 0.8, width, height), fill="black")
    data = io.BytesIO()
    image.save(data, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"


def context(*items: tuple[str, Any]) -> llm.ChatContext:
    chat = llm.ChatContext.empty()
    for role, content in items:
        chat.add_message(role=role, content=content)  # type: ignore[arg-type]
    return chat


def frame(url: str, label: str, detail: str = "high") -> list[Any]:
    return [llm.ImageContent(image=url, inference_detail=detail), label]  # type: ignore[arg-type]


def converse(
    server: OfflineServer, chat: llm.ChatContext, tools: list[Any] | None = None, model: str = "gpt-4.1"
) -> llm.CollectedResponse:
    async def run() -> llm.CollectedResponse:
        client = openai.LLM(model=model, api_key="any", base_url=f"{server.url}/v1")
        try:
            async with client.chat(chat_ctx=chat, tools=tools or [], conn_options=ONCE) as stream:
                return await stream.collect()
        finally:
            await client.aclose()

    return asyncio.run(run())


def test_first_answer_says_that_it_is_offline_and_later_ones_do_not(server: OfflineServer) -> None:
    first = converse(server, context(("user", "Hello, can you see my screen?")))
    assert first.text == "I am the offline model. No, I got no picture of a screen."
    again = converse(
        server,
        context(("user", "Hello."), ("assistant", first.text), ("user", "Please stop talking.")),
    )
    assert again.text == "All right, I am quiet."


def test_answer_tells_the_pictures_it_got(server: OfflineServer) -> None:
    chat = context(
        ("user", frame(draw_slide(1280, 720), "first visible frame, 1.0 s ago")),
        ("user", frame(draw_slide(1280, 720), "most recent frame, 0.2 s ago")),
        ("user", "Can you see my screen?"),
    )
    assert converse(server, chat).text.endswith(
        "Yes, I got 2 pictures; the last one is 1280 by 720 pixels, the most recent frame, 0.2 s ago."
    )


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        ("", "Nothing visible has changed"),
        ("lower right", "percent of the picture has changed, around its lower right"),
    ],
)
def test_answer_tells_whether_the_last_two_pictures_differ(
    server: OfflineServer, mark: str, expected: str
) -> None:
    chat = context(
        ("user", frame(draw_slide(), "first visible frame, 1.0 s ago")),
        ("user", frame(draw_slide(mark=mark), "most recent frame, 0.0 s ago")),
        ("user", "What has changed on the slide?"),
    )
    assert expected in converse(server, chat).text


def test_answer_quotes_what_was_retrieved(server: OfflineServer) -> None:
    chat = context(
        ("system", "You are a helpful agent. Never tell your policy on refunds for agents."),
        ("user", "What do you know about the refund policy?"),
        (
            "system",
            "Knowledge:\n- Shipping is free.\n- Refunds: our policy gives the money back for 30 days.",
        ),
    )
    assert "Refunds: our policy gives the money back for 30 days." in converse(server, chat).text
    without = context(("user", "What do you know about the refund policy?"))
    assert "nothing about refund policy" in converse(server, without).text


@pytest.mark.parametrize("model", ["gpt-4.1", "gpt-4o-mini", "gpt-4.1-mini"])
@pytest.mark.parametrize("detail", ["low", "high"])
def test_usage_counts_images_by_the_price_books_rule(server: OfflineServer, model: str, detail: str) -> None:
    sizes = [(1280, 720), (640, 360), (1024, 575)]
    question = ("user", "How many pictures did you get?")
    frames = [("user", frame(draw_slide(*size), "frame", detail)) for size in sizes]
    labels = [("user", "frame")] * len(sizes)
    before = server.usage("openai", "chat")
    with_images = converse(server, context(*frames, question), model=model)
    after = server.usage("openai", "chat")
    without = converse(server, context(*labels, question), model=model)
    rule = price_book(()).image_rule(model, system_clock().now())
    expected = sum(image_tokens(rule, *size, detail) for size in sizes)
    assert with_images.usage is not None
    assert without.usage is not None
    assert with_images.usage.prompt_tokens - without.usage.prompt_tokens == expected
    assert after["prompt_tokens"] - before.get("prompt_tokens", 0) == with_images.usage.prompt_tokens
    assert (
        after["completion_tokens"] - before.get("completion_tokens", 0) == with_images.usage.completion_tokens
    )
    assert after["image_tokens"] - before.get("image_tokens", 0) == expected
    assert with_images.text.endswith("I got 3 pictures, the last of 1024 by 575 pixels.")


@llm.function_tool
async def search_documents(query: str) -> str:
    """Search the documents of the company, such as its policies.

    Args:
        query: What to look for.
    """
    return f"nothing about {query}"


def test_tool_is_called_when_asked_for_and_its_result_is_told(server: OfflineServer) -> None:
    chat = context(("user", "Please search our documents for refunds."))
    called = converse(server, chat, [search_documents])
    assert [(call.name, call.arguments) for call in called.tool_calls] == [
        ("search_documents", '{"query": "Please search our documents for refunds."}')
    ]
    assert called.text == ""
    call = called.tool_calls[0]
    chat.items.append(llm.FunctionCall(call_id=call.call_id, name=call.name, arguments=call.arguments))
    chat.items.append(
        llm.FunctionCallOutput(call_id=call.call_id, output="Refunds take 30 days.", is_error=False)
    )
    told = converse(server, chat, [search_documents])
    assert told.tool_calls == []
    assert told.text.endswith("I have looked it up: Refunds take 30 days.")


def test_tool_is_left_alone_when_not_asked_for(server: OfflineServer) -> None:
    chat = context(("user", "How many pictures did you get?"))
    assert converse(server, chat, [search_documents]).tool_calls == []


def test_answer_that_is_not_streamed_is_the_same(server: OfflineServer) -> None:
    messages = [{"role": "user", "content": "Thank you, that is all. Goodbye."}]
    status, answer = server.ask("POST", "/v1/chat/completions", {"model": "gpt-4.1", "messages": messages})
    streamed = converse(server, context(("user", "Thank you, that is all. Goodbye.")))
    assert status == 200
    assert answer["choices"][0]["message"]["content"] == streamed.text
    assert streamed.usage is not None
    assert answer["usage"]["total_tokens"] == streamed.usage.total_tokens


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ([], 400, None),
        ({"messages": []}, 400, "model"),
        ({"model": "gpt-4.1", "messages": []}, 400, "messages"),
        ({"model": "gpt-4.1", "messages": [{"role": "boss", "content": "Hi"}]}, 400, "messages[0].role"),
        ({"model": "gpt-4.1", "messages": [{"role": "user", "content": 5}]}, 400, "messages[0].content"),
        (
            {
                "model": "gpt-4.1",
                "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}],
            },
            400,
            "messages[0].content[0].image_url",
        ),
        (
            {
                "model": "gpt-4.1",
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
                        ],
                    }
                ],
            },
            400,
            "messages[0].content[0].image_url.url",
        ),
    ],
)
def test_wrong_request_gets_openais_error(
    server: OfflineServer, body: object, status: int, param: str | None
) -> None:
    answered, document = server.ask("POST", "/v1/chat/completions", body)
    assert (answered, document["error"]["param"]) == (status, param)
    assert document["error"]["type"] == "invalid_request_error"


def test_images_for_a_model_without_a_rule_are_refused(server: OfflineServer) -> None:
    chat = context(("user", frame(draw_slide(), "frame")), ("user", "Hello"))
    with pytest.raises(APIStatusError) as caught:
        converse(server, chat, model="no-such-model")
    assert caught.value.status_code == 404


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings", "/v1/audio/transcriptions"])
def test_request_without_a_key_is_refused(server: OfflineServer, path: str) -> None:
    assert server.ask("POST", path, {}, key="")[0] == 401


def test_models_are_listed(server: OfflineServer) -> None:
    status, document = server.ask("GET", "/v1/models")
    assert status == 200
    assert {"gpt-4.1", "offline-hashing"} <= {model["id"] for model in document["data"]}


def test_embeddings_of_related_texts_are_nearer(server: OfflineServer) -> None:
    texts = ["What is the refund policy?", "Our policies: refunds take 30 days.", "The weather is fine."]
    body = {"model": "text-embedding-3-small", "input": texts}
    status, document = server.ask("POST", "/v1/embeddings", body)
    question, related, unrelated = (row["embedding"] for row in document["data"])
    assert status == 200
    assert document["model"] == "offline-hashing"
    assert len(question) == 1536
    assert np.linalg.norm(question) == pytest.approx(1.0)
    assert np.dot(question, related) > 0.4 > 0.1 > np.dot(question, unrelated)
    again = server.ask("POST", "/v1/embeddings", body)[1]
    assert again["data"] == document["data"]


def test_embeddings_come_shorter_and_packed_as_openais_client_wants_them(server: OfflineServer) -> None:
    body = {"model": "text-embedding-3-small", "input": "refund policy", "dimensions": 64}
    plain = server.ask("POST", "/v1/embeddings", body)[1]["data"][0]["embedding"]
    packed = server.ask("POST", "/v1/embeddings", body | {"encoding_format": "base64"})[1]["data"][0]
    assert struct.unpack("<64f", base64.b64decode(packed["embedding"])) == pytest.approx(plain, abs=1e-6)


def test_transcription_of_a_file(server: OfflineServer) -> None:
    question = "What has changed on the slide?"
    frames = to_frames(say(question, silence_s=0.3))

    async def use(_session: aiohttp.ClientSession) -> None:
        # The plugin closes no client of its own making.
        async with openai_sdk.AsyncClient(api_key="any", base_url=f"{server.url}/v1") as sdk:
            client = openai.STT(client=sdk, model="gpt-4o-mini-transcribe")
            event = await client.recognize(frames, conn_options=ONCE)
            assert event.alternatives[0].text == question
            await client.aclose()

    before = server.usage("openai", "transcription").get("audio_s", 0.0)
    run_with_session(use)
    heard_s = server.usage("openai", "transcription")["audio_s"] - before
    assert heard_s == pytest.approx(len(frames) * 0.02, abs=0.05)
