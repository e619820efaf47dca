"""The ways in which clients ask and are answered."""

from typing import Literal

from adapters.wire.dialects.base import Dialect
from adapters.wire.dialects.chat import Chat
from adapters.wire.dialects.messages import MessagesDialect
from adapters.wire.dialects.ollama import OllamaDialect
from adapters.wire.dialects.responses import Responses

DialectName = Literal["chat", "responses", "messages", "ollama"]
DIALECTS: dict[DialectName, Dialect] = {
    "chat": Chat(),
    "responses": Responses(),
    "messages": MessagesDialect(),
    "ollama": OllamaDialect(),
}
