"""The way back into the workspace: prepared as a whole, applied as a whole, taken back as a whole.

`pending/` is a journal of one step. It is made whole by a rename, so it is there or it is not; what
is in it is finished by the next process.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from prompt_lab.errors import StoreError
from prompt_lab.propose.budget import EXECUTABLE, REGULAR
from prompt_lab.store.files import disk_errors, read_if_whole, write_text
from prompt_lab.store.tasks import TaskStore
from prompt_lab.task_engine.changes import Version
from prompt_lab.task_engine.record import AttemptRecord, Undo
from prompt_lab.task_engine.task_copy import apply, files
from prompt_lab.task_engine.task_copy.files import Conflict

Versions = Mapping[str, Version | None]


class Sync:
    """Keeps and undoes of one task. The caller holds the task's lock."""

    def __init__(self, root: Path, store: TaskStore) -> None:
        self._root, self._store = root, store

    def recover(self) -> AttemptRecord | Undo | None:
        """Finish what an engine that died has left; the record of what it had decided, if any."""
        pending = self._store.pending
        files.throw_away(_part(pending))
        if not pending.is_dir():
            return None
        record = _record(pending)
        # Without its files having begun to change, the step was never taken: it is forgotten.
        if record is None or (not (pending / "done").exists() and self._untouched()):
            files.throw_away(pending)
            return None
        try:
            self._apply(forget=False)
        except Conflict as error:
            aside = _free_path(pending.with_name("pending-conflict"))
            pending.rename(aside)
            raise StoreError(
                f"{self._root}: an engine died while it wrote artifacts, and some were changed"
                f" since: {error}. Both versions lie in {aside}: put right what you want by hand,"
                " and run the same command again"
            ) from error
        self._finish(record)
        return record

    def keep(self, old: Versions, new: Versions, record: AttemptRecord) -> None:
        """Put a candidate into the workspace. Raises Conflict where it has changed meanwhile."""
        self._prepare(old, new, record)
        self._apply()
        self._finish(record)

    def undo(self, undone: int, record: Undo) -> None:
        """Take a keep back. Raises Conflict where its artifacts were changed since."""
        kept = self._store.keep(undone)
        told = json.loads((kept / "manifest.json").read_text("utf-8"))
        sides: dict[str, dict[str, Version | None]] = {"old": {}, "new": {}}
        for one in told["files"]:
            for side, versions in sides.items():
                versions[one["path"]] = _version(kept, one[side])
        self._prepare(sides["new"], sides["old"], record)
        try:
            self._apply()
        except Conflict as error:
            raise Conflict(error.paths, _by_hand(kept, told, undone)) from error
        self._finish(record)

    def files_of(self, number: int) -> tuple[str, ...]:
        """The paths that a keep changed. Raises StoreError where its snapshot cannot be read."""
        try:
            told = json.loads((self._store.keep(number) / "manifest.json").read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise StoreError(f"{self._store.keep(number)}: the snapshot cannot be read") from error
        return tuple(one["path"] for one in told["files"])

    def _prepare(self, old: Versions, new: Versions, record: AttemptRecord | Undo) -> None:
        part = _part(self._store.pending)
        with disk_errors(part):
            files.throw_away(part)
            part.mkdir(parents=True)
            rows: list[dict[str, Any]] = []
            for index, path in enumerate(sorted({*old, *new})):
                row: dict[str, Any] = {"path": path}
                for side, versions in (("old", old), ("new", new)):
                    row[side] = _stored(part, f"{index}.{side}", versions.get(path))
                rows.append(row)
            told = {"root": str(self._root), "files": rows}
            write_text(part / "record.json", record.model_dump_json())
            write_text(part / "manifest.json", json.dumps(told, indent=1))
            part.rename(self._store.pending)

    def _apply(self, *, forget: bool = True) -> None:
        """Raises Conflict, and may forget the step; nothing was changed by this call then."""
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", apply.__file__, str(self._store.pending)],
            capture_output=True, text=True, check=False, start_new_session=True,
        )  # fmt: skip
        if done.returncode == apply.CONFLICT:
            if forget:
                files.throw_away(self._store.pending)
            raise Conflict(json.loads(done.stdout))
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
            raise StoreError(
                f"{self._root}: the artifacts could not be written: {said[0]}. Fix that, and run"
                " the same command again: what was begun is finished then"
            )

    def _finish(self, record: AttemptRecord | Undo) -> None:
        """Record what was done, and keep its snapshot."""
        self._store.append(json.loads(record.model_dump_json()))
        with disk_errors(self._store.keeps):
            if isinstance(record, AttemptRecord):
                write_text(self._store.record(record.attempt), record.model_dump_json() + "\n")
                target = self._store.keep(record.attempt)
                if target.exists():
                    # Of an attempt whose number was given again, since its record was removed.
                    target.rename(_free_path(target.with_name(f"{record.attempt}-replaced")))
            else:
                kept = self._store.keep(record.undone)
                if kept.exists():
                    kept.rename(_free_path(kept.with_name(f"{record.undone}-undone")))
                target = _free_path(kept.with_name(f"{record.undone}-undo"))
            target.parent.mkdir(parents=True, exist_ok=True)
            self._store.pending.rename(target)

    def _untouched(self) -> bool:
        """Whether no file of the step is new yet."""
        told = json.loads((self._store.pending / "manifest.json").read_text("utf-8"))
        root = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return all(apply.state(root, one) != "new" for one in told["files"])
        finally:
            os.close(root)


def _by_hand(kept: Path, told: Mapping[str, Any], undone: int) -> str:
    """The folder with the versions of a keep, for a user who has to choose between edits."""
    lie = "; ".join(
        f"{one['path']!r}: {_file(kept, one['old'])} before it, {_file(kept, one['new'])} as kept"
        for one in told["files"][:5]
    )
    return (
        f"attempt {undone} was not taken back, and nothing was changed. Put your own edit aside"
        f" (`git stash`, or copy it away and bring back what was kept), run --undo again, and"
        f" repeat your edit; or choose by hand. {lie}"
    )


def _file(kept: Path, side: Mapping[str, Any] | None) -> str:
    return str(kept / side["file"]) if side else "no file"


def _part(pending: Path) -> Path:
    return pending.with_name(pending.name + ".part")


def _free_path(path: Path) -> Path:
    """The path, or the first one like it that is not taken."""
    found, number = path, 2
    while found.exists():
        found, number = path.with_name(f"{path.name}-{number}"), number + 1
    return found


def _stored(folder: Path, name: str, version: Version | None) -> dict[str, Any] | None:
    if version is None:
        return None
    with (folder / name).open("wb") as file:
        file.write(version.data)
        file.flush()
        os.fsync(file.fileno())
    mode = 0o755 if version.mode == EXECUTABLE else 0o644
    return {"file": name, "sha256": sha256(version.data).hexdigest(), "mode": mode}


def _version(folder: Path, told: dict[str, Any] | None) -> Version | None:
    if told is None:
        return None
    mode = EXECUTABLE if told["mode"] & 0o100 else REGULAR
    return Version(mode, (folder / told["file"]).read_bytes())


def _record(pending: Path) -> AttemptRecord | Undo | None:
    path = pending / "record.json"
    return read_if_whole(path, AttemptRecord) or read_if_whole(path, Undo)
