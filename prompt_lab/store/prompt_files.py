"""lab/prompts on disk: manifests, versions, snapshots, one pointer, and an append-only journal.

The pointer holds the whole row of the last promotion, and its replacement is the one moment at
which a promotion happens. A process that is killed after it and before the journal leaves the row
in the pointer; `recover` appends it before anything else is done.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from prompt_lab.errors import StoreError
from prompt_lab.prompts.manifest import PromptManifest
from prompt_lab.prompts.snapshots import PromotionRecord, Snapshot, digest_text
from prompt_lab.store.files import (
    append_row,
    disk_errors,
    read_record,
    read_rows,
    write_record,
    write_text,
)

POINTER = "current.json"
JOURNAL = "promotions.jsonl"
_FIX = "Restore it from the lab's git repository"


class PromptFiles:
    """The files of one registry; `root` is lab/prompts. Takes no decisions."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pointer = root / POINTER
        self.journal = root / JOURNAL

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep other processes and threads from writing until the block ends; ends with us."""
        path = self.root / ".lock"
        with disk_errors(path):
            self.root.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self.recover()
            yield
        finally:
            os.close(handle)

    def recover(self) -> None:
        """Append the pointer's row where a killed process has not. Needs the lock."""
        current = self.read_pointer()
        if current is None:
            return
        rows = read_rows(self.journal, 1 << 16) or read_rows(self.journal)
        if not rows or rows[-1].get("sequence", 0) < current.sequence:
            self._append(current)

    def read_pointer(self) -> PromotionRecord | None:
        """The row of the last promotion; None before the first import. Raises StoreError."""
        if not self.pointer.exists():
            return None
        return read_record(self.pointer, PromotionRecord, fix=_FIX)

    def move_pointer(self, row: PromotionRecord) -> None:
        """Make a row the current one, durably, then append it to the journal. Needs the lock."""
        write_record(self.pointer, row)
        self._sync(self.root)
        self._append(row)

    def read_journal(self, **fields: str) -> list[PromotionRecord]:
        """The rows, oldest first; those alone that hold all `fields`, at any depth.

        The fields are looked for in the rows' text, so that a long journal costs little. Raises
        StoreError for a damaged row.
        """
        parts = [f'"{name}": {json.dumps(value)}' for name, value in fields.items()]
        rows = read_rows(self.journal, holding=parts)
        try:
            return [PromotionRecord.model_validate(row) for row in rows]
        except ValidationError as error:
            fault = error.errors()[0]["msg"]
            raise StoreError(f"{self.journal}: a row is damaged: {fault}. {_FIX}.") from error

    def was_current(self, snapshot_id: str) -> bool:
        """Whether the pointer has ever named a snapshot."""
        part = f'"to_snapshot": {json.dumps(snapshot_id)}'
        return bool(snapshot_id) and bool(read_rows(self.journal, holding=[part]))

    def write_version(self, text: str) -> str:
        """Keep a text under its sha256, which is returned."""
        digest = digest_text(text)
        path = self._version(digest)
        if not path.exists():
            write_text(path, text)
            self._sync(path.parent)
        return digest

    def read_version(self, digest: str) -> str:
        """A version's text. Raises StoreError where it is missing or was changed."""
        path = self._version(digest)
        with disk_errors(path):
            content = path.read_bytes()
        text = content.decode("utf-8", "replace")
        if digest_text(text) != digest:
            raise StoreError(f"{path}: is not the text that its name says. {_FIX}.")
        return text

    def list_versions(self) -> list[str]:
        """The sha256 of every text that is kept, sorted."""
        return sorted(path.stem for path in (self.root / "versions").glob("*.txt"))

    def write_snapshot(self, snapshot: Snapshot) -> str:
        """Keep a snapshot under its id, which is returned."""
        path = self._snapshot(snapshot.id)
        if not path.exists():
            write_record(path, snapshot)
            self._sync(path.parent)
        return snapshot.id

    def read_snapshot(self, snapshot_id: str) -> Snapshot:
        """Raises StoreError where it is missing or was changed."""
        path = self._snapshot(snapshot_id)
        found = read_record(path, Snapshot, fix=_FIX)
        if found.id != snapshot_id:
            raise StoreError(f"{path}: is not the snapshot that its name says. {_FIX}.")
        return found

    def write_manifest(self, manifest: PromptManifest) -> None:
        """Keep or replace a manifest."""
        write_record(self._manifest(manifest.id), manifest)

    def read_manifest(self, prompt_id: str) -> PromptManifest | None:
        """None where the prompt has none. Raises StoreError for a damaged one."""
        path = self._manifest(prompt_id)
        return read_record(path, PromptManifest, fix=_FIX) if path.exists() else None

    def _append(self, row: PromotionRecord) -> None:
        append_row(self.journal, row.model_dump(mode="json"))
        with disk_errors(self.journal), self.journal.open("rb") as file:
            os.fsync(file.fileno())

    def _version(self, digest: str) -> Path:
        return self.root / "versions" / f"{_check_digest(digest)}.txt"

    def _snapshot(self, snapshot_id: str) -> Path:
        return self.root / "snapshots" / f"{_check_digest(snapshot_id)}.json"

    def _manifest(self, prompt_id: str) -> Path:
        return self.root / "manifests" / f"{prompt_id}.json"

    def _sync(self, folder: Path) -> None:
        with disk_errors(folder):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _check_digest(digest: str) -> str:
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise StoreError(f"{digest!r} is no id of a version or snapshot: give 64 hex digits.")
    return digest
