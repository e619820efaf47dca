"""`prompt-lab batch FILE`: a plain JSONL of messages, many calls at a time, durable rows."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from pipeline.wiring import load_adapter
from prompt_lab.config.models import RETRIES, CallSettings, ModelConfig
from prompt_lab.errors import ConfigError, LabBusy, UsageError
from prompt_lab.ports import Llm
from prompt_lab.report.terminal import write_output
from prompt_lab.runner.message_batch import read_messages, run_batch
from prompt_lab.store.layout import LabLock

UNFINISHED = 30
"""The exit code where some lines have no answer, as of a Luigi task that failed."""


def batch(  # noqa: PLR0913 -- the options of a command
    file: Annotated[Path, typer.Argument(help="JSONL: a list of messages, or {messages} a line")],
    *,
    base_url: Annotated[str, typer.Option(help="a server of chat completions: https://host/v1")],
    model: Annotated[str, typer.Option(help="the server's name for the model")],
    concurrency: Annotated[int, typer.Option(min=1, max=4096, help="calls at a time")] = 8,
    output: Annotated[
        Path | None, typer.Option(help="rows; default: FILE with .out.jsonl. Run again: goes on")
    ] = None,
    key_env: Annotated[str, typer.Option(help="environment variable that holds the key")] = "",
    max_tokens: Annotated[int | None, typer.Option(min=1, help="of each answer")] = None,
    temperature: Annotated[float | None, typer.Option(help="default: the server's own")] = None,
    timeout_seconds: Annotated[float, typer.Option(help="limit of one call")] = 120.0,
    retries: Annotated[int, typer.Option(min=0, max=20, help="of one call")] = RETRIES,
) -> None:
    """Ask a model every line of FILE; each answer is a row on the disk before it is counted.

    Prints one JSON summary. After an interruption the same command asks what has no row yet.
    """
    begun = time.process_time()
    try:
        config = ModelConfig(
            alias=model,
            provider="openai_like",
            id=model,
            base_url=base_url,
            key_env=key_env,
            settings=CallSettings(temperature=temperature, max_tokens=max_tokens),
            deterministic=False,
            workers=concurrency,
            timeout_seconds=timeout_seconds,
            retries=retries,
        )
    except ValidationError as error:
        first = error.errors()[0]
        name = "-".join(str(part) for part in first["loc"]).replace("_", "-")
        raise ConfigError([f"--{name}: {first['msg'].removeprefix('Value error, ')}"]) from None
    llm: Llm = load_adapter("llm", config.provider)(config)
    if why := llm.check():
        raise UsageError(f"{model}: {why}")
    lines = read_messages(file, model)
    rows = output or file.with_name(f"{file.stem}.out.jsonl")
    if rows.resolve() == file.resolve():
        raise UsageError(f"{rows}: the rows cannot go into the file that is read: give --output")
    lock = LabLock(rows.with_name(f".{rows.name}.lock"))
    if not lock.acquire(shared=False):
        raise LabBusy(f"{rows}: another process writes these rows. Wait until it ends.")
    try:
        summary = run_batch(lines, llm, rows, concurrency=concurrency)
    finally:
        lock.release()
        llm.close()
    code = UNFINISHED if summary.unanswered else 0
    used = round(time.process_time() - begun, 3)
    write_output(json.dumps({"exit_code": code, **asdict(summary), "cpu_seconds": used}))
    raise typer.Exit(code)
