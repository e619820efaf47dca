"""Reading prompts in process: no I/O after the first read until the pointer changes.

A thread looks at the pointer's file every WATCH_SECONDS. What cannot be read any more is served
from what was read last, and every answer then says since when (`stale_since`).
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from prompt_lab.clock import utc_now
from prompt_lab.errors import LabError, StoreError, UnknownName
from prompt_lab.prompts.snapshots import PromotionRecord
from prompt_lab.store.prompt_files import PromptFiles

PRODUCTION = "production"
"""The label that is the pointer."""
WATCH_SECONDS = 0.2


class PromptAnswer(NamedTuple):
    """One prompt as it is served; `stale_since` is UTC, '' while the registry is readable."""

    id: str
    text: str
    version: str
    snapshot: str
    stale_since: str = ""


class Prompts:
    """The prompts of a lab's current snapshot. `close` ends the watching thread."""

    def __init__(self, lab: Path | str, *, now: Callable[[], str] = utc_now) -> None:
        """`lab` is the lab's folder. Raises StoreError where it has no prompts yet."""
        self._files = PromptFiles(Path(lab) / "prompts")
        self._now = now
        self._closed = threading.Event()
        self._sign = self._read_sign()
        self._answers = self._read_answers()
        self._stale_since = ""
        self._watcher = threading.Thread(target=self._watch, name="prompts", daemon=True)
        self._watcher.start()

    def get(self, prompt_id: str, label: str = PRODUCTION) -> PromptAnswer:
        """The text that a label names now. Raises UnknownName for a prompt or label not there."""
        if label != PRODUCTION:
            raise UnknownName("label", label, [PRODUCTION], str(self._files.root))
        try:
            return self._answers[prompt_id]
        except KeyError:
            raise UnknownName("prompt", prompt_id, self._answers, str(self._files.root)) from None

    def close(self) -> None:
        """Stop watching; the answers stay as they are."""
        self._closed.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._closed.wait(WATCH_SECONDS):
            sign = self._read_sign()
            if sign == self._sign and sign is not None and not self._stale_since:
                continue
            self._refresh(sign)

    def _refresh(self, sign: tuple[int, ...] | None) -> None:
        try:
            answers = self._read_answers()
        except LabError:
            if not self._stale_since:
                since = self._stale_since = self._now()
                self._answers = {
                    name: one._replace(stale_since=since) for name, one in self._answers.items()
                }
            return
        self._answers, self._sign, self._stale_since = answers, sign, ""

    def _read_sign(self) -> tuple[int, ...] | None:
        """What changes with the pointer, whose every move is a new file; None where it is gone."""
        try:
            found = os.stat(self._files.pointer)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size, found.st_ctime_ns

    def _read_answers(self) -> dict[str, PromptAnswer]:
        row: PromotionRecord | None = self._files.read_pointer()
        if row is None:
            raise StoreError(
                f"{self._files.root}: holds no prompts. `prompt-lab prompts import FOLDER` makes "
                "the first snapshot."
            )
        snapshot = self._files.read_snapshot(row.to_snapshot)
        return {
            name: PromptAnswer(name, self._files.read_version(digest), digest, row.to_snapshot)
            for name, digest in snapshot.prompts.items()
        }
