"""`prompt-lab batch`: every line of a file of messages asked once, each answer a durable row."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from prompt_lab.clock import utc_now
from prompt_lab.errors import CallRefused, ConfigError, LabError, ModelUnavailable, TransientError
from prompt_lab.ports import Answer, Llm
from prompt_lab.ports.llm import Conversation
from prompt_lab.store.files import disk_errors, read_rows
from prompt_lab.store.row_journal import RowJournal

IDS = ("id", "custom_id")
_REFUSED_KEYS = frozenset({"model", "stream"})
MOST_WAITING = 256
"""Calls that may wait for their retry beside those in flight."""
MOST_FAULTS = 20
LEAST_FAILURES = 5
"""Unanswered calls in a row after which the rest is not tried, or as many as are in flight."""


@dataclass(frozen=True)
class MessageLine:
    """One request of the file. `key` is a digest of all that decides its answer."""

    number: int
    id: str | None
    messages: tuple[Mapping[str, Any], ...]
    extra: Mapping[str, Any]
    key: str


@dataclass
class BatchSummary:
    """What one command did: the JSON object that it prints. Tokens are those of this command."""

    lines: int
    found: int
    """Answered by an earlier command: not asked again."""
    answered: int = 0
    refused: int = 0
    """Requests that the server refuses permanently: their row says why."""
    unanswered: int = 0
    """Without an answer after all retries, or not tried: the same command asks them again."""
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    calls_per_second: float = 0.0
    fault: str = ""
    output: str = ""


def read_messages(path: Path, model: str) -> list[MessageLine]:
    """The requests of a JSONL file. Raises ConfigError with every fault and its line.

    A line is a list of messages, or an object with `messages`; its `id` or `custom_id` is repeated
    in the row, further keys go into the request as they are.
    """
    with disk_errors(path):
        text = path.read_bytes().decode("utf-8", "replace")
    found, faults = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                found.append(_parse_line(number, line, model))
            except (ValueError, RecursionError) as error:
                faults.append(f"{path}, line {number}: {error}")
    if faults:
        rest = len(faults) - MOST_FAULTS
        raise ConfigError([*faults[:MOST_FAULTS], *([f"and {rest} more"] if rest > 0 else [])])
    return found


def _parse_line(number: int, line: str, model: str) -> MessageLine:
    try:
        read = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error.msg}): write one object or list a line") from None
    parts = {"messages": read} if isinstance(read, list) else read
    if not isinstance(parts, dict):
        raise ValueError("is neither a list of messages nor an object with 'messages'")
    messages = parts.pop("messages", None)
    if not isinstance(messages, list) or not messages or not all(map(_is_message, messages)):
        raise ValueError("'messages' must be a list of objects with 'role' and 'content'")
    given = [str(parts.pop(name)) for name in IDS if name in parts]
    if wrong := sorted(_REFUSED_KEYS & parts.keys()):
        raise ValueError(f"{wrong[0]!r} cannot be set for one line: leave it out")
    whole = json.dumps([model, messages, parts], sort_keys=True)
    key = sha256(whole.encode("utf-8", "backslashreplace")).hexdigest()
    return MessageLine(number, given[0] if given else None, tuple(messages), parts, key)


def _is_message(one: object) -> bool:
    return isinstance(one, dict) and isinstance(one.get("role"), str) and "content" in one


def run_batch(
    lines: Sequence[MessageLine], llm: Llm, output: Path, *, concurrency: int
) -> BatchSummary:
    """Ask what has no row in `output` yet, at most `concurrency` calls at a time.

    A row is counted once the disk has it. `llm` limits the calls in flight by itself; there are
    more threads than that, so that one that waits for a retry does not keep another call back.
    """
    done = {(row.get("line"), row.get("key")) for row in read_rows(output) if row.get("status")}
    left = [line for line in lines if (line.number, line.key) not in done]
    summary = BatchSummary(len(lines), len(lines) - len(left), output=str(output))
    begun = time.perf_counter()
    with RowJournal(output) as journal:
        work = _BatchWork(llm, journal, summary, iter(left), max(LEAST_FAILURES, concurrency))
        wanted = min(len(left), concurrency + min(concurrency, MOST_WAITING))
        threads = [Thread(target=work.run, daemon=True) for _ in range(wanted)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if work.error is not None:
        raise work.error
    summary.unanswered = len(left) - summary.answered - summary.refused
    summary.seconds = round(time.perf_counter() - begun, 3)
    made = summary.answered + summary.refused
    summary.calls_per_second = round(made / summary.seconds, 1) if summary.seconds else 0.0
    return summary


@dataclass
class _BatchWork:
    """What the threads of one batch share."""

    llm: Llm
    journal: RowJournal
    summary: BatchSummary
    left: Iterator[MessageLine]
    most_failures: int
    error: BaseException | None = None
    _failures: int = 0
    _stopped: bool = False
    _lock: Lock = field(default_factory=Lock)

    def run(self) -> None:
        """Take lines until none is left, or nothing answers any more."""
        try:
            while (line := self._next_line()) is not None:
                self._ask(line)
        except BaseException as error:
            self.error, self._stopped = error, True

    def _next_line(self) -> MessageLine | None:
        with self._lock:
            return None if self._stopped else next(self.left, None)

    def _ask(self, line: MessageLine) -> None:
        try:
            answer = self.llm.ask(Conversation("", "", messages=line.messages, extra=line.extra))
        except CallRefused as error:
            self._failures = 0
            self._keep(line, {"status": "error", "error": str(error)}, None)
        except (TransientError, ModelUnavailable) as error:
            self._note_failure(error)
        else:
            self._failures = 0
            self._keep(line, _row_of(answer), answer)

    def _note_failure(self, error: LabError) -> None:
        with self._lock:
            self._failures += 1
            self.summary.fault = self.summary.fault or str(error)
            broken = isinstance(error, ModelUnavailable)
            self._stopped |= broken or self._failures >= self.most_failures

    def _keep(self, line: MessageLine, row: Mapping[str, Any], answer: Answer | None) -> None:
        named = {} if line.id is None else {"id": line.id}
        head = {"line": line.number, **named, "key": line.key, "timestamp": utc_now()}

        def count_row() -> None:  # by the one thread of the journal
            summary = self.summary
            if answer is None:
                summary.refused += 1
                return
            summary.answered += 1
            summary.retries += answer.retries
            summary.input_tokens += answer.input_tokens
            summary.output_tokens += answer.output_tokens

        self.journal.append({**head, **row}, count_row)


def _row_of(answer: Answer) -> dict[str, Any]:
    return {
        "status": "ok",
        "text": answer.text,
        "finish_reason": answer.finish_reason,
        "model": answer.answered_by,
        "input_tokens": answer.input_tokens,
        "output_tokens": answer.output_tokens,
        "seconds": round(answer.seconds, 4),
        "waited": round(answer.waited, 4),
        "retries": answer.retries,
    }
