"""The messages that runs in our own process sent: one file per run folder, each text once."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from threading import Lock

from prompt_lab.store.files import append_row, read_rows

MESSAGES = "messages.jsonl"
"""Rows {sha256, text} beside outputs.jsonl; a run names its own in `sent.messages`."""


def keep_messages(folder: Path, texts: Sequence[str]) -> tuple[str, ...]:
    """Add the texts that the run folder lacks. Returns the sha256 of each, in order.

    Safe for threads; two processes may write one text twice, which reads the same.
    """
    known, lock = _known_in(folder)
    digests = []
    for text in texts:
        digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        digests.append(digest)
        with lock:
            if digest not in known:
                append_row(folder / MESSAGES, {"sha256": digest, "text": text})
                known.add(digest)
    return tuple(digests)


def read_messages(folders: Iterable[Path], digests: Iterable[str]) -> Mapping[str, str]:
    """sha256 -> text of those that the run folders hold."""
    wanted, found = set(digests), dict[str, str]()
    for folder in dict.fromkeys(folders) if wanted else ():
        for row in read_rows(folder / MESSAGES):
            digest, text = row.get("sha256"), row.get("text")
            if digest in wanted and isinstance(digest, str) and isinstance(text, str):
                found[digest] = text
    return found


@lru_cache(maxsize=32)
def _known_in(folder: Path) -> tuple[set[str], Lock]:
    """What a run folder holds already, and the lock of its writers in this process."""
    return {str(row.get("sha256")) for row in read_rows(folder / MESSAGES)}, Lock()
