"""The chat in which a person answers a review."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol


class ChatMessage(NamedTuple):
    """One message that a person sent."""

    id: str
    """Unique at the chat; the same message may be delivered more than once."""
    chat: str
    sender: str
    """The person; in a group not the chat."""
    text: str
    quoted: str = ""
    """Id of the message that it replies to; '' if the channel does not say."""
    time: str = ""
    receipt: str = ""
    """What acknowledge() takes."""


class Chat(Protocol):
    """One chat. Raises ChatError (prompt_lab/errors.py) where the service refuses or is down."""

    limit: int
    """Characters of one message."""

    def send(self, text: str, *, quoted: str = "") -> str:
        """Send one message to the allowed chat, once; its id at the chat.

        Raises ChatBusy where it was certainly not taken, ChatOutcomeUnknown where unknown.
        """

    def find_sent(self, text: str, *, since: str) -> str:
        """Id of a message with exactly this text that we sent at `since` (UTC) or later, or ''."""

    def receive(self, *, wait_seconds: float = 0.0) -> Iterator[ChatMessage]:
        """Messages of the queue, oldest first; each must be acknowledged before the next comes."""

    def acknowledge(self, message: ChatMessage) -> None:
        """Remove a message from the queue. May be repeated."""
