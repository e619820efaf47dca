"""The commands of `prompt-lab` that run a Luigi task; pipeline/cli/app.py names them."""

from collections.abc import Callable
from typing import Any

import typer

from pipeline.cli import task as task_command
from pipeline.cli.luigi_command import (
    command_words,
    flag,
    make_command,
    task_options,
    with_options,
)
from pipeline.cli.records import (
    compare_records,
    iteration_records,
    ledger_records,
    loop_records,
    merge_records,
    replay_records,
)
from pipeline.tasks.after_merge import CheckMerges
from pipeline.tasks.iteration import Iteration
from pipeline.tasks.lab import Compare, Ledger, Replay, SplitPlans
from pipeline.tasks.loop import GiveUp, Loop, PreparePull, Reveal, Revert
from pipeline.tasks.noise_floor import NoiseFloor
from pipeline.tasks.task_engine import Campaign, RunTask
from pipeline.web.scheduler import main as run_scheduler


def scheduler() -> None:
    """Run luigid's page on 127.0.0.1:8082 and the lab's pages on 8083, until Ctrl-C."""
    raise typer.Exit(run_scheduler())


def _run_task_file(**given: Any) -> None:
    kind = ["--campaign"] if given.pop("campaign") else []
    task_command.main([given.pop("task"), *command_words(given), *kind])


def _task_file_command() -> Callable[..., None]:
    """`prompt-lab task`: the options of RunTask, and those that Campaign has besides."""
    options = {one.name: one for one in task_options(Campaign, "task")}
    options |= {one.name: one for one in task_options(RunTask, "task")}
    campaign = flag("campaign", "make attempts until the task's budget or goal is reached")
    text = "One attempt at a task.yaml, reported as one JSON record; or a campaign of them."
    return with_options(_run_task_file, [*options.values(), campaign], text)


split = make_command(SplitPlans)
iterate = make_command(Iteration, iteration_records)
loop = make_command(Loop, loop_records)
task = _task_file_command()
ledger = make_command(Ledger, ledger_records)
replay = make_command(Replay, replay_records)
compare = make_command(Compare, compare_records)
noise_floor = make_command(NoiseFloor)
reveal = make_command(Reveal)
check_merges = make_command(CheckMerges, merge_records)
revert = make_command(Revert)
give_up = make_command(GiveUp)
prepare_pull = make_command(PreparePull)
