"""The terminal as a chat: messages are written to it, each line typed is one reply.

What was sent is kept in a file, so that nothing is sent twice after a kill.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from prompt_lab.clock import utc_now
from prompt_lab.errors import ChatError
from prompt_lab.ports.chat import ChatMessage
from prompt_lab.store.files import append_row, read_rows


class TerminalChat:
    """`path`: journal of what was sent (JSONL); `lines`: what the person types, in order."""

    limit = 20_000

    def __init__(
        self,
        path: Path,
        write: Callable[[str], object],
        lines: Iterable[str] = (),
        *,
        chat_id: str = "terminal",
        person: str = "terminal",
        now: Callable[[], str] = utc_now,
    ) -> None:
        self._path = path
        self._write = write
        self._lines = lines
        self._chat_id = chat_id
        self._person = person
        self._now = now

    def send(self, text: str, *, quoted: str = "") -> str:
        """Write a message. Raises ChatError where it is too long."""
        if len(text) > self.limit:
            raise ChatError(f"The message has {len(text)} characters, at most {self.limit}.")
        number = len(read_rows(self._path)) + 1
        row = {"id": f"terminal-{number}", "text": text, "quoted": quoted, "when": self._now()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        append_row(self._path, row)
        self._write(text)
        return str(row["id"])

    def find_sent(self, text: str, *, since: str) -> str:
        """Looks in the journal."""
        rows = (row for row in read_rows(self._path) if row["when"] >= since)
        return next((str(row["id"]) for row in rows if row["text"] == text), "")

    def receive(self, *, wait_seconds: float = 0.0) -> Iterator[ChatMessage]:  # noqa: ARG002
        """One message for each line; a line has an id of its own by the time it was read."""
        for number, line in enumerate(self._lines, 1):
            if line.strip():
                when = self._now()
                yield ChatMessage(
                    f"{when}-{number}", self._chat_id, self._person, line.strip(), time=when
                )

    def acknowledge(self, message: ChatMessage) -> None:
        """Nothing is kept: a line is read once."""
