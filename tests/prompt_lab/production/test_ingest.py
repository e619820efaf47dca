"""An import line by line: what is kept aside, what is hidden, and a kill in the middle."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.traces.jsonl import JsonlTraces
from prompt_lab.ports.trace_reader import MalformedTrace, TraceReader
from prompt_lab.ports.trace_store import TraceStore
from prompt_lab.production.ingest import Ingested, import_traces
from prompt_lab.redact import Redactor
from prompt_lab.store.database.engine import open_stores
from prompt_lab.store.files import read_rows
from prompt_lab.store.layout import Lab
from prompt_lab.traces import Trace, Window
from tests.memory_stores import MemoryTraces

ALL = Window("0001-01-01T00:00:00.000Z", "9999-12-31T00:00:00.000Z")
KEY = "sk-0123456789abcdefghij"


def load(
    store: TraceStore, path: Path, *, reader: TraceReader | None = None, known: str = ""
) -> Ingested:
    return import_traces(
        store,
        reader or JsonlTraces(),
        [path],
        at="",
        aside=path.with_name("aside.jsonl"),
        redactor=Redactor([known]),
    )


def line(name: str, text: str = "", **payload: object) -> bytes:
    row = {"trace_id": name, "created_at": "2026-02-26T06:00:00Z", "user_message": text}
    return json.dumps({**row, "payload": payload}).encode() + b"\n"


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b"\xff\xfe{}\n", "UTF-8"),
        (line("nul", "a\0b"), "U+0000"),
        (line("half", messages=[{"role": "user", "content": "\ud800"}]), "surrogates"),
        (line("nan").replace(b'""', b"NaN"), "NaN is not JSON"),
        (b"[1]\n", "is no JSON object"),
    ],
)
def test_a_bad_line_is_kept_aside_once_and_stops_no_other(
    tmp_path: Path, bad: bytes, says: str
) -> None:
    path, store = tmp_path / "t.jsonl", MemoryTraces()
    good = line("b", "two \u2028 \\\\u0000 \\u0000")
    path.write_bytes(line("a") + bad + b"\r\n" + good.rstrip(b"\n"))
    for _ in range(2):
        found = load(store, path)
        assert (found.malformed, [bad.line for _, bad in found.shown]) == (1, [2])
    (row,) = read_rows(tmp_path / "aside.jsonl")
    assert says in row["reason"]
    assert (row["file"], row["line"]) == ("t.jsonl", 2)
    assert sorted(store.traces) == ["a", "b"]
    assert store.traces["b"].user_message == "two \u2028 \\\\u0000 \\u0000"


@pytest.mark.parametrize("begin", [b"", "\ufeff".encode()])
def test_keys_are_hidden_however_json_spells_them(tmp_path: Path, begin: bytes) -> None:
    path, store = tmp_path / "t.jsonl", MemoryTraces()
    escaped = line("a", "x").replace(b'"x"', b'"' + KEY.encode().replace(b"s", b"\\u0073") + b'"')
    slashed = line("b", "x").replace(b'"x"', rb'"https:\/\/user:pass@example.com"')
    plain = line("c", f"mine is {KEY}") + line("d", "it is lab-secret-value")
    path.write_bytes(begin + escaped + slashed + plain)
    assert load(store, path, known="lab-secret-value").new == 4
    held = "".join(trace.model_dump_json() for trace in store.traces.values())
    for secret in (KEY, "user:pass", "lab-secret-value"):
        assert secret not in held
    assert held.count("[key]") == 4


def test_utf_16_is_read_as_its_mark_says(tmp_path: Path) -> None:
    path, store = tmp_path / "t.jsonl", MemoryTraces()
    path.write_text(line("a", "é").decode(), encoding="utf-16")
    assert load(store, path).new == 1
    assert store.traces["a"].user_message == "é"


class DyingReader(JsonlTraces):
    """Kills its process at a line."""

    def read_line(self, number: int, line: str, *, at: str) -> Trace | MalformedTrace:
        if number == 2_500:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read_line(number, line, at=at)


def lines(total: int) -> Iterator[bytes]:
    for number in range(1, total + 1):
        yield b"{\n" if number == 1_500 else line(f"t{number}")


def test_a_kill_in_the_middle_loses_nothing_when_the_import_is_repeated(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"".join(lines(3_000)))
    child = os.fork()
    if child == 0:
        load(open_stores(Lab(tmp_path / "lab")).traces, path, reader=DyingReader())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    store = open_stores(Lab(tmp_path / "lab")).traces
    assert store.count(ALL) == 2_000, "two batches, each whole"
    found = load(store, path)
    assert (found.new, found.duplicates, found.malformed) == (999, 2_000, 1)
    assert store.count(ALL) == 2_999
    assert len(read_rows(tmp_path / "aside.jsonl")) == 1


@pytest.mark.parametrize("key", ["password", "api_key", "client_secret"])
def test_a_value_is_hidden_that_only_its_key_calls_secret(tmp_path: Path, key: str) -> None:
    call = {"type": "tool_result", "tool_name": "log_in", "input": {key: "hunter2-and-more"}}
    path = tmp_path / "traces.jsonl"
    path.write_bytes(line("t1", events=[{**call, "note": {"user": "ann"}}]))
    store = MemoryTraces()
    assert load(store, path).new == 1
    (trace,) = store.read(ALL)
    kept = trace.model_dump_json()
    assert "hunter2" not in kept
    assert '"ann"' in kept
