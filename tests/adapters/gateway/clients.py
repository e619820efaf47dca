"""The vendors' own clients and llama-index on top of them, each asking for the same three things.

A client is a function (urls, what) -> text, where `what` is plain, structured or streaming.
They are imported where they are used: it takes seconds, also where tests are only collected.
"""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from adapters.gateway.owner import Urls

SYSTEM, USER = "Give the amount in euros.", "Pay 12.50 EUR."
KEY = "of-no-use"
"""What clients of a target are given: the gateway does not look at it."""
Client = Callable[[Urls, str], str]


class Invoice(BaseModel):
    """What is asked for."""

    amount: float


SCHEMA = {**Invoice.model_json_schema(), "additionalProperties": False}
_SAID: Any = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": USER}]


def openai_chat(urls: Urls, what: str) -> str:
    import openai  # noqa: PLC0415

    with openai.OpenAI(base_url=urls.openai, api_key=KEY, max_retries=0) as client:
        given: Any = {"model": "any", "messages": _SAID, "max_tokens": 24, "temperature": 0}
        if what == "streaming":
            chunks = client.chat.completions.create(stream=True, **given)
            return "".join(c.choices[0].delta.content or "" for c in chunks)
        if what == "structured":
            parsed = client.chat.completions.parse(response_format=Invoice, **given)
            return _shown(parsed.choices[0].message.parsed)
        return client.chat.completions.create(**given).choices[0].message.content or ""


def openai_responses(urls: Urls, what: str) -> str:
    import openai  # noqa: PLC0415

    with openai.OpenAI(base_url=urls.openai, api_key=KEY, max_retries=0) as client:
        given: Any = {"model": "any", "instructions": SYSTEM, "input": USER}
        given |= {"max_output_tokens": 24, "temperature": 0}
        if what == "streaming":
            with client.responses.stream(**given) as stream:
                pieces = [e.delta for e in stream if e.type == "response.output_text.delta"]
                assert stream.get_final_response().output_text == "".join(pieces)
            return "".join(pieces)
        if what == "structured":
            return _shown(client.responses.parse(text_format=Invoice, **given).output_parsed)
        text: str = client.responses.create(**given).output_text
        return text


def anthropic_messages(urls: Urls, what: str) -> str:
    import anthropic  # noqa: PLC0415

    with anthropic.Anthropic(base_url=urls.anthropic, api_key=KEY, max_retries=0) as client:
        given: Any = {"model": "any", "system": SYSTEM, "messages": _SAID[1:]}
        given |= {"max_tokens": 24, "temperature": 0}
        if what == "streaming":
            with client.messages.stream(**given) as stream:
                pieces = list(stream.text_stream)
                assert stream.get_final_message().content[0].text == "".join(pieces)  # type: ignore[union-attr]
            return "".join(pieces)
        if what == "structured":
            tool = {"name": "invoice", "description": "The answer.", "input_schema": SCHEMA}
            given |= {"tools": [tool], "tool_choice": {"type": "tool", "name": "invoice"}}
            message = client.messages.create(**given)
            return _shown(Invoice.model_validate(message.content[0].input))
        text: str = client.messages.create(**given).content[0].text
        return text


def ollama_chat(urls: Urls, what: str) -> str:
    import ollama  # noqa: PLC0415

    client = ollama.Client(host=urls.ollama)
    given: Any = {"model": "any", "messages": _SAID, "options": {"num_predict": 24}}
    given["options"]["temperature"] = 0
    if what == "streaming":
        return "".join(p.message.content or "" for p in client.chat(stream=True, **given))
    form: Any = {"format": SCHEMA} if what == "structured" else {}
    content = client.chat(**given, **form).message.content or ""
    return _shown(Invoice.model_validate_json(content)) if what == "structured" else content


def _llama(llm: Any, what: str) -> str:
    from llama_index.core.llms import ChatMessage  # noqa: PLC0415

    messages = [ChatMessage(role=m["role"], content=m["content"]) for m in _SAID]
    if what == "streaming":
        return "".join(piece.delta or "" for piece in llm.stream_chat(messages))
    if what == "structured":
        return _shown(llm.as_structured_llm(Invoice).chat(messages).raw)
    return str(llm.chat(messages).message.content)


def llama_openai_like(urls: Urls, what: str) -> str:
    from llama_index.llms.openai_like import OpenAILike  # noqa: PLC0415

    llm = OpenAILike(
        model="any",
        api_base=urls.openai,
        api_key=KEY,
        is_chat_model=True,
        should_use_structured_outputs=True,
        max_tokens=24,
        temperature=0,
        max_retries=0,
    )
    return _llama(llm, what)


def llama_anthropic(urls: Urls, what: str) -> str:
    from llama_index.llms.anthropic import Anthropic  # noqa: PLC0415

    llm = Anthropic(
        model="claude-3-5-haiku-latest",
        base_url=urls.anthropic,
        api_key=KEY,
        max_tokens=24,
        temperature=0,
        max_retries=0,
    )
    return _llama(llm, what)


def llama_ollama(urls: Urls, what: str) -> str:
    from llama_index.llms.ollama import Ollama  # noqa: PLC0415

    llm = Ollama(
        model="any",
        base_url=urls.ollama,
        context_window=2048,
        temperature=0,
        additional_kwargs={"num_predict": 24},
    )
    return _llama(llm, what)


def _shown(invoice: Any) -> str:
    assert isinstance(invoice, Invoice), invoice
    return invoice.model_dump_json()


VENDORS: dict[str, Client] = {
    "chat": openai_chat,
    "responses": openai_responses,
    "messages": anthropic_messages,
    "ollama": ollama_chat,
}
LLAMA_INDEX: dict[str, Client] = {
    "chat": llama_openai_like,
    "messages": llama_anthropic,
    "ollama": llama_ollama,
}
