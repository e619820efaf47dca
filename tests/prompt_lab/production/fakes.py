"""A chat in memory; it passes the contract tests of the port."""

from collections.abc import Iterator

from prompt_lab.errors import ChatBusy, ChatError
from prompt_lab.ports.chat import ChatMessage

NOW = "2026-02-26T06:00:00.000Z"
CHAT = "group@g.us"


class MemoryChat:
    """Chat in memory; `fault` is raised by the next sends, before or after they are taken."""

    limit = 20_000

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.queue: list[ChatMessage] = []
        self.fault: ChatError | None = None
        self.is_taken_before_fault = False
        self.now = NOW

    def send(self, text: str, *, quoted: str = "") -> str:
        if len(text) > self.limit:
            raise ChatError("too long")
        message_id = f"OUT{len(self.sent) + 1}"
        if self.fault and not self.is_taken_before_fault:
            raise self.fault
        self.sent.append((message_id, text, self.now))
        if self.fault:
            raise self.fault
        return message_id

    def find_sent(self, text: str, *, since: str) -> str:
        found = (one for one, sent, when in self.sent if sent == text and when >= since)
        return next(found, "")

    def receive(self, *, wait_seconds: float = 0.0) -> Iterator[ChatMessage]:
        while self.queue:
            head = self.queue[0]
            yield head
            if self.queue and self.queue[0] is head:
                raise ChatBusy("the head of the queue was not acknowledged")

    def acknowledge(self, message: ChatMessage) -> None:
        self.queue = [one for one in self.queue if one.receipt != message.receipt]
