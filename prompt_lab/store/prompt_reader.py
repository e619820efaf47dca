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
from prompt_lab.prompts.snapshots import PRODUCTION
from prompt_lab.store.prompt_files import PromptFiles

WATCH_SECONDS = 0.2


class PromptAnswer(NamedTuple):
    """One prompt as it is served; `stale_since` is UTC, '' while it is what the label names."""

    id: str
    text: str
    version: str
    snapshot: str
    stale_since: str = ""


_Answers = dict[str, dict[str, PromptAnswer]]
"""label -> prompt id -> answer."""


class Prompts:
    """The prompts of a lab's current snapshot. `close` ends the watching thread."""

    def __init__(
        self,
        lab: Path | str,
        *,
        now: Callable[[], str] = utc_now,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        """`lab` is the lab's folder. Raises StoreError where it has no prompts yet.

        `on_change` is called on the watching thread after the answers have changed.
        """
        self._files = PromptFiles(Path(lab) / "prompts")
        self._now = now
        self._on_change = on_change
        self._closed = threading.Event()
        self._sign = self._read_sign()
        self._answers = self._read_answers()
        self._stale_since = ""
        self._watcher = threading.Thread(target=self._watch, name="prompts", daemon=True)
        self._watcher.start()

    def get(self, prompt_id: str, label: str = PRODUCTION) -> PromptAnswer:
        """The text that a label names now. Raises UnknownName for a prompt or label not there.

        A label that was removed, or a prompt that its snapshot no longer has, is still answered,
        with `stale_since`.
        """
        try:
            return self._answers[label][prompt_id]
        except KeyError:
            where = str(self._files.root)
            if label not in self._answers:
                raise UnknownName("label", label, self._answers, where) from None
            raise UnknownName("prompt", prompt_id, self._answers[label], where) from None

    def list_prompts(self, label: str = PRODUCTION) -> list[str]:
        """The ids that a label has, sorted. Raises UnknownName."""
        if label not in self._answers:
            raise UnknownName("label", label, self._answers, str(self._files.root))
        return sorted(self._answers[label])

    def close(self) -> None:
        """Stop watching; the answers stay as they are."""
        self._closed.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._closed.wait(WATCH_SECONDS):
            sign = self._read_sign()
            if sign == self._sign and sign is not None and not self._stale_since:
                continue
            before = self._answers
            self._refresh(sign)
            if self._on_change is not None and self._answers is not before:
                self._on_change()

    def _refresh(self, sign: tuple[int, ...] | None) -> None:
        try:
            answers = self._read_answers()
        except LabError:
            if not self._stale_since:
                since = self._stale_since = self._now()
                self._answers = {
                    label: {name: _mark(one, since) for name, one in prompts.items()}
                    for label, prompts in self._answers.items()
                }
            return
        lost = {
            label: {name: _mark(one, self._now()) for name, one in prompts.items()}
            for label, prompts in self._answers.items()
        }
        for label, prompts in lost.items():
            answers[label] = {**prompts, **answers.get(label, {})}
        self._answers, self._sign, self._stale_since = answers, sign, ""

    def _read_sign(self) -> tuple[int, ...] | None:
        """What changes with the pointer, whose every move is a new file; None where it is gone."""
        try:
            found = os.stat(self._files.pointer)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size, found.st_ctime_ns

    def _read_answers(self) -> _Answers:
        row = self._files.read_pointer()
        if row is None or not row.to_snapshot:
            raise StoreError(
                f"{self._files.root}: holds no prompts. `prompt-lab prompts import FOLDER` makes "
                "the first snapshot."
            )
        pinned = {**row.labels, PRODUCTION: row.to_snapshot}
        return {label: self._read_snapshot(snapshot) for label, snapshot in pinned.items()}

    def _read_snapshot(self, snapshot_id: str) -> dict[str, PromptAnswer]:
        prompts = self._files.read_snapshot(snapshot_id).prompts
        return {
            name: PromptAnswer(name, self._files.read_version(digest), digest, snapshot_id)
            for name, digest in prompts.items()
        }


def _mark(answer: PromptAnswer, since: str) -> PromptAnswer:
    return answer if answer.stale_since else answer._replace(stale_since=since)
