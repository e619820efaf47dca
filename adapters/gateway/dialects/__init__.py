"""The ways in which clients ask and are answered."""

from adapters.gateway.dialects.base import Dialect
from adapters.gateway.dialects.chat import Chat
from adapters.gateway.dialects.messages import MessagesDialect
from adapters.gateway.dialects.ollama import OllamaDialect
from adapters.gateway.dialects.responses import Responses
from adapters.gateway.settings import DialectName

DIALECTS: dict[DialectName, Dialect] = {
    "chat": Chat(),
    "responses": Responses(),
    "messages": MessagesDialect(),
    "ollama": OllamaDialect(),
}
