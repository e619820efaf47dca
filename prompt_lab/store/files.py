"""Atomic writes and appends; what the disk refuses becomes a StoreError that names the file."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from prompt_lab.errors import StoreError

M = TypeVar("M", bound=BaseModel)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError under `path` into a StoreError that says what to do about it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StoreError(
            f"{path}: {reason}. Free some space or mend its permissions, then run the same command "
            "again: what is finished is kept."
        ) from error


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write the whole file or nothing. `durable` waits until the disk has it (a phase's file)."""
    data = text.encode("utf-8")
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    with disk_errors(path):
        try:
            handle = os.open(part, _NEW, 0o644)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(part, _NEW, 0o644)
        try:
            with open(handle, "wb") as file:
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(handle)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def write_record(path: Path, record: BaseModel, *, durable: bool = True) -> None:
    """A record as indented JSON, atomically."""
    write_text(path, record.model_dump_json(indent=2) + "\n", durable=durable)


def read_record(path: Path, kind: type[M]) -> M:
    """A record from JSON. Raises StoreError that names the file and the first fault."""
    with disk_errors(path):
        text = path.read_text(encoding="utf-8")
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"]) or "the file"
        raise StoreError(
            f"{path}: {place}: {first['msg']}. Restore it from the lab's git history, or remove it "
            "to have it made again."
        ) from error


def read_if_whole(path: Path, kind: type[M]) -> M | None:
    """A record, or None where the file is missing or does not hold one."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def append_row(path: Path, row: dict[str, Any]) -> None:
    """One JSON line in one O_APPEND write, so that rows of two writers never mix."""
    line = (json.dumps(row, ensure_ascii=False) + "\n").encode()
    with disk_errors(path):
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file; none where it is missing. What is no object is skipped."""
    rows = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows
