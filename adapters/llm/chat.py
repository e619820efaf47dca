"""What the adapters over a llama-index client of their own share: the client, and the messages."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

from adapters.llm.base import BaseLlm
from adapters.llm.per_process import PerProcess
from prompt_lab.config.models import ModelConfig
from prompt_lab.ports import Request


class Client(NamedTuple):
    """A client of llama-index', and what closes its connections."""

    chat: Any
    close: Callable[[], None]


class ChatLlm(BaseLlm):
    """One client for each process, made on first use."""

    def __init__(self, config: ModelConfig, **given: Any) -> None:
        super().__init__(config, **given)
        self._clients = PerProcess(self._connect)

    def close(self) -> None:
        """Close the connections. A further call opens them again."""
        client = self._clients.take()
        if client is not None:
            client.close()

    @property
    def _chat(self) -> Any:
        return self._clients.get().chat

    @abstractmethod
    def _connect(self) -> Client:
        """Make the client."""


def chat_messages(request: Request) -> list[Any]:
    """The two messages of a request, as llama-index takes them."""
    from llama_index.core.llms import ChatMessage  # noqa: PLC0415 -- takes seconds

    return [
        ChatMessage(role="system", content=request.system),
        ChatMessage(role="user", content=request.user),
    ]
