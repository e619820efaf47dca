"""A command of a task as it is to be run, and the log of what it printed."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from prompt_lab.ports import CommandResult
from prompt_lab.store.files import write_text
from prompt_lab.task_engine.parts import Command


class CommandCall(NamedTuple):
    """A command of the task, its own environment variables, and the layer that it changes."""

    command: Command
    environment: Mapping[str, str]
    layer: str


def log_output(path: Path, ended: CommandResult, most: int) -> None:
    """Write the last `most` characters of both outputs; no file where there are none."""
    said = "".join(
        f"--- {name}\n{text[-most:]}\n" for name, text in (("out", ended.out), ("err", ended.err))
        if text
    )  # fmt: skip
    if said:
        write_text(path, said, durable=False)
