"""Messages between our process and a worker: a length, JSON, then the bytes of files.

`_files` of the JSON lists [path, size, mode, time of change] for each file that follows. Both sides
read what the other one may have forged: every length is bounded before it is believed.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterable
from typing import Any

LONGEST = 16 << 20
"""Bytes of a message's JSON."""
MOST_FILES = 10000
CHUNK = 1 << 20
_LENGTH = struct.Struct(">Q")


class Forged(Exception):
    """What came is no message."""


def send(fd: int, message: dict[str, Any], sources: Iterable[tuple[str, str]] = ()) -> None:
    """Write a message whole; `sources` are (path in it, file here). Raises OSError."""
    found: list[tuple[str, list[Any]]] = []
    for path, file in sources:
        try:
            info = os.stat(file)
        except OSError:
            continue
        found.append((file, [path, info.st_size, info.st_mode & 0o777, info.st_mtime]))
    entries = [entry for _, entry in found]
    data = json.dumps({**message, "_files": entries}).encode("utf-8", "backslashreplace")
    _write(fd, _LENGTH.pack(len(data)) + data)
    for file, entry in found:
        _copy_out(fd, file, entry[1])


def receive(
    fd: int,
    place: Callable[[dict[str, Any], str], str | None],
    most_bytes: int = 1 << 50,
    *,
    times: bool = False,
) -> dict[str, Any]:
    """Read a message whole, its files into where `place` says. Raises EOFError, Forged, OSError.

    `times`: files keep their time of change, and were never read.
    """
    (length,) = _LENGTH.unpack(_read(fd, _LENGTH.size))
    if length > LONGEST:
        raise Forged(f"a message of {length} bytes")
    try:
        message = json.loads(_read(fd, length))
    except (ValueError, RecursionError) as error:
        raise Forged("no JSON") from error
    if not isinstance(message, dict):
        raise Forged("no JSON object")
    entries = _entries(message.pop("_files", []))
    if sum(entry[1] for entry in entries) > most_bytes:
        raise Forged("more files than a step may write")
    for path, size, mode, changed in entries:
        file = place(message, path)
        _copy_in(fd, file, size, mode)
        if times and file is not None:
            os.utime(file, (0.0, changed))
    return message


def _entries(given: Any) -> list[tuple[str, int, int, float]]:
    if not isinstance(given, list) or len(given) > MOST_FILES:
        raise Forged("a list of files that is none, or too long")
    for entry in given:
        whole = isinstance(entry, list) and len(entry) == 4
        path, size, mode, changed = entry if whole else [0] * 4
        numbers = all(type(n) in (int, float) and 0 <= n < 1 << 50 for n in (size, mode, changed))
        if not isinstance(path, str) or not numbers or type(size) is not int:
            raise Forged(f"no file: {entry!r:.100}")
        if path.startswith("/") or "\0" in path or {"", ".", ".."} & set(path.split("/")):
            raise Forged(f"a path that leads outside: {path!r:.100}")
    return [(e[0], e[1], int(e[2]) & 0o777, float(e[3])) for e in given]


def _copy_in(fd: int, file: str | None, size: int, mode: int) -> None:
    out = -1
    if file is not None:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        out = os.open(file, flags, mode | 0o600)
    try:
        while size:
            data = _read(fd, min(size, CHUNK))
            size -= len(data)
            if out >= 0:
                _write(out, data)
    finally:
        if out >= 0:
            os.close(out)


def _copy_out(fd: int, file: str, size: int) -> None:
    """Exactly `size` bytes: where the file became shorter meanwhile, zeros."""
    try:
        source = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        source = -1
    try:
        while size:
            data = os.read(source, min(size, CHUNK)) if source >= 0 else b""
            data = data or bytes(min(size, CHUNK))
            _write(fd, data)
            size -= len(data)
    finally:
        if source >= 0:
            os.close(source)


def _read(fd: int, count: int) -> bytes:
    parts = []
    while count:
        data = os.read(fd, min(count, CHUNK))
        if not data:
            raise EOFError
        parts.append(data)
        count -= len(data)
    return b"".join(parts)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
