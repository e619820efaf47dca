"""What an agent did, beside its output: agent_<task>_<name>_<n>.json, and its transcript."""

from collections.abc import Callable
from pathlib import Path

from pydantic import Field

from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import read_if_whole, read_record, write_record, write_text


class AgentRecord(Record):
    """One piece of work of one agent, whether it was taken or not."""

    version: int = VERSION
    agent: str
    kind: str
    model: str
    task: str = Field(description="'implement', 'insight' or 'code'")
    started: str
    ending: str = Field(description="done, failed, time, cost or output")
    message: str = ""
    refused: dict[str, str] = Field(default={}, description="reason code -> sentence; none: taken")
    prompt_sha256: str
    seconds: float
    cost_usd: float
    input_tokens: int
    output_tokens: int
    unbound: tuple[str, ...] = Field(
        default=(), description="parts of its sandbox policy that were not enforced"
    )
    transcript: str = Field(default="", description="its file beside this one; '' where withheld")


def keep_work(folder: Path, record: AgentRecord, transcript: str) -> Path:
    """Write both under the next free number; returns the record's path.

    An empty transcript is one that is withheld: no file of it is written.
    """
    stem = f"agent_{record.task}_{record.agent}"
    number = 1
    while (folder / f"{stem}_{number}.json").exists():
        number += 1
    path = folder / f"{stem}_{number}.json"
    if transcript:
        name = f"{stem}_{number}.transcript.txt"
        write_text(folder / name, transcript)
        record = record.model_copy(update={"transcript": name})
    write_record(path, record)
    return path


def works(folder: Path, fix: Callable[[Path], str] | None = None) -> tuple[AgentRecord, ...]:
    """All that agents did in an iteration, oldest first.

    A damaged record is left out; with `fix`, which says how to fix it, it raises StoreError.
    """
    paths = sorted(folder.glob("agent_*.json"))
    if fix is None:
        found = [record for path in paths if (record := read_if_whole(path, AgentRecord))]
    else:
        found = [read_record(path, AgentRecord, fix=fix(path)) for path in paths]
    return tuple(sorted(found, key=lambda record: record.started))
