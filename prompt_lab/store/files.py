"""Atomic writes and appends; what the disk refuses becomes a StoreError that names the file."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from errno import EACCES, EDQUOT, EMLINK, ENOSPC, ENOSYS, ENOTEMPTY, ENOTSUP, EPERM, EROFS
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from prompt_lab.errors import LabError, StoreError
from prompt_lab.prompts.files import decode_text

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
_NO_LINKS = (EPERM, ENOTSUP, ENOSYS, EMLINK)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError under `path` into a StoreError that says what to do about it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StoreError(
            f"{path}: {reason}. {_cure(error)}, then run the same command again: what is finished "
            "is kept."
        ) from error


def _cure(error: OSError) -> str:
    if error.errno in (ENOSPC, EDQUOT):
        return "Free some space"
    if error.errno == ENOTEMPTY or isinstance(
        error, FileExistsError | NotADirectoryError | IsADirectoryError
    ):
        return "Move away what is in its place"
    if error.errno in (EACCES, EPERM):
        return "Fix its permissions"
    if error.errno == EROFS:
        return "It lies on a file system that is only read: put it elsewhere"
    return "Put it where files can be made and written"


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


def create_record(path: Path, record: BaseModel) -> bool:
    """Write a record where there is none yet; False where the file is there already."""
    data = (record.model_dump_json(indent=2) + "\n").encode("utf-8")
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    with disk_errors(path):
        try:
            part.write_bytes(data)
            try:
                os.link(part, path)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                return _create_directly(path, data)
        finally:
            part.unlink(missing_ok=True)
    return True


def _create_directly(path: Path, data: bytes) -> bool:
    """The same on a file system without hard links, where a kill may leave half a record."""
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True


def read_record(
    path: Path, kind: type[M], *, fix: str = "Restore it, or remove it to have it made again"
) -> M:
    """A record from JSON. Raises StoreError that names the file, the first fault and the fix."""
    if not path.exists():
        raise StoreError(f"{path}: is missing. {fix}.")
    with disk_errors(path):
        data = path.read_bytes()
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"]) or "the file"
        raise StoreError(f"{path}: {place}: {first['msg']}. {fix}.") from error


def read_if_whole(path: Path, kind: type[M]) -> M | None:
    """A record, or None where the file is missing or does not hold one."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def read_parsed(path: Path, parse: Callable[[str], T], *, fix: str) -> T:
    """What a text says. Raises StoreError that names the file, the fault and the fix."""
    try:
        with disk_errors(path):
            text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: is not UTF-8 text (byte {error.start}). {fix}.") from error
    try:
        return parse(text)
    except LabError as error:
        raise StoreError(f"{path}: {error} {fix}.") from error


def append_row(path: Path, row: dict[str, Any]) -> None:
    """One JSON line in one O_APPEND write, so that rows of two writers never mix."""
    append_rows(path, [row])


def append_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """JSON lines in one O_APPEND write, so that rows of two writers never mix.

    A line that a killed writer left half done is ended first: it takes no other with it. One that
    another writer is at looks the same, and then an empty line stands between the two.
    """
    # Half a surrogate pair, which UTF-8 cannot hold, becomes the escape that JSON has for it.
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    data = lines.encode("utf-8", "backslashreplace")
    with disk_errors(path):
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(handle).st_size
            torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
            os.write(handle, b"\n" + data if torn else data)
        finally:
            os.close(handle)


def read_rows(
    path: Path, last_bytes: int = 0, *, holding: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The rows of a JSONL file; none where it is missing. What is no object is skipped.

    `last_bytes`: only the rows that lie whole in so many bytes at its end; 0: all. `holding`: only
    the rows whose line holds all of these, which are not parsed else.
    """
    rows = []
    if not path.exists():
        return []
    with disk_errors(path), path.open("rb") as file:
        if last_bytes and file.seek(0, os.SEEK_END) > last_bytes:
            file.seek(-last_bytes, os.SEEK_END)
            file.readline()
        else:
            file.seek(0)
        text = file.read().decode("utf-8", "replace")
    for line in text.split("\n"):  # splitlines() would also split at characters inside a string
        if not all(part in line for part in holding):
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def read_given_text(path: Path) -> str:
    """The text of a file that a user gives: UTF-8, or what its byte order mark says.

    Raises StoreError with the line where it is neither.
    """
    with disk_errors(path):
        content = path.read_bytes()
    try:
        return decode_text(content)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise StoreError(f"{path}:{line}: is not UTF-8 text. Save it as UTF-8.") from error
