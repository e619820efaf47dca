"""Take in traces: keys hidden, duplicates left out, what cannot be read kept aside."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from prompt_lab.names import count
from prompt_lab.ports.trace_reader import MalformedTrace, TraceReader
from prompt_lab.ports.trace_store import TraceStore
from prompt_lab.prompts.secret_patterns import find_secret, hide_secrets
from prompt_lab.redact import Redactor
from prompt_lab.store.files import append_row, read_given_text, read_rows
from prompt_lab.traces import Trace

ASIDE = "malformed_traces.jsonl"
"""In the lab: what could not be read, with its reason, so that nothing is lost."""
MOST_SHOWN = 10


class Ingested(NamedTuple):
    """What became of the traces of some files."""

    new: int
    duplicates: int
    malformed: tuple[tuple[Path, MalformedTrace], ...]


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
    malformed: list[tuple[Path, MalformedTrace]] = []
    known = list(read_rows(aside))

    def read_file(path: Path) -> Iterator[Trace]:
        for found in reader.read(read_given_text(path), at=at):
            if isinstance(found, Trace):
                yield redact_trace(found, redactor)
            else:
                text = _redact_text(found.text, redactor)
                kept = MalformedTrace(found.line, found.reason, text)
                malformed.append((path, kept))
                row = {"file": path.name, "line": kept.line, "reason": kept.reason, "text": text}
                if row not in known:
                    append_row(aside, row)

    new = duplicates = 0
    for path in files:
        added = store.add(read_file(path))
        new, duplicates = new + added.new, duplicates + added.duplicates
    return Ingested(new, duplicates, tuple(malformed))


def redact_trace(trace: Trace, redactor: Redactor) -> Trace:
    """The trace without keys, passwords and tokens, wherever in it they stand."""
    whole = trace.model_dump_json()
    if not find_secret(whole) and not redactor.find_secrets(whole):
        return trace
    told = _map_texts(trace.model_dump(mode="json"), lambda text: _redact_text(text, redactor))
    return Trace.model_validate(told)


def _redact_text(text: str, redactor: Redactor) -> str:
    return hide_secrets(redactor.text(text))


def render_ingested(found: Ingested, aside: Path) -> str:
    """The summary: counts, and the first of what could not be read."""
    lines = [f"{count(found.new, 'trace')} added, {found.duplicates:,} known already"]
    if found.malformed:
        lines[0] += f", {len(found.malformed):,} not readable"
        shown = found.malformed[:MOST_SHOWN]
        lines += [f"  {path}:{bad.line}: {bad.reason}" for path, bad in shown]
        if more := len(found.malformed) - len(shown):
            lines.append(f"  and {more:,} more")
        lines.append(f"  kept in {aside}")
    return "\n".join(lines)


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _map_texts(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_map_texts(inner, change) for inner in value]
    return value
