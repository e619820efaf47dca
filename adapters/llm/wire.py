"""Models of every vendor by their own wire format: the client of all runs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from adapters.llm.base import BaseLlm, answer_of, fault_of, hide_key
from adapters.llm.wire_requests import (
    Body,
    base_address,
    chat_body,
    check_context,
    check_read_whole,
    conversation_body,
    messages_body,
    no_address,
    ollama_body,
)
from adapters.wire.addresses import ANTHROPIC_VERSION, OWN_DIALECT, endpoint_url, key_header
from adapters.wire.connections import WireRequest, shared_connections
from adapters.wire.dialects import DIALECTS, DialectName
from adapters.wire.dialects.base import dump, load, read_reply
from adapters.wire.retry import RetryableError
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import ModelUnavailable
from prompt_lab.ports import Answer, Request
from prompt_lab.ports.llm import Conversation

_BODIES: dict[DialectName, Callable[[ModelConfig, Request], Body]] = {
    "chat": chat_body,
    "messages": messages_body,
    "ollama": ollama_body,
}
_HEADERS = {"Content-Type": "application/json", "User-Agent": "prompt-lab"}


class WireLlm(BaseLlm):
    """Chat completions, Anthropic's messages or Ollama's chat, by the config's provider.

    The connections are shared by all aliases of the process, and end with it.
    """

    def check(self) -> str | None:
        """Which address or key is missing, or None. Makes no call."""
        return no_address(self.config) or super().check()

    def _call(self, request: Request) -> Answer:
        if why := no_address(self.config):
            raise ModelUnavailable(f"{self.config.alias}: {why}")
        name = OWN_DIALECT.get(self.config.provider, "chat")
        headers = {}
        if name == "messages":
            headers["anthropic-version"] = ANTHROPIC_VERSION
        if self.config.key_env:
            headers |= key_header(self.config, name, self.key)
        url = endpoint_url(base_address(self.config), self.config, DIALECTS[name].path)
        if isinstance(request, Conversation) and name == "chat":
            body = conversation_body(self.config, request)
        else:
            body = _BODIES[name](self.config, request)
        if name != "ollama":
            return send_request(self.config, name, url, headers, body)
        check_context(self.config, request)
        answer = send_request(self.config, name, url, headers, body)
        check_read_whole(self.config, request, answer.input_tokens)
        return answer


def send_request(
    config: ModelConfig, name: DialectName, url: str, headers: dict[str, str], body: Body
) -> Answer:
    """One call. Raises RetryableError, CallRefused, ModelUnavailable or TransientError."""
    begun = time.perf_counter()
    raw = _exchange(config, url, headers, body)
    seconds = time.perf_counter() - begun
    with _malformed(config):
        reply = read_reply(DIALECTS[name], raw)
    return answer_of(reply, seconds)


def exchange_json(config: ModelConfig, url: str, headers: dict[str, str], body: Body) -> Body:
    """The object that a server answers with. Raises as send_request does."""
    with _malformed(config):
        return load(_exchange(config, url, headers, body))


def _exchange(config: ModelConfig, url: str, headers: dict[str, str], body: Body) -> bytes:
    asked = WireRequest(url, dump(body), {**_HEADERS, **headers}, config.timeout_seconds)
    try:
        found = shared_connections.get().exchange(asked)
    except ModelUnavailable as error:
        raise ModelUnavailable(f"{config.alias}: {error}") from None
    if found.status != 200:
        raise fault_of(found.status, _complaint(found.body), found.headers, config)
    return found.body


@contextmanager
def _malformed(config: ModelConfig) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        text = hide_key(str(error), config)[:300]
        raise RetryableError(f"what came is no answer: {text}") from None


def _complaint(body: bytes) -> str:
    """All of it: a key is looked for before anything is shortened."""
    return body.decode("utf-8", "replace")
