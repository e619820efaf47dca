"""Take in traces: keys hidden, duplicates left out, what cannot be read kept aside."""

import codecs
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from prompt_lab.names import count
from prompt_lab.ports.trace_reader import LineTraceReader, MalformedTrace, TraceReader
from prompt_lab.ports.trace_store import TraceStore
from prompt_lab.prompts.secret_patterns import find_secret, hide_secrets
from prompt_lab.redact import HIDDEN, Redactor
from prompt_lab.store.files import append_row, disk_errors, read_given_text, read_rows
from prompt_lab.traces import Trace

ASIDE = "malformed_traces.jsonl"
"""In the lab: what could not be read, with its reason, so that nothing is lost."""
MOST_SHOWN = 10
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""U+0000, as JSON spells it."""
_NUL_SAID = "it holds the character U+0000, which PostgreSQL cannot store"


class Ingested(NamedTuple):
    """What became of the traces of some files."""

    new: int
    duplicates: int
    malformed: int
    shown: tuple[tuple[Path, MalformedTrace], ...] = ()
    """The first of those that could not be read."""


def import_traces(
    store: TraceStore,
    reader: TraceReader,
    files: Iterable[Path],
    *,
    at: str,
    aside: Path,
    redactor: Redactor,
) -> Ingested:
    """Read every trace of the files into the store. May be repeated. Raises StoreError."""
    kept = _KeptAside(aside)

    def read_file(path: Path) -> Iterator[Trace]:
        for found in _read_traces(reader, path, at):
            trace = _redact_found(found, redactor)
            if isinstance(trace, Trace):
                yield trace
            else:
                kept.add(path, trace)

    new = duplicates = 0
    for path in files:
        added = store.add(read_file(path))
        new, duplicates = new + added.new, duplicates + added.duplicates
    return Ingested(new, duplicates, kept.count, tuple(kept.shown))


class FoundTrace(NamedTuple):
    """What a reader made of a line; `line` is '' where the reader had the whole file."""

    number: int
    line: str
    trace: Trace | MalformedTrace


def _read_traces(reader: TraceReader, path: Path, at: str) -> Iterator[FoundTrace]:
    """Line by line where the format allows it: a file of any size takes little memory."""
    if not isinstance(reader, LineTraceReader) or not _is_utf8(path):
        for found in reader.read(read_given_text(path), at=at):
            yield FoundTrace(0, "", found)
        return
    with disk_errors(path), path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            content = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
            if not content.strip():
                continue
            try:
                line = content.decode().removesuffix("\n")
            except UnicodeDecodeError:
                shown = content.decode("utf-8", "backslashreplace").strip()
                yield FoundTrace(number, "", MalformedTrace(number, "is not UTF-8 text", shown))
            else:
                yield FoundTrace(number, line, reader.read_line(number, line, at=at))


def _is_utf8(path: Path) -> bool:
    """Whether no byte order mark says that it is another encoding."""
    with disk_errors(path), path.open("rb") as file:
        begin = file.read(len(codecs.BOM_UTF32_LE))
    return not begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE))


class _KeptAside:
    """The file of what could not be read. A repeated import adds nothing to it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = {_digest(row) for row in read_rows(file)}
        self.count = 0
        self.shown: list[tuple[Path, MalformedTrace]] = []

    def add(self, path: Path, found: MalformedTrace) -> None:
        self.count += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append((path, found))
        row = {
            "file": path.name,
            "line": found.line,
            "reason": found.reason,
            "text": found.text,
        }
        digest = _digest(row)
        if digest not in self._known:
            self._known.add(digest)
            append_row(self._file, row)


def _digest(row: dict[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).digest()


def _redact_found(found: FoundTrace, redactor: Redactor) -> Trace | MalformedTrace:
    """The trace, or why it is none, without keys. Its own line is looked through if it may be."""
    trace = found.trace
    if isinstance(trace, MalformedTrace):
        return trace._replace(text=_redact_text(trace.text, redactor))
    try:
        # An escape may spell a letter of a key; what pydantic writes has none for letters.
        is_plain = found.line and "\\u" not in found.line and "\\/" not in found.line
        whole = found.line if is_plain else trace.model_dump_json()
        if "\\u0000" in whole and _NUL.search(whole):
            raise ValueError(_NUL_SAID)
    except ValueError as error:  # half of a surrogate pair, which UTF-8 cannot hold
        said = str(error)[:300]
        return MalformedTrace(found.number, said, _redact_text(found.line, redactor))
    return _redact_trace(trace, whole, redactor)


def redact_trace(trace: Trace, redactor: Redactor) -> Trace:
    """The trace without keys, passwords and tokens, wherever in it they stand."""
    return _redact_trace(trace, trace.model_dump_json(), redactor)


def _redact_trace(trace: Trace, whole: str, redactor: Redactor) -> Trace:
    if not find_secret(whole, redactor):
        return trace
    told = _map_texts(trace.model_dump(mode="json"), lambda text: _redact_text(text, redactor))
    return Trace.model_validate(told)


def _redact_text(text: str, redactor: Redactor) -> str:
    return hide_secrets(redactor.text(text))


def render_ingested(found: Ingested, aside: Path) -> str:
    """The summary: counts, and the first of what could not be read."""
    lines = [f"{count(found.new, 'trace')} added, {found.duplicates:,} known already"]
    if found.malformed:
        lines[0] += f", {found.malformed:,} not readable"
        lines += [f"  {path}:{bad.line}: {bad.reason}" for path, bad in found.shown]
        if more := found.malformed - len(found.shown):
            lines.append(f"  and {more:,} more")
        lines.append(f"  kept in {aside}")
    return "\n".join(lines)


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _map_entry(key, inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_map_texts(inner, change) for inner in value]
    return value


def _map_entry(key: str, value: Any, change: Callable[[str], str]) -> Any:
    """The value of a key; what is secret by its key alone ('password') is hidden whole."""
    changed = _map_texts(value, change)
    if isinstance(value, str) and value and changed == value:
        entry = json.dumps({key: value}, ensure_ascii=False)
        return HIDDEN if change(entry) != entry else value
    return changed
